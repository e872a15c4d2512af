"""The right-hand side of an equation on a mesh: what steppers ask for."""

from __future__ import annotations

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from amr.grid import Grid, Kernel, Part, Pool, no_fluxes
from solvers.elliptic import Operator, System, solved, system_of
from solvers.equations import Here
from solvers.integrators import Moment, Stepper, Weights, Workspace
from solvers.schemes import judges

from .problem import Setup
from .sampled import Sampled, sampled

Scalar = Float[Array, ""]
Bounds = tuple[Float[Array, " vars"], Float[Array, " vars"]]


def settled(setup: Setup, known: Sampled, space: Workspace, needed: Bool[Array, ""] | None = None) -> Workspace:
    """The workspace with what the law puts right after a step, or (if that is `needed`) after a regrid."""
    law, grid = setup.equation.terms.law, setup.grid(known.topology)
    if law is None or not law.on_ground:
        return space
    axes = tuple(range(1, 1 + setup.mesh.ndim))  # of a row

    def one(part, store):
        samples = part.kept(lambda: part.take(known.samples, axis=0))
        return part.kept(lambda: law.settled(law.extended(grid.cells_of(part, store), samples), axes))

    return eqx.tree_at(lambda space: space.work, space, grid.with_cells(space.work, one, needed))


class GridEvolution(eqx.Module):
    """See `solvers.integrators.base.Evolution`.

    **Attributes:** `known`: plans and samples; `bounds`: to keep scalars in; `spread`: as planned for the step;
    `terms`: those that are looked at.
    """

    setup: Setup
    known: Sampled
    bounds: Bounds
    spread: Scalar
    terms: tuple[str, ...] = eqx.field(static=True)

    @classmethod
    def whole(cls, setup: Setup, known: Sampled, bounds: Bounds, spread: Scalar) -> GridEvolution:
        """With all terms."""
        return cls(setup, known, bounds, spread, tuple(setup.equation.terms.there))

    def of(self, *names: str) -> GridEvolution:
        return dataclasses.replace(self, terms=tuple(name for name in self.terms if name in names))

    @property
    def grid(self) -> Grid:
        """The mesh that it lives on."""
        return self.setup.grid(self.known.topology)

    def kept(self, compute):
        return self.grid.kept(compute)

    # --- moments ------------------------------------------------------------------------------------------------------

    def moments(self, times: tuple[float, ...], begin: Scalar, dt: Scalar) -> Moment:
        at, looks = (begin + dt * jnp.asarray(part, dt.dtype) for part in (times, self._looks or times))
        factors = dt * jnp.stack([self._amplitude(time) for time in looks])
        return Moment(jnp.broadcast_to(dt, at.shape), at, factors)

    def moment(self, time: Scalar, dt: Scalar) -> Moment:
        return Moment(dt, time, dt * self._amplitude(time))

    @property
    def _looks(self) -> tuple[float, ...] | None:
        """When the scheme wants to know a flow, if it says."""
        return self.setup.space.looks if "transport" in self.terms else None

    def _amplitude(self, time: Scalar) -> Scalar:
        return self.setup.amplitude(time) if "transport" in self.terms else jnp.ones_like(time)

    def _at(self, time: Scalar) -> Sampled:
        """With the samples of a time; a scheme that says when it looks at the flow has those of the plan."""
        if self.setup.steady or self._looks is not None:
            return self.known
        return sampled(self.setup, self.known, time)

    # --- fluxes -------------------------------------------------------------------------------------------------------

    def stage(self, space: Workspace, moment: Moment, weights: Weights) -> Workspace:
        work = self.grid.crossed(space.work, moment.time, self.kernels(moment), self.judge)
        work, aside = self.grid.updated(work, weights.update, space.aside)
        return Workspace(work, aside, space.effort)

    def outflow(self, space: Workspace, moment: Moment) -> tuple[Workspace, Pool]:
        work = self.grid.outflow(space.work, moment.time, self.kernels(moment), self.judge)
        return dataclasses.replace(space, work=work), work.outflow

    @property
    def judge(self):
        """Whether what crosses faces leaves cells that make sense to a law; `None` where there is nobody to tell."""
        law, space = self.setup.equation.terms.law, self.setup.space
        asked = law is not None and "transport" in self.terms and judges(law, self.setup.mesh.ndim)
        return functools.partial(space.content, law) if asked else None

    def kernels(self, moment: Moment):
        """What the terms do in the patches of a sweep."""
        known = self._at(moment.time)

        def kernel(part: Part) -> Kernel:
            # A slice at a place that the compiler does not know would keep it from making vectors of what follows.
            samples = part.kept(lambda: known.scaled(self.setup, part, moment))
            there = {name: self.setup.equation.terms.there[name] for name in self.terms}

            def here(name, u, careful=False):
                return Here(part, moment, u, samples[name], self.setup.space, self.bounds, jnp.asarray(careful))

            def crossing(u, keep, careful):
                found = [term.crossing(here(name, u, careful), keep) for name, term in there.items()]
                found = [fluxes for fluxes in found if fluxes is not None] or [no_fluxes(part.mesh, u)]
                return tuple(functools.reduce(jnp.add, each) for each in zip(*found, strict=True))

            def made(u):
                computed = [functools.partial(lambda n, t: t.made(here(n, u)), *pair) for pair in there.items()]
                found = [one for one in computed if jax.eval_shape(one) is not None]
                parts = [part.kept(lambda one=one: moment.dt * jnp.asarray(one(), u.dtype)) for one in found]
                if known.rest is not None:
                    parts.append(moment.dt * part.take(known.rest.outflow))
                return functools.reduce(jnp.add, parts) if parts else None

            return Kernel(lambda u: self.setup.extended(part, u, samples), crossing, made, self.setup.fused)

        return kernel

    # --- cells --------------------------------------------------------------------------------------------------------

    def cells(self, space: Workspace) -> Pool:
        return self.grid.cells(space.work.store)

    def with_cells(self, space: Workspace, u: Pool) -> Workspace:
        work = self.grid.with_cells(space.work, lambda part, store: part.take(u))
        return dataclasses.replace(space, work=work)

    def reacted(self, space: Workspace, begin: Scalar, dt: Scalar) -> Workspace:
        reaction, grid = self.setup.equation.terms.reaction, self.grid
        if reaction is None:
            return space

        def one(part, store):
            return part.kept(lambda: reaction.reacted(part, grid.cells_of(part, store), begin, dt))

        return dataclasses.replace(space, work=grid.with_cells(space.work, one))

    # --- implicit terms -----------------------------------------------------------------------------------------------

    def solved(self, right: Pool, guess: Pool, length: Scalar, time: Scalar, limits: Stepper):
        """`limits`: the tolerance of the residual, and how many iterations there may be."""
        found, how = solved(self.system(right, guess, length, time), guess, limits.tolerance, limits.iterations)  # type: ignore[attr-defined]
        return found, how.iterations, ~how.converged

    def system(self, right: Pool, guess: Pool, length: Scalar, time: Scalar) -> System:
        """The equations `u - length div(D grad u) = right`. Residuals are relative to the right-hand side and that of
        the guess: what comes in through a boundary may be all there is."""
        known, diffusing = self._at(time), self.setup.equation.terms.diffusion
        assert known.nodes is not None
        # Samples have the sweeps first, pools the rows.
        faces = tuple(jnp.moveaxis(face, 0, 1) for face in known.samples["diffusion"])
        if diffusing.constant:
            faces = tuple(face[:, :1] for face in faces)
        operator = Operator(self.grid, diffusing, faces, jnp.ones_like(length), length, time)
        first = self.kept(lambda: right - operator(guess))
        reference = jnp.maximum(jnp.abs(right), jnp.abs(first))
        return system_of(operator, known.nodes, right, reference, 1 + 2 * length * known.spread)
