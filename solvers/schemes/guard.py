"""Prolongation that gives only states which make sense to a law."""

import functools

import jax
import jax.numpy as jnp

from amr.grid import Prolongation, Window, trimmed
from solvers.equations import Equation


class Guarded(Prolongation):
    """The children of a cell by another prolongation, or all equal to the cell where one of them makes no sense.

    Each variable alone stays between its neighbours, but the pressure that follows from several of them need not.
    """

    prolongation: Prolongation
    law: Equation

    @property
    def margin(self):
        return self.prolongation.margin

    def children(self, window: Window):
        found = self.prolongation.children(window)
        verdicts = [jnp.asarray(self.law.admissible(child)) for child in found]
        good = functools.reduce(jnp.logical_and, verdicts)
        centre = trimmed(window, self.margin)
        return [jnp.where(good, child, centre) for child in found]


def guarded(prolongation: Prolongation, law: Equation, ndim: int) -> Prolongation:
    """With a guard, if the law knows which states make sense from its variables alone."""
    return Guarded(prolongation, law) if judges(law, ndim) else prolongation


def judges(law: Equation, ndim: int) -> bool:
    """Whether a law knows which states make sense from its variables alone."""
    if law.has_coefficients(ndim):
        return False
    state = jax.ShapeDtypeStruct((len(law.names), 1), jnp.zeros(()).dtype)
    return jax.eval_shape(lambda u: law.admissible(u), state) is not None
