"""A step of an implicit-explicit method (`solvers.implicit`) for the whole pool."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from amr.fusion import apart
from amr.halo import cells_of
from amr.pool import Pool

from .elliptic import Operator, system_of
from .equations import Advection
from .geometry import Geometry, amplitude, sampled
from .implicit import Implicit
from .krylov import System, solved
from .setup import Setup
from .stages import ALL, Moment, Parts, Workspace, evaluate, with_cells

Scalar = Float[Array, ""]


def implicit_step(
    setup: Setup,
    integrator: Implicit,
    geometry: Geometry,
    work: Workspace,
    bounds,
    begin: Scalar,
    dt: Scalar,
    parts: Parts = ALL,
) -> Workspace:
    """One step. Where equations could not be solved the cells stay as they were, and `work.effort` tells."""
    mesh, count = setup.mesh, geometry.topology.forest.count
    before = cells_of(mesh, work.store, count)
    split = (parts._replace(diffusion=False), Parts(False, True, False))
    stages = len(integrator.implicit)
    tables = [jnp.asarray(table, before.dtype) for table in (integrator.explicit, integrator.implicit)]
    lasts = [jnp.asarray(row, before.dtype) for row in (integrator.last_explicit, integrator.last_implicit)]
    times = begin + dt * jnp.asarray(integrator.times, before.dtype)
    # What leaves the cells in each stage: by flow and reaction, and by diffusion.
    left = [
        jnp.zeros((stages, *before.shape), before.dtype) if wanted else None
        for wanted in (_explicit(setup, parts), True)
    ]

    def looked_at(k, work, left):
        """With the fluxes of the state of stage k."""
        known = geometry if setup.steady else sampled(setup, geometry, times[k])
        moment = Moment(dt, times[k], dt * amplitude(setup, times[k]))
        found = list(left)
        for n, pool in enumerate(left):
            if pool is not None:
                work = evaluate(setup, known, work, bounds, moment, split[n])
                found[n] = lax.dynamic_update_index_in_dim(pool, work.outflow, k, 0)
        return work, found

    def from_(rows, left):
        """The cells less what left them, weighted."""
        pairs = [(row, pool) for row, pool in zip(rows, left, strict=True) if pool is not None]
        return before - sum(row[k] * pool[k] for row, pool in pairs for k in range(stages))

    def one(k, carry):
        work, left = carry
        right = from_([table[k] for table in tables], left)
        guess = cells_of(mesh, work.store, count)

        def solve():
            system = stage_system(setup, geometry, right, guess, tables[1][k, k] * dt, times[k])
            found, how = solved(system, guess, integrator.tolerance, integrator.iterations)
            return found, how.iterations, ~how.converged

        # The first stage is that of the state itself.
        nothing = (jnp.zeros((), jnp.int32), jnp.zeros((), bool))
        found, *used = lax.cond(k > 0, solve, lambda: (guess, *nothing))
        work = eqx.tree_at(lambda work: work.effort, work, work.effort.after(*used))
        return looked_at(k, with_cells(setup, geometry, work, found), left)

    work, left = lax.fori_loop(0, stages, one, (work, left))
    if before.dtype == jnp.float32 and integrator.ends_with_stage(_explicit(setup, parts)):
        # Fluxes of a long step multiply rounding errors, which are no longer small here.
        after = cells_of(mesh, work.store, count)
    else:
        after = from_(lasts, left)
    after = jnp.where(work.effort.failed, before, after)
    return with_cells(setup, geometry, work, after)


def stage_system(setup: Setup, geometry: Geometry, right: Pool, guess: Pool, length: Scalar, time: Scalar) -> System:
    """The equations `u - length div(D grad u) = right` of a stage at a time. Residuals are relative to the right-hand
    side and that of the guess: what comes in through a boundary may be all there is."""
    equation, topology = setup.equation, geometry.topology
    assert isinstance(equation, Advection)
    assert equation.diffusing is not None
    assert geometry.nodes is not None
    known = geometry if setup.steady else sampled(setup, geometry, time)
    faces = known.samples.diffusivity
    # Samples have the sweeps first, pools the rows.
    faces = None if faces is None else tuple(jnp.moveaxis(face, 0, 1) for face in faces)
    if faces is not None and equation.diffusing.diffusivity.constant:
        faces = tuple(face[:, :1] for face in faces)
    operator = Operator(
        setup.mesh,
        topology,
        setup.prolongation,
        setup.conditions,
        equation.diffusing,
        faces,
        jnp.ones_like(length),
        length,
        time,
    )
    first = apart(topology.leaves.valid, lambda: right - operator(guess))
    reference = jnp.maximum(jnp.abs(right), jnp.abs(first))
    return system_of(operator, geometry.nodes, right, reference, 1 + 2 * length * geometry.spread)


def _explicit(setup: Setup, parts: Parts) -> bool:
    """Whether there is anything explicit."""
    equation = setup.equation
    assert isinstance(equation, Advection)
    return (parts.flow and equation.flows) or (parts.reaction and equation.reaction is not None)
