"""The host's side of a run: choose the room, call the device program, grow the pool, report, write."""

from __future__ import annotations

import time as timer
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from amr.diagnostics import norms
from amr.field import Field
from amr.forest import root_forest
from amr.mesh import Mesh

from . import loop
from .compiling import compiled
from .implicit import Implicit
from .setup import Setup, State
from .splitting import Strang
from .stabilized import RKL2
from .summary import Effort, Summary, Variable, relative_change

SLICE_SECONDS = 0.5  # the device program comes back about this often, for progress and interruption
SLACK = 1.25  # room in a new pool over what is needed at once
POOL_GROWTH = 2.0  # a pool that was too small grows by at least this factor
SMALL_POOL = 2**20  # bytes; pools begin with this much room: work follows the patches, and a compilation takes seconds
STARTING_ROOM = 512  # patches; the program that builds the first mesh is run once, so its room costs little


@dataclass(frozen=True)
class Progress:
    """How far a run is. `message` tells of something rare, such as a pool that had to grow."""

    time: float
    end: float
    step: int
    patches: int
    capacity: int
    updates_per_second: float
    message: str | None = None


class RunError(RuntimeError):
    """A run that cannot go on. `field` is the last good field."""

    def __init__(self, message: str, field: Field):
        super().__init__(message)
        self.field = field


def ladder(mesh: Mesh, wanted: float | int) -> int:
    """The capacity for `wanted` patches: a size from a geometric ladder, so that few different programs are
    compiled (and the cache of an earlier run serves), and never more than the finest mesh needs."""
    size = 16.0
    while size < wanted:
        size *= 1.125
    rounded = -(-int(size) // 8) * 8
    return max(mesh.root_count, min(max(rounded, int(wanted)), mesh.root_count * mesh.children**mesh.max_level))


@jax.jit
def _finite(u, time):
    return jnp.isfinite(u).all() & jnp.isfinite(time)


class Run:
    """One run. Not reusable."""

    def __init__(self, setup: Setup, dtype, t_start: float, t_end: float):
        self.setup, self.dtype, self.end = setup, dtype, float(t_end)
        self.begin = float(t_start)
        self.summary = Summary(dtype=str(dtype), device=jax.devices()[0].device_kind)
        self.patch_steps = 0
        self.most_patches = 0
        self.lowest: np.ndarray | None = None
        self.highest: np.ndarray | None = None
        self.efforts = 0
        self.most_effort = 0
        self.unsolved = False
        self.program: Callable | None = None
        self.report: Callable[[Progress], None] = lambda progress: None

    def go(
        self,
        initial: Callable,
        exact: Callable | None,
        outputs: Iterable[float],
        on_output: Callable[[Field], None] | None,
        progress: Callable[[Progress], None] | None,
    ) -> tuple[Field, Summary, State]:
        """The whole run."""
        self.report = progress or self.report
        emit = on_output or (lambda field: None)
        state = self.first_state(initial)
        first = self.field(state)
        self.check_finite(state, state)
        emit(first)
        stops = sorted({float(t) for t in outputs if self.begin < t < self.end})
        for stop in [*stops, self.end] if self.end > self.begin else []:
            state = self.until(state, stop)
            emit(self.field(state))
        return self.field(state), self.finish(first, state, exact), state

    def first_state(self, initial: Callable) -> State:
        """The initial condition on its refined mesh, in a pool with some slack."""
        mesh = self.setup.mesh
        capacity = ladder(mesh, max(STARTING_ROOM, 2 * mesh.root_count))
        while True:
            start = self.compiled(eqx.filter_jit(loop.start), self.setup, initial, *self._beginning(capacity))
            state = start(self.setup, initial, *self._beginning(capacity))
            if not bool(state.overflow):
                break
            capacity = ladder(mesh, SLACK * int(state.needed))
        return state.resized(self.setup.mesh, self.first_room(state))

    def first_room(self, state: State) -> int:
        """The capacity to begin with: the one asked for, if the first mesh fits, or one with some slack."""
        asked, count = self.setup.mesh.capacity, int(state.forest.count)
        if asked is not None and count <= asked:
            return asked
        room = ladder(self.setup.mesh, max(SLACK * count, self.small_pool)) if self.setup.adaptive else count
        if asked is not None:
            self.summary.growths += 1
            text = f"pool of {asked} patches is too small, {count} needed: grown to {room}"
            self.report(self.progress(state, text))
        return room

    @property
    def small_pool(self) -> int:
        """How many patches fit into `SMALL_POOL`."""
        patch = self.setup.mesh.cells_per_patch * len(self.setup.equation.names) * self.dtype.itemsize
        return SMALL_POOL // patch

    def _beginning(self, capacity: int):
        return root_forest(self.setup.mesh, capacity), self.scalar(self.begin), self.scalar(self.end)

    def until(self, state: State, stop: float) -> State:
        """Advance to a time, growing the pool as often as needed."""
        rounds = 2
        while float(state.clock.time) < float(self.scalar(stop)):
            before, started = state, timer.perf_counter()
            state = self.slice_(state, stop, rounds)
            rounds = self.next_rounds(rounds, timer.perf_counter() - started)
            self.check_finite(state, before)
            self.check_solved(state)
            if bool(state.overflow):
                state = self.grown(state)
            elif float(state.clock.time) == float(before.clock.time):
                raise RunError(self.stuck(state), self.field(state))
            self.report(self.progress(state))
        return state

    def slice_(self, state: State, stop: float, rounds: int) -> State:
        """One call of the device program."""
        arguments = (self.setup, state, self.scalar(stop), jnp.asarray(rounds, jnp.int32))
        if self.program is None:
            self.program = self.compiled(eqx.filter_jit(loop.advance), *arguments)
            self.summary.compilations += 1
        started = timer.perf_counter()
        try:
            state, tally = jax.block_until_ready(self.program(*arguments))
        except jax.errors.JaxRuntimeError as error:
            advice = f"the pool has room for {state.capacity} patches; try fewer levels, float32 or a higher threshold"
            first = str(error).splitlines()[0]
            raise RunError(f"the device program failed ({first}); {advice}", self.field(state)) from error
        self.summary.loop_seconds += timer.perf_counter() - started
        self.count(tally, bool(state.overflow))
        return state

    def count(self, tally: loop.Tally, full: bool) -> None:
        """Add what a call did to the summary; the last regrid of one that found the pool full was not done."""
        self.summary.steps += int(tally.steps)
        self.summary.regrids += int(tally.rounds) - int(full) if self.setup.adaptive else 0
        self.patch_steps += int(tally.patch_steps)
        self.most_patches = max(self.most_patches, int(tally.most_patches))
        lowest, highest = np.asarray(tally.lowest), np.asarray(tally.highest)
        self.lowest = lowest if self.lowest is None else np.minimum(self.lowest, lowest)
        self.highest = highest if self.highest is None else np.maximum(self.highest, highest)
        self.unsolved = bool(tally.effort.failed)
        self.efforts += int(tally.effort.total)
        self.most_effort = max(self.most_effort, int(tally.effort.most))
        self.summary.cell_updates = self.patch_steps * self.setup.mesh.cells_per_patch

    def next_rounds(self, rounds: int, seconds: float) -> int:
        """How many rounds the next call may do, so that it takes about `SLICE_SECONDS`."""
        return max(1, min(4 * rounds, int(rounds * SLICE_SECONDS / max(seconds, 1e-3)), 10**6))

    def grown(self, state: State) -> State:
        """The same state with more room; the run loop is compiled anew for it."""
        needed = int(state.needed)
        capacity = ladder(self.setup.mesh, max(SLACK * needed, POOL_GROWTH * state.capacity))
        self.summary.growths += 1
        self.program = None
        text = f"pool of {state.capacity} patches is too small, {needed} needed: grown to {capacity}"
        self.report(self.progress(state, text))
        return state.resized(self.setup.mesh, capacity)

    def compiled(self, function, *arguments) -> Callable:
        """Compile ahead of time, so that the time it takes is known."""
        started = timer.perf_counter()
        program = compiled(function, *arguments)
        self.summary.compile_seconds += timer.perf_counter() - started
        return program

    def check_finite(self, state: State, before: State) -> None:
        """Stop a run whose numbers have stopped making sense, with the last good field."""
        if bool(_finite(state.u, state.clock.time)):
            return
        where = "the initial condition" if state is before else f"the solution after t={float(before.clock.time):.6g}"
        advice = "check it" if state is before else "check the velocity and the scheme, or try a smaller cfl"
        raise RunError(f"{where} is not finite; {advice}", self.field(before))

    def check_solved(self, state: State) -> None:
        """Stop a run whose implicit equations could not be solved; the state is that before the step."""
        if not self.unsolved:
            return
        clock, integrator = state.clock, self.setup.diffusion_integrator
        assert isinstance(integrator, Implicit), "no other can fail"
        text = f"the equations of {type(integrator).__name__} were not solved to a relative residual of"
        text = f"{text} {integrator.tolerance:g} in {integrator.iterations} iterations, in the step after"
        advice = "try a shorter step (longest), more iterations, or a larger tolerance"
        raise RunError(f"{text} t={float(clock.time):.6g}; {advice}", self.field(state))

    def stuck(self, state: State) -> str:
        """Why time does not go on."""
        clock = state.clock
        text = f"time stands still at t={float(clock.time):.8g} with steps of {float(clock.dt):.3g}"
        return f"{text}: they are lost in rounding; use float64, or a start time near 0"

    def progress(self, state: State, message: str | None = None) -> Progress:
        """How far the run is."""
        summary = self.summary
        return Progress(
            float(state.clock.time),
            self.end,
            summary.steps,
            int(state.forest.count),
            state.capacity,
            summary.updates_per_second,
            message,
        )

    def finish(self, first: Field, state: State, exact: Callable | None) -> Summary:
        """Fill in what is known only at the end."""
        summary, mesh, final = self.summary, self.setup.mesh, self.field(state)
        mean = self.patch_steps / summary.steps if summary.steps else float(final.count)
        summary.time = float(state.clock.time)
        summary.capacity = state.capacity
        summary.patches = {"mean": mean, "max": max(self.most_patches, final.count)}
        cells = mean * mesh.cells_per_patch
        summary.cells = {"mean": cells, "fraction_of_uniform_finest": cells / mesh.finest_cells}
        summary.diffusion = self.diffusion()
        errors = self.errors(state, exact) if exact is not None else [None] * len(final.names)
        for i, name in enumerate(final.names):
            summary.variables[name] = self.variable(first, final, i, errors[i])
        return summary

    def diffusion(self) -> Effort | None:
        """How diffusion was integrated; `None` where nothing diffuses."""
        if not self.setup.diffuses:
            return None
        integrator = self.setup.diffusion_integrator
        units = {RKL2: "stages", Implicit: "cycles of multigrid"}
        unit = next((text for kind, text in units.items() if isinstance(integrator, kind)), "")
        split = "Strang splitting with " if isinstance(self.setup.scheme, Strang) else ""
        per_step = self.efforts / max(self.summary.steps, 1)
        return Effort(split + type(integrator).__name__, self.setup.why, unit, per_step, self.most_effort)

    def variable(self, first: Field, final: Field, i: int, error: dict | None) -> Variable:
        """What became of one variable."""
        initial, last = first.integral(i), final.integral(i)
        low, high = final.minimum(i), final.maximum(i)
        change = relative_change(initial, last, max(abs(low), abs(high)) * self.setup.mesh.domain.volume)
        integral = {"initial": initial, "final": last, "relative_change": change}
        lowest = low if self.lowest is None else float(self.lowest[i])
        highest = high if self.highest is None else float(self.highest[i])
        return Variable(integral, low, high, lowest, highest, error)

    def errors(self, state: State, exact: Callable) -> list[dict[str, float]]:
        """Norms of the difference to the exact solution, one dictionary a variable."""
        mesh, t = self.setup.mesh, state.clock.time
        known = loop.evaluate(self.setup, state.forest, exact, self.dtype, t)
        found = norms(mesh, state.forest, state.values - known)
        return [{norm: float(values[i]) for norm, values in found.items()} for i in range(state.u.shape[0])]

    def field(self, state: State) -> Field:
        """The state as people handle it."""
        return Field(
            self.setup.mesh,
            state.forest,
            state.values,
            self.setup.equation.names,
            float(state.clock.time),
            self.summary.steps,
        )

    def scalar(self, value: float):
        """A number for the device."""
        return jnp.asarray(value, self.dtype)
