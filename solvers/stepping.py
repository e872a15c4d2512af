"""One step of the whole pool: plan it, move everything through the faces, add up.

A step is three sweeps over the patches, each of which needs all of the one before: prolonged rings, then what crosses
the faces, then the new values with fluxes corrected where levels meet.
"""

from __future__ import annotations

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from amr.fusion import apart
from amr.halo import Store, cells_part, fill_ring, ghosted_part, put_cells, stored
from amr.pool import Pool, layout_of, put, sweep, take
from amr.reflux import Means, add_corrections, corrections, empty_means, means_of, sides_of

from .advection import at_once
from .geometry import Geometry, PartRates, amplitude, rated
from .setup import Setup
from .slices import lower, upper
from .time_step import Clock, courant_step, land_on, later, trial_step

Scalar = Float[Array, ""]


class Workspace(eqx.Module):
    """What the sweeps of a step read and write, kept from step to step so that nothing is allocated anew.

    **Attributes:**

    - `store`: the cells, their averages, and prolonged rings.
    - `outflow`: what leaves each cell in a step.
    - `sides`, `means`: what crosses the boundaries of patches, and its averages as coarser neighbours need them.
    """

    store: Store
    outflow: Pool
    sides: Float[Array, "vars sweeps blocks sides faces lanes"]
    means: Means


class Step(eqx.Module):
    """One step as planned.

    **Attributes:**

    - `clock`: how the clock stands after the step.
    - `factor`: the step's length, times the velocity's amplitude halfway through it.
    - `expands`: whether the flow has a divergence on the mesh, so that values may leave their initial range.
    """

    clock: Clock
    factor: Scalar
    expands: Bool[Array, ""]


def workspace(setup: Setup, count, u: Pool) -> Workspace:
    """Room to work on a pool, with its cells in place."""
    mesh, layout = setup.mesh, layout_of(u)
    store = stored(mesh, setup.scheme.ghost, count, u)
    faces = mesh.patch ** (mesh.ndim - 1) if mesh.max_level > 0 else 0
    sides = jnp.zeros((u.shape[0], layout.sweeps, layout.blocks, 2 * mesh.ndim, faces, layout.lanes), u.dtype)
    return Workspace(store, jnp.zeros_like(u), sides, empty_means(mesh, layout, u.shape[0], u.dtype))


def plan_step(setup: Setup, geometry: Geometry, clock: Clock, stop: Scalar) -> tuple[Step, Geometry]:
    """Choose the next step so that the flow halfway through it keeps to the Courant number.

    The flow is looked at halfway through the longest step allowed so far. A step that has to be shorter than this
    by more than second order is one where the flow speeds up within a step, or new levels were just made. Gives back
    the geometry with the rates of the flow halfway through the step.
    """
    trial = trial_step(setup.cfl, clock)
    cut = land_on(trial, clock.time, stop)
    middle = clock.time + 0.5 * cut
    geometry = geometry if setup.steady else rated(setup, geometry, middle)
    rate = geometry.rate * jnp.abs(amplitude(setup, middle))
    limit = courant_step(setup.cfl, rate)
    dt = jnp.minimum(cut, limit)
    dt = jnp.where(dt < cut, land_on(dt, clock.time, stop), dt)
    after = Clock(later(clock.time, dt, stop), jnp.minimum(trial, limit), rate)
    factor = dt * amplitude(setup, clock.time + 0.5 * dt)
    return Step(after, factor, geometry.expands), geometry


def effective_bounds(bounds, expands: Bool[Array, ""]):
    """The bounds to keep: none where the flow expands."""
    huge = jnp.asarray(jnp.finfo(bounds[0].dtype).max ** 0.5, bounds[0].dtype)
    return jnp.where(expands, -huge, bounds[0]), jnp.where(expands, huge, bounds[1])


def take_step(setup: Setup, geometry: Geometry, work: Workspace, bounds, factor: Scalar) -> Workspace:
    """One step."""
    topology, layout = geometry.topology, geometry.topology.layout
    count, prolongation = topology.forest.count, setup.scheme.prolongation
    store = fill_ring(setup.mesh, layout, count, topology.halo, work.store, prolongation)
    work = eqx.tree_at(lambda work: work.store, work, store)
    work = sweep(layout, count, lambda i, work: moved(setup, geometry, work, bounds, factor, i), work)
    return sweep(layout, count, lambda i, work: updated(setup, geometry, work, i), work)


def moved(setup: Setup, geometry: Geometry, work: Workspace, bounds, factor: Scalar, i) -> Workspace:
    """What leaves the cells of sweep i through faces of their own, and what crosses the boundaries of its patches."""
    ghosted = ghosted_part(geometry.topology.halo, work.store, i)
    out, sides, means = fluxes_of(setup, geometry, ghosted, bounds, factor, i)
    if sides is None or means is None:
        return eqx.tree_at(lambda work: work.outflow, work, put(work.outflow, out, i))
    return Workspace(work.store, put(work.outflow, out, i), put(work.sides, sides, i), put(work.means, means, i))


def fluxes_of(
    setup: Setup, geometry: Geometry, ghosted, bounds, factor: Scalar, i
) -> tuple[Array, Array | None, Array | None]:
    """What leaves each cell of the patches of sweep i; with levels also what crosses their sides, and its averages."""
    mesh, store = setup.mesh, functools.partial(apart, geometry.topology.leaves.valid)
    # A slice at a place that the compiler does not know would keep it from making vectors of what it is fused with.
    courant = store(lambda: tuple(factor * take(rate, i, axis=0) for rate in geometry.rates))
    if mesh.max_level == 0:
        # Nothing else reads the fluxes, and one fused loop that keeps none of them was measured to be faster.
        staged = store if mesh.ndim > 2 else at_once
        out = store(lambda: outflow(transport(setup, ghosted, courant, bounds, staged)))
        return out, None, None
    fluxes = store(lambda: transport(setup, ghosted, courant, bounds, store))
    out, sides = store(lambda: outflow(fluxes)), store(lambda: sides_of(fluxes))
    return out, sides, store(lambda: means_of(mesh, sides))


def updated(setup: Setup, geometry: Geometry, work: Workspace, i) -> Workspace:
    """New values in the cells of sweep i."""
    mesh, topology = setup.mesh, geometry.topology
    out = take(work.outflow, i)
    if mesh.max_level > 0:
        plan, sides = take(topology.reflux, i, axis=0), take(work.sides, i)
        wrong = apart(topology.leaves.valid, lambda: corrections(plan, sides, work.means, scale=0.5))
        out = add_corrections(mesh, out, wrong)
    new = apart(topology.leaves.valid, lambda: cells_part(mesh, work.store, i) - out)
    return eqx.tree_at(lambda work: work.store, work, put_cells(mesh, work.store, new, i))


def outflow(fluxes: tuple[Array, ...]) -> Float[Array, "vars blocks *cells lanes"]:
    """What leaves each cell through all of its faces."""
    return sum(upper(flux, 2 + d) - lower(flux, 2 + d) for d, flux in enumerate(fluxes))


def transport(setup: Setup, ghosted, courant: PartRates, bounds, store=at_once) -> tuple[Array, ...]:
    """What crosses each face of the patches of a sweep during a step, in units of a cell.

    The kernel is written for one patch and one variable, and mapped over blocks; lanes ride along as a last axis.
    """
    divergence_free = setup.equation.velocity.divergence_free

    def kernel(phi, courant, low, high):
        return setup.scheme.transported(phi, courant, divergence_free, (low, high), store)

    moved = [
        jax.vmap(functools.partial(kernel, low=low, high=high))(phi, courant)
        for phi, low, high in zip(ghosted, *bounds, strict=True)
    ]
    return tuple(jnp.stack(parts) for parts in zip(*moved, strict=True))
