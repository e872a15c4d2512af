"""Equilibria that are kept: what leaves the cells of a state at rest is taken from what leaves those of the solution.

A state E in which fluxes and sources balance, such as gas in a field of gravity, is one to the order of a scheme:
its discrete fluxes leave something over. Stepping `du/dt = L(u) - L(E)` keeps it to rounding, and is of the same order
for everything else (Berberich, Chandrashekar and Klingenberg, Comput. Fluids 219, 2021).
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from amr.errors import InvalidSettingError
from amr.grid import Grid, Pool, Room, Work, binary_unit, blank_pool, cells_of, room_of, stored, to_pool, with_store
from amr.mesh import Forest
from amr.refine import Regridded
from solvers.integrators import Moment

from .evaluation import evaluate
from .evolution import GridEvolution
from .problem import Setup
from .sampled import Rest, Sampled, signalled

Scalar = Float[Array, ""]

SHORT = 2.0**-10  # of the time in which a signal crosses a cell


def check_equilibrium(setup: Setup) -> None:
    """Raise `InvalidSettingError` where an equilibrium is given that the scheme cannot keep."""
    if setup.equilibrium is not None and (setup.integrator.splits or setup.integrator.solves):
        kind = type(setup.integrator).__name__
        raise InvalidSettingError("equilibrium", f"needs all terms in one explicit step, which {kind} does not take")


def with_room(setup: Setup, known: Sampled, room: Room, dtype) -> Sampled:
    """With room for an equilibrium, if there is one."""
    if setup.equilibrium is None:
        return known
    blank = blank_pool(setup.mesh, room, len(setup.equation.names), dtype)
    return dataclasses.replace(known, rest=Rest(blank, blank))


def rested(setup: Setup, known: Sampled, time: Scalar, changed: Bool[Array, ""]) -> Sampled:
    """With the cells of the equilibrium and what leaves them in a unit of time, anew if the mesh has changed."""
    if known.rest is None:
        return known
    rest, bare = known.rest, dataclasses.replace(known, rest=None)

    def found():
        cells = _cells(setup, known.topology.forest, rest.cells)
        huge = jnp.full(cells.shape[0], jnp.finfo(cells.dtype).max ** 0.5, cells.dtype)
        evolution = GridEvolution.whole(setup, bare, (-huge, huge), known.spread)
        work = evolution.grid.work(cells)
        # In a step so short that no flux is held back; as a power of two it leaves no rounding behind.
        unit, inverse = binary_unit(signalled(setup, bare, work.store, time).rate)
        dt = SHORT * inverse
        moment = Moment(dt, time, dt * setup.amplitude(time))
        out = evolution.grid.outflow(work, time, evolution.kernels(moment)).outflow
        return Rest(cells, out * (unit / SHORT))

    return dataclasses.replace(known, rest=lax.cond(changed, found, lambda: rest))


def _cells(setup: Setup, forest: Forest, like: Pool) -> Pool:
    assert setup.equilibrium is not None
    return to_pool(room_of(like), evaluate(setup, forest, setup.equilibrium, like.dtype, key="equilibrium"))


def with_rings(grid: Grid, cells: Pool, time: Scalar) -> Work:
    """Room to carry a pool over to another mesh."""
    work = grid.work(cells)
    return with_store(work, grid.rings(work.store, time))


def carried_over(setup: Setup, known: Sampled, done: Regridded, rest: Work, work: Work) -> Work:
    """The cells `work` on a new mesh such that only what differs from the equilibrium was interpolated: `rest` is that
    of the mesh before, carried over in the same way."""
    mesh, new = setup.mesh, done.forest

    def moved():
        assert known.rest is not None
        lacks = _cells(setup, new, known.rest.cells) - cells_of(mesh, rest.store, new.count)
        cells = cells_of(mesh, work.store, new.count) + lacks
        return stored(mesh, setup.space.ghost, new.count, cells)

    return with_store(work, lax.cond(done.changed, moved, lambda: work.store))
