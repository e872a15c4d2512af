"""The program that runs on the device: regrid, take a few steps, and again, without a word to the host.

    repeat
        plans and samples of the flow or law, for a new forest
        repeat `interval` times: step (not in the first turn)
        if there is more to do: regrid -> forest
    while there is, and the pool is large enough

Each part stands there once, since all of it has to be compiled. Plans and samples do not change inside the inner loop.
The scalars of a step are computed one step ahead and carried: computed inside the step, XLA would recompute them for
every element of the fused kernel.
"""

import dataclasses
import functools
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from amr.grid import (
    Extrema,
    Pool,
    Room,
    Store,
    Work,
    blank_pool,
    cells_of,
    clip_and_assure_sum,
    extrema,
    room_for,
    room_of,
    to_pool,
    with_store,
)
from amr.mesh import Forest
from amr.refine import Regridded, regrid, wishes_near
from solvers.integrators import Effort, Workspace
from solvers.records import Recorder, Rows, Snapshot, has_room

from .buffer import buffer_cells
from .clock import FIRST, Clock, Instant, first_clock
from .evaluation import evaluate
from .evolution import GridEvolution, lifted, settled
from .given import GivenData
from .problem import Setup, State
from .resting import carried_over, rested, with_rings, with_room
from .sampled import Sampled, adapted, blank, of_leaves, signalled
from .stepping import Tries, cells_before, effective_bounds, looked_back, nothing_yet, plan_step, stepped

Scalar = Float[Array, ""]
Count = Int[Array, ""]
Flag = Bool[Array, ""]


class Tally(eqx.Module):
    """What was done.

    **Attributes:**

    - `steps`, `rounds`: how many steps, and how many times a few steps on one mesh.
    - `patch_steps`: active patches summed over the steps; `most_patches`: at once.
    - `effort`: what it took to integrate diffusion; where equations could not be solved, the state is that before.
    - `lowest`, `highest`: extrema of each variable, looked at before every regrid.
    - `rows`: what was recorded.
    - `repeated`: how many steps were taken again, shorter; `None` where that cannot happen.
    - `lifted`: how many cells were lifted onto a floor of the law; `None` where there is none.
    """

    steps: Count
    rounds: Count
    patch_steps: Count
    most_patches: Count
    effort: Effort
    lowest: Float[Array, " vars"]
    highest: Float[Array, " vars"]
    rows: tuple[Rows, ...] | None = None
    repeated: Count | None = None
    lifted: Count | None = None


class Running(eqx.Module):
    """What the device program carries from one round to the next.

    **Attributes:** those of `State`, and

    - `known`: plans and samples; of another forest if it has `changed`.
    - `space`: the cells, and room to work.
    - `tally`: what was done; before the first steps of a call its `rounds` are -1.
    - `going`: whether there is more to do.
    """

    forest: Forest
    known: Sampled
    space: Workspace
    clock: Clock
    needed: Count
    tally: Tally
    changed: Flag
    going: Flag


def begin(setup: Setup, initial: Callable | GivenData, forest: Forest, room: Room, time: Scalar, end: Scalar) -> State:
    """The initial condition on a forest, and what a run begins with.

    `initial(x, ..)` gives the values at cell centres: one array, or one for each variable. The forest has the capacity
    of the room.
    """
    u = to_pool(room, evaluate(setup, forest, initial, time.dtype))
    return _first_state(setup, of_leaves(setup, forest, room, time), u, time, end, forest.count)


def _first_state(setup: Setup, known: Sampled, u: Pool, time: Scalar, end: Scalar, needed: Count) -> State:
    forest, store = known.topology.forest, u.reshape(*u.shape[:3], -1, u.shape[-1])
    times = jnp.stack([time, time + FIRST * (end - time)])
    rate = lax.map(lambda at: _rate(setup, known, store, at), times).max()
    bounds = extrema(setup.mesh, forest, store)
    return State(forest, u, first_clock(setup.cfl, time, end - time, rate), bounds, needed, jnp.zeros((), bool))


def start(setup: Setup, initial: Callable | GivenData, forest: Forest, time: Scalar, end: Scalar) -> State:
    """Put the initial condition on a forest and refine it, level by level, as far as it asks for.

    The forest's capacity is rounded up to what a pool has. The same is reached by `begin` and `advance` with
    `mesh_alone` by turns, without another large program to be compiled.
    """
    room = room_for(setup.mesh, forest.capacity, time.dtype)
    forest = forest.resized(room.capacity)
    # Once more than there are levels: coarse data may ask for patches that finer data give back.
    last = most_refinements(setup)

    def refined(number, carry):
        forest, _, needed, known, changed = carry
        known = adapted(setup, known, forest, time, changed)
        u = to_pool(room, evaluate(setup, forest, initial, time.dtype))
        work = setup.grid(known.topology).work(u)
        known = signalled(setup, known, work.store, time)
        if not setup.adaptive:
            return forest, u, needed, known, changed
        # The last time round only looks at the mesh that was made before.
        done, _ = regridded(setup, known, work, time, number < last)
        return done.forest, u, jnp.where(number < last, done.needed, needed), known, done.changed

    u = blank_pool(setup.mesh, room, len(setup.equation.names), time.dtype)
    carry = (forest, u, forest.count, blank(setup, forest, room, time), jnp.ones((), bool))
    _, u, needed, known, _ = lax.fori_loop(0, last + 1, refined, carry)
    return _first_state(setup, known, u, time, end, needed)


def most_refinements(setup: Setup) -> int:
    """How often an initial condition is looked at anew on a finer mesh."""
    return setup.mesh.max_level + 1 if setup.adaptive else 0


def advance(
    setup: Setup,
    state: State,
    stop: Instant,
    most_rounds: Count,
    recorder: Recorder | None = None,
    mesh_alone: Flag | None = None,
) -> tuple[State, Tally]:
    """Go on to the time `stop`, or until the pool is too small, or the room for what is recorded, or for a number of
    rounds. With `mesh_alone` only regrid, once.

    Where a run is divided into calls does not change its result: every call ends where a regrid would follow.
    """
    bounds = state.bounds
    mesh_alone = jnp.zeros((), bool) if mesh_alone is None else mesh_alone

    def unfinished(run):
        fine = ~run.space.effort.failed
        fine = fine if run.tally.rows is None else fine & has_room(run.tally.rows, setup.interval)
        return run.clock.before(stop) & fine & (run.tally.rounds < most_rounds)

    def round_(run):
        known = adapted(setup, run.known, run.forest, run.clock.time, run.changed)
        known = rested(setup, known, run.clock.time, run.changed)
        begun = run.tally.rounds >= 0
        space = settled(setup, known, run.space, begun & run.changed)
        run = eqx.tree_at(lambda run: (run.known, run.space), run, (known, space))
        run, steps = several_steps(setup, run, bounds, stop, begun, recorder)
        run, found = within_bounds(setup, run, bounds, begun)
        run = replanned(setup, run, stop)
        run = _counted(run, steps, found)
        run = run if recorder is None else _recorded(setup, run, recorder, begun)
        going = unfinished(run)
        return remeshed(setup, run, going | mesh_alone, going & ~mesh_alone)

    yes = jnp.ones((), bool)
    known = blank(setup, state.forest, room_of(state.u), state.clock.time)
    known = with_room(setup, known, room_of(state.u), state.u.dtype)
    space = workspace(setup, known, state.u)
    rows = None if recorder is None else recorder.blank(setup, state.clock.time)
    tally = _blank(setup, state, rows)
    first = Running(state.forest, known, space, state.clock, state.needed, tally, yes, yes)
    run = lax.while_loop(lambda run: run.going, round_, first)
    u = cells_of(setup.mesh, run.space.work.store, run.forest.count)
    return State(run.forest, u, run.clock, bounds, run.needed, run.space.effort.failed), run.tally


def replanned(setup: Setup, run: Running, stop: Instant) -> Running:
    """The run with the signals of cells that were put back within bounds, where signals follow from the state: a run
    that was divided into calls here would see them too."""
    if not (setup.adaptive and setup.bounded and setup.asked):
        return run
    _, known = plan_step(setup, run.known, run.space.work.store, run.clock, stop)
    return eqx.tree_at(lambda run: run.known, run, known)


def remeshed(setup: Setup, run: Running, wanted: Flag, going: Flag) -> Running:
    """The run on a mesh that follows the solution, if that is `wanted`; it goes on if there is room for it."""
    if not setup.adaptive:
        return eqx.tree_at(lambda run: (run.changed, run.going), run, (jnp.zeros((), bool), going))
    done, work = regridded(setup, run.known, run.space.work, run.clock.time, wanted)
    fits = done.needed <= done.forest.capacity
    space = eqx.tree_at(lambda space: space.work, run.space, work)
    return Running(done.forest, run.known, space, run.clock, done.needed, run.tally, done.changed, going & fits)


def workspace(setup: Setup, known: Sampled, u: Pool) -> Workspace:
    """Room to work on a pool, with its cells in place."""
    aside = {name: jnp.zeros_like(u) for name in setup.integrator.rooms}
    return Workspace(setup.grid(known.topology).work(u), aside, Effort.none())


def _blank(setup: Setup, state: State, rows: tuple[Rows, ...] | None) -> Tally:
    zero, huge = jnp.zeros((), jnp.int32), jnp.full(state.u.shape[0], jnp.inf, state.u.dtype)
    law = setup.equation.terms.law
    repeated, low = None if setup.signals_known else zero, zero if law is not None and law.has_floors else None
    return Tally(zero, zero - 1, zero, state.forest.count, Effort.none(), huge, -huge, rows, repeated, low)


def _recorded(setup: Setup, run: Running, recorder: Recorder, begun: Flag) -> Running:
    """With rows about the state after some steps."""
    scene = Snapshot(run.forest, run.space.work.store, run.clock.time)
    assert run.tally.rows is not None
    rows = recorder.recorded(setup, run.tally.rows, scene, run.tally.steps, begun)
    return eqx.tree_at(lambda run: run.tally.rows, run, rows)


def _counted(run: Running, steps: Count, found: Extrema) -> Running:
    count, tally = run.forest.count, run.tally
    tally = Tally(
        tally.steps + steps,
        tally.rounds + 1,
        tally.patch_steps + steps * count,
        jnp.maximum(tally.most_patches, count),
        run.space.effort,
        jnp.minimum(tally.lowest, found[0]),
        jnp.maximum(tally.highest, found[1]),
        tally.rows,
        tally.repeated,
        tally.lifted,
    )
    return eqx.tree_at(lambda run: run.tally, run, tally)


def several_steps(
    setup: Setup, run: Running, bounds, stop: Instant, begun: Flag, recorder: Recorder | None = None
) -> tuple[Running, Count]:
    """Up to `interval` steps on one mesh, as long as `stop` is not reached; none unless the call has `begun`.

    The state after the last of them is not recorded: that is done when it has been put within bounds.
    """
    step, known = plan_step(setup, run.known, run.space.work.store, run.clock, stop)
    # Samples that do not change stay out of the loop.
    changing = None if setup.signals_known else known
    tries = None if run.tally.repeated is None else Tries.begun(run.tally.repeated, run.tally.lifted)

    def more(carry):
        space, clock, _, _, _, steps, _ = carry
        return (steps < setup.interval) & clock.before(stop) & begun & ~space.effort.failed

    def one(carry):
        space, before, step, changing, tries, steps, rows = carry
        here = known if changing is None else changing
        evolution = GridEvolution.whole(setup, here, effective_bounds(setup, bounds, step.expands), step.spread)
        cells = cells_before(evolution, space)
        space = settled(setup, here, stepped(setup.integrator, evolution, space, step))
        space, low = lifted(setup, here, space)
        after, taken, last = step.clock, 1, step
        if setup.integrator.solves:  # or else it cannot fail
            after = jax.tree.map(lambda old, new: jnp.where(space.effort.failed, old, new), before, after)
            taken = jnp.where(space.effort.failed, 0, 1)
        step, here = plan_step(setup, here, space.work.store, after, stop)
        if tries is not None:
            none, clocks = tries.pending, (before, after, step.clock)
            space, after, again, tries = looked_back(evolution, space, cells, last, clocks, tries)
            tries = tries.with_lifted(low)
            step = jax.tree.map(functools.partial(jnp.where, again), nothing_yet(step, after), step)
            taken = jnp.where(again | none, 0, taken)
        done = (space, after, step, None if changing is None else here, tries, steps + taken)
        if recorder is not None:
            scene = Snapshot(run.forest, space.work.store, after.time)
            rows = recorder.recorded(setup, rows, scene, run.tally.steps + done[-1], more((*done, rows)) & (taken > 0))
        return *done, rows

    carry = (run.space, run.clock, step, changing, tries, jnp.zeros((), jnp.int32), run.tally.rows)
    space, clock, _, changing, tries, steps, rows = lax.while_loop(more, one, carry)
    known = known if changing is None else changing
    tally = dataclasses.replace(run.tally, rows=rows)
    if tries is not None:
        tally = dataclasses.replace(tally, repeated=tries.total, lifted=tries.lifted)
    return Running(run.forest, known, space, clock, run.needed, tally, run.changed, run.going), steps


def within_bounds(setup: Setup, run: Running, bounds: Extrema, begun: Flag) -> tuple[Running, Extrema]:
    """The run with cells that slipped past a bound beside a finer level put back, and its extrema."""
    mesh = setup.mesh
    found = extrema(mesh, run.forest, run.space.work.store)
    if mesh.max_level == 0 or not setup.bounded:
        return run, found
    low, high = effective_bounds(setup, bounds, run.known.expands)

    def slipped(carry):
        _, (lowest, highest), fresh = carry
        return fresh & ((lowest < low).any() | (highest > high).any())

    def mended(carry):
        store = clip_and_assure_sum(mesh, run.forest, carry[0], (low, high))
        return store, extrema(mesh, run.forest, store), jnp.zeros((), bool)

    # At most once: a conditional would copy the store in either case.
    store, found, _ = lax.while_loop(slipped, mended, (run.space.work.store, found, begun))
    return eqx.tree_at(lambda run: run.space.work.store, run, store), found


def regridded(
    setup: Setup, known: Sampled, work: Work, time: Scalar, wanted: Flag | None = None
) -> tuple[Regridded, Work]:
    """Refine and coarsen once, as the indicator wishes, if that is `wanted`."""
    assert setup.refine is not None
    grid, asked = setup.grid(known.topology), (setup.refine, tuple(setup.equation.names))
    work = with_store(work, grid.rings(work.store, time, wanted))

    def ghosted(part):
        extended = lambda u: setup.extended(part, u, part.take(known.samples, axis=0))  # noqa: E731
        return grid.ghosted(part, work.store, time, extended)[: len(setup.equation.names)]

    near = wishes_near(grid, ghosted, asked, time, buffer_cells(setup, known), wanted)
    done, moved = regrid(grid, work, near, wanted)
    if known.rest is None:
        return done, moved
    same = regrid(grid, with_rings(grid, known.rest.cells, time), near, wanted)[1]
    return done, carried_over(setup, known, done, same, moved)


def _rate(setup: Setup, known: Sampled, store: Store, time: Scalar) -> Scalar:
    """The rate of the fastest signal at one time."""
    known = signalled(setup, known, store, time)
    return setup.limited(known.rate * jnp.abs(setup.amplitude(time)), known.spread, known.reaction)
