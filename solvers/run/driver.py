"""The host's side of a run: choose the room, call the device program, grow the pool, report, write."""

import functools
import time as timer
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import equinox as eqx
import jax
import numpy as np

from amr.field import NO_UNITS, Field, Units
from amr.grid import Room, from_pool_on_host, norms, room_for, room_of
from amr.mesh import Forest, Mesh, root_forest
from solvers.records import Recording, Rows, RunLimits, RunMoment, Series, first_rows

from . import loop
from .account import Account
from .checkpoint import Checkpoint
from .clock import Clock, Instant
from .evaluation import evaluate
from .given import GivenData
from .problem import Setup, State
from .programs import PROGRAMS, Prepared
from .soundness import sound, told_unsound, try_own_law
from .summary import Summary

SLICE_SECONDS = 0.5  # the device program comes back about this often, for progress and interruption
SLACK = 1.25  # room in a new pool over what is needed at once
POOL_GROWTH = 2.0  # a pool that was too small grows by at least this factor
HOPELESS = 1e9  # steps that a run is not left to take
TOO_LONG = (
    "steps until t={:.6g} were too long for signals that became faster within them, and were taken again, shorter; "
    "does a boundary, flow or source change at once? Give a longest step to follow it (the summary counts them)"
)
# Room that a pool begins with: work follows the patches, not the room, and a pool that grows costs a compilation.
SMALL_POOL = 2**20  # bytes
FEW_PATCHES, MEDIUM_POOL = 512, 2**24  # so many patches, unless they are more bytes than that
ROOM_OF_ROOTS = 2  # times the patches of the root grid


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
    """A run that cannot go on.

    **Attributes:** `checkpoint`: the last good state, to be resumed from with other choices; `field`: its field. Both
    are `None` if there was none yet.
    """

    def __init__(self, message: str, checkpoint: Checkpoint | None):
        super().__init__(message)
        self.checkpoint = checkpoint

    @property
    def field(self) -> Field | None:
        """The last good field."""
        return None if self.checkpoint is None else self.checkpoint.field


class Interrupted(KeyboardInterrupt):
    """A run that was asked to stop. `checkpoint` is where it stood; `Simulation.resume` goes on from it."""

    def __init__(self, checkpoint: Checkpoint):
        advice = "simulation.resume(error.checkpoint, t_end) goes on, error.checkpoint.save(path) keeps it"
        super().__init__(f"interrupted at t={float(checkpoint.field.time):.6g}; {advice}")
        self.checkpoint = checkpoint


@dataclass(frozen=True)
class Wishes:
    """What is wanted from a run besides its end.

    **Attributes:**

    - `exact(x, .., t)`: the exact solution, if it is known.
    - `times`: met exactly, and given to `output`; so are start and end.
    - `output`, `checkpoints`: what is done with checkpoints, and when.
    - `progress`: called before the run loop is compiled, and then about twice a second.
    - `stop`: asked as often; once it is true the run raises `Interrupted`.
    - `recording`: what is recorded step by step, and who gets it.
    - `limits`: when to end before the end; then, too, a checkpoint is written.
    - `units`: of what fields hold.
    """

    exact: Callable | None = None
    times: tuple[float, ...] = ()
    output: Series | None = None
    checkpoints: Series | None = None
    progress: Callable[[Progress], None] = lambda progress: None
    stop: Callable[[], bool] = lambda: False
    recording: Recording | None = None
    limits: RunLimits = field(default_factory=RunLimits)
    units: Units = NO_UNITS

    @property
    def series(self) -> Sequence[Series]:
        """Outputs before checkpoints: what goes on from a checkpoint has written what was due by then."""
        return [series for series in (self.output, self.checkpoints) if series is not None]


def ladder(mesh: Mesh, wanted: float | int) -> int:
    """The capacity for `wanted` patches: a size from a geometric ladder, so that few different programs are
    compiled (and the cache of an earlier run serves), and never more than the finest mesh needs."""
    size = 16.0
    while size < wanted:
        size *= 1.125
    rounded = -(-int(size) // 8) * 8
    return max(mesh.root_count, min(max(rounded, int(wanted)), mesh.root_count * mesh.children**mesh.max_level))


def _norms_of_error(setup: Setup, state: State, exact: Callable) -> dict[str, jax.Array]:
    """Norms of the difference to an exact solution, see `amr.grid.norms`."""
    known = evaluate(setup, state.forest, exact, state.u.dtype, state.clock.time)
    return norms(setup.mesh, state.forest, state.values - known)


class Run:
    """One run. Not reusable."""

    def __init__(self, setup: Setup, dtype, t_start: float, t_end: float, wishes: Wishes | None = None):
        self.setup, self.dtype, self.end = setup, dtype, float(t_end)
        self.begin = float(t_start)
        self.wishes = wishes or Wishes()
        self.account = Account()
        self.program: Prepared | None = None
        self.rows: tuple[Rows, ...] | None = None
        self.limit = ""  # the one that ended the run before its time
        self.started = timer.perf_counter()

    def go(self, initial: Callable | GivenData) -> tuple[Field, Summary, State, Checkpoint]:
        """The whole run from an initial condition."""
        try:
            state = self.first_state(initial)
        except jax.errors.JaxRuntimeError as error:
            raise RunError(f"the device failed with the first mesh ({str(error).splitlines()[0]})", None) from error
        with self.nothing_lost(state):
            self.check_sound(state, "at the start: the initial condition")
            first = self.field(state)
            try_own_law(self.setup, first)
            self.account.begin(first)
            for series in self.wishes.series:
                series.start(self.moment(state))
            self.record_first(state)
            self.emit(state)
        return self.to_the_end(state)

    def go_on(self, checkpoint: Checkpoint) -> tuple[Field, Summary, State, Checkpoint]:
        """The rest of a run."""
        state = checkpoint.state(self.setup, self.dtype)
        self.account = checkpoint.account
        for series in self.wishes.series:
            series.start(self.moment(state))
        return self.to_the_end(state)

    def to_the_end(self, state: State) -> tuple[Field, Summary, State, Checkpoint]:
        """On to all the times that have to be met, the last of which is the end."""
        self.wishes.progress(self.progress(state))
        with self.nothing_lost(state):
            for stop in self.stops(state.clock):
                state = self.until(state, stop)
                if self.limit:
                    break
                self.emit(state)
        checkpoint = self.checkpoint(state)
        final = checkpoint.field
        if self.limit and self.wishes.checkpoints is not None:
            self.wishes.checkpoints.perform(checkpoint, self.moment(state))
        summary = self.account.summary(self.setup, state, final, self.errors(state))
        return final, replace(summary, limit=self.limit), state, checkpoint

    @contextmanager
    def nothing_lost(self, state: State) -> Iterator[None]:
        """Whatever ends the run in the block leaves the last good state behind."""
        self.good = state, replace(self.account)
        try:
            yield
        except Interrupted:
            raise
        except KeyboardInterrupt as interrupt:
            raise Interrupted(self.last_good()) from interrupt
        except jax.errors.JaxRuntimeError as error:
            room, advice = self.good[0].capacity, "try fewer levels, float32 or a higher threshold"
            text = f"the device failed ({str(error).splitlines()[0]}); the pool has room for {room} patches; {advice}"
            raise RunError(text, self.last_good()) from error

    def last_good(self) -> Checkpoint:
        """The checkpoint of the last state that made sense, and of what was counted until then."""
        state, self.account = self.good
        return self.checkpoint(state)

    def stops(self, clock: Clock) -> list[float]:
        """The times to meet after the clock's; one that rounding puts next to it, or to the end, is met there."""
        now, last = float(clock.time), float(self.scalar(self.end))
        near = 1e-9 * max(abs(now), abs(last))
        inner = sorted({float(self.scalar(t)): float(t) for t in self.wishes.times}.items())
        due = [t for rounded, t in inner if now + near < rounded < last]
        return [*due, self.end] if bool(clock.before(self.instant(self.end))) else []

    def first_state(self, initial: Callable | GivenData) -> State:
        """The initial condition on the mesh that it asks for.

        It is looked at anew on each finer mesh. The program that refines is the run loop's, which takes no step then:
        another one would have to be compiled.
        """
        room = room_for(self.setup.mesh, self.first_room(), self.dtype)
        state = self.begun(initial, root_forest(self.setup.mesh, room.capacity), room)
        for _ in range(loop.most_refinements(self.setup)):
            refined = self.refined(state)
            while bool(refined.overflow):
                state = self.grown(refined)
                refined = self.refined(state)
            if np.array_equal(refined.forest.level, state.forest.level):  # in Morton order these tell all
                break
            state = self.begun(initial, refined.forest, room_of(refined.u))
        return state

    def begun(self, initial: Callable | GivenData, forest: Forest, room: Room) -> State:
        """The initial condition on a forest."""
        begin = self.instant(self.begin)
        arguments = (self.setup, initial, forest, room, begin.time, self.scalar(self.end))
        state = self.compiled(loop.begin, *arguments)(*arguments)
        return eqx.tree_at(lambda state: state.clock.rest, state, begin.rest)

    def first_room(self) -> int:
        """The capacity to begin with: that of the mesh, or as many patches as fit into `SMALL_POOL`, or are a few."""
        mesh = self.setup.mesh
        if mesh.capacity is not None or not self.setup.adaptive:
            return mesh.root_count if mesh.capacity is None else mesh.capacity
        patch = mesh.cells_per_patch * len(self.setup.equation.names) * self.dtype.itemsize
        few = max(SMALL_POOL // patch, min(FEW_PATCHES, MEDIUM_POOL // patch))
        return ladder(mesh, max(few, ROOM_OF_ROOTS * mesh.root_count))

    def until(self, state: State, stop: float) -> State:
        """Advance to a time, growing the pool as often as needed and writing what is due on the way."""
        rounds = 2
        while bool(state.clock.before(self.instant(stop))) and not self.ended(state):
            if self.wishes.stop():
                raise Interrupted(self.checkpoint(state))
            before, started = state, timer.perf_counter()
            done = min(rounds, self.rounds_left(state))
            state = self.slice_(state, stop, done)
            rounds = self.next_rounds(done, timer.perf_counter() - started)
            self.check_sound(state, f"after t={float(before.clock.time):.6g}")
            self.record()
            self.good = state, replace(self.account)
            self.check_solved(state)
            if bool(state.overflow):
                state = self.grown(state)
            elif self.stands_still(state, before, stop):
                clock, advice = state.clock, "it would never end; check the velocity, the initial values and the scheme"
                text = f"time stands still at t={float(clock.time):.8g} with steps of {float(clock.dt):.3g}: {advice}"
                raise RunError(text, self.checkpoint(state))
            self.wishes.progress(self.progress(state))
            self.attend(state, stop)
        return state

    def ended(self, state: State) -> bool:
        """Whether a limit has been reached, which ends the run here."""
        self.limit = self.wishes.limits.reached(self.moment(state))
        return bool(self.limit)

    def stands_still(self, state: State, before: State, stop: float) -> bool:
        """Whether some steps were too short to be seen in the time, and there would be far too many of them."""
        clock = state.clock
        seen = float(clock.time) > float(before.clock.time)
        return not seen and float(clock.left(self.instant(stop))) > HOPELESS * float(clock.dt)

    def emit(self, state: State) -> None:
        """Give a state at a time that was asked for to the output, and a checkpoint if one is due."""
        made = functools.cache(lambda: self.checkpoint(state))
        if self.wishes.output is not None:
            self.wishes.output.perform(made(), self.moment(state))
        if self.wishes.checkpoints is not None:
            self.wishes.checkpoints.attend(made, self.moment(state))

    def attend(self, state: State, stop: float) -> None:
        """Write what is due before a stop."""
        made = functools.cache(lambda: self.checkpoint(state))  # one for all, since each holds a copy of the pool
        for series in self.wishes.series if bool(state.clock.before(self.instant(stop))) else ():
            series.attend(made, self.moment(state))

    def record_first(self, state: State) -> None:
        """Record the state that a run begins with."""
        recording = self.wishes.recording
        if recording is not None:
            arguments = (self.setup, tuple(recording.tapes.values()), state.forest, state.u, state.clock.time)
            self.rows = self.compiled(first_rows, *arguments)(*arguments)
            self.record()

    def record(self) -> None:
        """Pass on what the last call of the device program recorded."""
        if self.wishes.recording is not None and self.rows is not None:
            self.wishes.recording.take(self.setup, self.rows)

    def moment(self, state: State) -> RunMoment:
        """Where the run is."""
        return RunMoment(self.account.steps, float(state.clock.time), timer.perf_counter() - self.started)

    def rounds_left(self, state: State) -> int:
        """How many rounds may be taken until something may be due."""
        now = self.moment(state)
        steps = min([self.wishes.limits.steps_left(now), *(series.steps_left(now) for series in self.wishes.series)])
        return 10**6 if steps > 10**6 else max(1, -(-int(steps) // self.setup.interval))

    def slice_(self, state: State, stop: float, rounds: int) -> State:
        """One call of the device program."""
        arguments = self.arguments(state, stop, rounds)
        program = self.run_loop(arguments)
        started = timer.perf_counter()
        state, tally = jax.block_until_ready(program(*arguments))
        self.account.loop_seconds += timer.perf_counter() - started
        repeated = self.account.repeated
        self.account.add(tally, self.setup.adaptive)
        if self.account.repeated > repeated == 0:
            self.tell(state, TOO_LONG.format(float(state.clock.time)))
        self.rows = tally.rows
        return state

    def refined(self, state: State) -> State:
        """The state on the mesh that it asks for."""
        arguments = self.arguments(state, float(state.clock.time), 0, mesh_alone=True)
        return self.run_loop(arguments)(*arguments)[0]

    def arguments(self, state: State, stop: float, rounds: int, mesh_alone: bool = False) -> tuple:
        """Of the device program."""
        recording = self.wishes.recording
        recorder = None if recording is None else recording.recorder(self.dtype, self.account.steps, self.end)
        most, alone = jax.device_put((np.asarray(rounds, np.int32), np.asarray(mesh_alone)))
        return self.setup, state, self.instant(stop), most, recorder, alone

    def run_loop(self, arguments: tuple) -> Callable:
        """The device program, compiled if it is not yet, which is told since it takes seconds."""
        if self.program is None:
            state = arguments[1]
            text = f"compiling the run loop for up to {state.capacity} patches"
            self.program = self.compiled(loop.advance, *arguments, before=lambda: self.tell(state, text))
            if self.program.seconds is not None:
                self.account.compilations += 1
                self.tell(state, f"compiled in {self.program.seconds:.1f} s")
        return self.program

    def tell(self, state: State, text: str) -> None:
        """Say something rare to who follows the run."""
        self.wishes.progress(self.progress(state, text))

    def next_rounds(self, rounds: int, seconds: float) -> int:
        """How many rounds the next call may do, so that it takes about `SLICE_SECONDS`."""
        return max(1, min(4 * rounds, int(rounds * SLICE_SECONDS / max(seconds, 1e-3)), 10**6))

    def grown(self, state: State) -> State:
        """The same state with more room; the run loop is compiled anew for it."""
        needed = int(state.needed)
        capacity = ladder(self.setup.mesh, max(SLACK * needed, POOL_GROWTH * state.capacity))
        self.account.growths += 1
        self.program = None
        text = f"pool of {state.capacity} patches is too small, {needed} needed: grown to {capacity}"
        self.tell(state, text)
        return state.resized(self.setup.mesh, capacity)

    def compiled(self, function, *arguments, before: Callable[[], None] = lambda: None) -> Prepared:
        """The program of a function for such arguments, from an earlier run or compiled ahead of time, so that the
        time it takes is known; `before` is called if it has to be compiled."""
        program = PROGRAMS.prepare(function, *arguments, before=before)
        self.account.compile_seconds += program.seconds or 0.0
        return program

    def check_sound(self, state: State, when: str) -> None:
        """Stop a run whose numbers have stopped making sense, with the last good field."""
        if not bool(self.compiled(sound, self.setup, state)(self.setup, state)):
            raise RunError(told_unsound(self.setup, self.field(state), when), self.last_good())

    def check_solved(self, state: State) -> None:
        """Stop a run whose implicit equations could not be solved; the state is that before the step."""
        if not bool(state.failed):
            return
        clock, integrator = state.clock, self.setup.integrator.for_diffusion
        text = f"the equations of {integrator.told} in the step after"
        advice = "try a shorter step (longest), more iterations, or a larger tolerance"
        raise RunError(f"{text} t={float(clock.time):.6g}; {advice}", self.checkpoint(state))

    def progress(self, state: State, message: str | None = None) -> Progress:
        """How far the run is."""
        account = self.account
        return Progress(
            float(state.clock.time),
            self.end,
            account.steps,
            int(state.forest.count),
            state.capacity,
            account.updates_per_second(self.setup),
            message,
        )

    def errors(self, state: State) -> list[dict[str, float] | None]:
        """Norms of the difference to the exact solution, one dictionary a variable."""
        if self.wishes.exact is None:
            return [None] * state.u.shape[0]
        arguments = (self.setup, state, self.wishes.exact)
        try:
            found = self.compiled(_norms_of_error, *arguments)(*arguments)
        except Exception:  # the function may be one of NumPy, which cannot be compiled; then step by step
            found = _norms_of_error(*arguments)
        found = jax.device_get(found)
        return [{norm: float(values[i]) for norm, values in found.items()} for i in range(state.u.shape[0])]

    def checkpoint(self, state: State) -> Checkpoint:
        """All that is needed to go on from here."""
        return Checkpoint.of(self.setup, self.field(state), state, self.account)

    def field(self, state: State) -> Field:
        """The state as people handle it, in the memory of the host: what waits to be written takes none of the
        device's."""
        forest, u = jax.device_get((state.forest, state.u))
        forest, values = jax.device_put((forest, from_pool_on_host(u)), jax.local_devices(backend="cpu")[0])
        names = self.setup.equation.names
        time, step = float(state.clock.time), self.account.steps
        return Field(self.setup.mesh, forest, values, names, time, step, self.wishes.units)

    def instant(self, time: float) -> Instant:
        """A time to be met, for the device."""
        return Instant.put(time, self.dtype)

    def scalar(self, value: float):
        """A number for the device."""
        return jax.device_put(np.asarray(value, self.dtype))
