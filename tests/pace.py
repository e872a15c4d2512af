"""A pytest plugin: how many programs were compiled by all workers, and for how long; the longest files go first."""

import collections

import jax.monitoring
import pytest

# What takes longest should not come last, when one worker is left with it.
LONG = ("lines", "diffusion", "simulation", "resume", "multigrid", "config_diffusion", "boundary", "docs", "examples")
EVENTS = {"backend_compile_duration": "compiled", "cache_retrieval_time_sec": "read from the cache"}

own: dict[str, list] = collections.defaultdict(lambda: [0, 0.0])
total: dict[str, list] = collections.defaultdict(lambda: [0, 0.0])


def _heard(event: str, seconds: float, **_) -> None:
    what = EVENTS.get(event.rsplit("/", 1)[-1])
    if what is not None:
        own[what][0] += 1
        own[what][1] += seconds


def programs() -> int:
    """How many programs this process has made so far, compiled or read from the cache."""
    return own["compiled"][0]


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
    for what, (number, seconds) in sorted(total.items()):
        terminalreporter.write_line(f"programs {what}: {number} in {seconds:.0f} s, of all workers")
