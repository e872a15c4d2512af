"""A pytest plugin: how many programs were compiled by all workers, and for how long; the longest files go first."""

import collections

import jax.monitoring
import pytest

# What takes longest should not come last, when one worker is left with it.
LONG = ("lines", "diffusion", "simulation", "resume", "multigrid", "config_diffusion", "boundary", "docs", "examples")
# JAX tells of a program that is read from the cache as of one that is compiled, too.
READ, MADE = "cache_retrieval_time_sec", "backend_compile_duration"
own: dict[str, list] = collections.defaultdict(lambda: [0, 0.0])
total: dict[str, list] = collections.defaultdict(lambda: [0, 0.0])


def _heard(event: str, seconds: float, **_) -> None:
    what = event.rsplit("/", 1)[-1]
    if what in (READ, MADE):
        own[what][0] += 1
        own[what][1] += seconds


def programs() -> int:
    """How many programs this process has made so far, compiled or read from the cache."""
    return own[MADE][0]


def _add(counts: dict) -> None:
    for what, (number, seconds) in counts.items():
        total[what][0] += number
        total[what][1] += seconds


def pytest_configure(config):
    jax.monitoring.register_event_duration_secs_listener(_heard)


def pytest_collection_modifyitems(items):
    ranks = {f"test_{name}": rank for rank, name in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(LONG)))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["compiled"] = dict(own)
    else:
        _add(own)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    _add(getattr(node, "workeroutput", {}).get("compiled", {}))


def pytest_terminal_summary(terminalreporter):
    (made, in_all), (read, reading) = total[MADE], total[READ]
    text = f"{made - read} programs compiled in {in_all - reading:.0f} s, {read} read from the cache in {reading:.0f} s"
    terminalreporter.write_line(f"{text} (all workers)")
