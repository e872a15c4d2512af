"""Splitting a step into parts that are solved one after the other."""

from typing import ClassVar

import jax.numpy as jnp

from .base import Stepper


class Splitting(Stepper):
    """Half a step of reaction and of diffusion, a step of the flow, and the halves in reverse (Strang, SIAM J. Numer.
    Anal. 5, 1968)."""

    flow: Stepper
    diffusion: Stepper
    order: ClassVar[int] = 2
    splits: ClassVar[bool] = True

    @property
    def unit(self):
        return self.diffusion.unit

    @property
    def solves(self):
        return self.diffusion.solves

    @property
    def for_diffusion(self):
        return self.diffusion

    @property
    def times(self):
        return self.flow.times

    @property
    def rooms(self):
        both = {*self.flow.rooms, *self.diffusion.rooms}
        return tuple(name for name in ("base", "previous", "register") if name in both)

    def step(self, evolution, space, begin, dt):
        """Where equations could not be solved the cells stay as they were."""
        before, half = evolution.cells(space), 0.5 * dt
        middle, terms = begin + half, evolution.terms
        spreading = evolution.of("diffusion")

        def diffused(space, begin):
            return self.diffusion.step(spreading, space, begin, half) if "diffusion" in terms else space

        space = diffused(evolution.reacted(space, begin, half), begin)
        if "transport" in terms:
            space = self.flow.step(evolution.of("transport"), space, begin, dt)
        space = evolution.reacted(diffused(space, middle), middle, half)
        if not self.solves:
            return space
        return evolution.with_cells(space, jnp.where(space.effort.failed, before, evolution.cells(space)))

    def limited(self, rate, spread, cfl):
        return self.diffusion.limited(rate, 0.5 * spread, cfl)  # diffusion goes half a step
