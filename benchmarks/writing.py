"""What it costs to write a dump every ten steps, in the background, beside a run that writes nothing."""

from __future__ import annotations

import statistics
import tempfile
import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from solvers.command.background import Background
from solvers.command.folder import RunFolder
from solvers.config.build import Case, load
from solvers.records.schedule import EverySteps, Series
from solvers.run.account import Account
from solvers.run.checkpoint import Checkpoint
from solvers.run.driver import Run, Wishes
from solvers.run.problem import State

from .measures import Measure

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
STEPS = 10


@dataclass(frozen=True)
class Dumped:
    """A config, run with other settings, with and without dumps."""

    config: str
    overrides: tuple[str, ...]

    def ratio(self) -> Callable[[], float]:
        """Measures the time of the run with dumps over that without, compilation apart."""
        case = load(CONFIGS / self.config, (*self.overrides, "output.picture=false"))
        run = case.simulation.prepared(0.0, case.config.time.end, Wishes())
        state = run.first_state(case.initial)
        _, _, last, _ = _rest(run, state)  # compiled, and as large as it has to be
        state = state.resized(case.simulation.mesh, last.capacity)
        if state.capacity != last.capacity:
            run.program = None
        _rest(run, state)
        return lambda: _dumped(run, state, case) / _plain(run, state)


def _rest(run: Run, state: State):
    run.account = Account()
    run.account.begin(run.field(state))
    for series in run.wishes.series:
        series.start(run.moment(state))
    return run.to_the_end(state)


def _plain(run: Run, state: State) -> float:
    run.wishes = Wishes()
    started = clock.perf_counter()
    _rest(run, state)
    return clock.perf_counter() - started


def _dumped(run: Run, state: State, case: Case) -> float:
    """Seconds until the last file is written."""
    with tempfile.TemporaryDirectory() as folder:
        output = case.config.output.model_copy(update={"directory": folder})
        config = case.config.model_copy(update={"output": output})
        case = Case(**{**vars(case), "config": config})
        files = RunFolder(case)
        started = clock.perf_counter()
        with Background() as writer:

            def write(checkpoint: Checkpoint) -> None:
                writer.do(lambda: files.dump(checkpoint))

            run.wishes = Wishes(output=Series(write, (EverySteps(STEPS),)))
            _rest(run, state)
        return clock.perf_counter() - started


LARGE = ("mesh.cells=[512, 512]", "mesh.max_level=1", "mesh.patch=32", "time.end=0.1")
CASES = {
    "dumps_small": ("64^2 +2 (ADV2D), 22 thousand cells", Dumped("advection_swirl_2d.toml", ("time.end=1.0",))),
    "dumps_large": (
        "512^2 +1, a million cells and more",
        Dumped("advection_swirl_2d.toml", LARGE),
    ),
    "dumps_large_raw": (
        "the same, output.compression = 0",
        Dumped("advection_swirl_2d.toml", (*LARGE, "output.compression=0")),
    ),
    "dumps_gas": ("gas in 2D, kelvin_helmholtz.toml", Dumped("kelvin_helmholtz.toml", ("time.end=0.3",))),
}
MEASURES = tuple(
    Measure(key, f"time with a dump every {STEPS} steps / without, {text}", ("<=", 1.1))
    for key, (text, _) in CASES.items()
)


def measure(keys: set[str], repeats: int, say: Callable[[str], None]) -> dict[str, float]:
    """Values of `MEASURES` by their keys."""
    found = {}
    for key, (text, case) in CASES.items():
        if key in keys:
            say(f"dumps, {text}")
            ratio = case.ratio()
            found[key] = statistics.median(ratio() for _ in range(repeats))
    return found
