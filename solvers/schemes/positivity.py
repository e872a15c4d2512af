"""Fluxes that leave only states which make sense, such as those of positive density and pressure.

After a forward Euler step a cell is the mean of one state for each of its 2 ndim faces,

    u - dt/dx sum_f +-flux_f = sum_f (u -+ 2 ndim dt/dx (flux_f - flux(u)/2)) / (2 ndim),

where the parts with `flux(u)` cancel between opposite faces. If all these states make sense, so does the cell, since
such states are convex; and so does a step of a Runge-Kutta method that preserves strong stability (after Perthame and
Shu, Numer. Math. 73, 1996; Hu, Adams and Shu, J. Comput. Phys. 242, 2013). Rusanov's flux between the means of cells
passes up to a Courant number of 1/ndim along each dimension. A flux that does not pass on both of its sides is replaced
by that one. The verdict is about a face alone, and the same from both sides, so nothing is lost.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.grid import Keep, lower, replaced, upper
from solvers.equations import ConservationLaw

from .riemann import Rusanov

Line = Float[Array, "vars blocks ... lanes"]


def safe_flux(law: ConservationLaw, means: Line, flux: Line, share: Array, d: int, store: Keep) -> Line:
    """The flux through the faces across d, or Rusanov's where that would ask too much of a cell.

    `means` are the cells on both sides of the faces; `share` is `2 ndim dt/dx` of a forward Euler step.
    """
    sides = lower(means, 2 + d), upper(means, 2 + d)

    def left_over(cell, share):
        own = jnp.asarray(law.flux(cell, d), flux.dtype)
        rows = zip(cell, flux, own, strict=True)
        return law.admissible(jnp.stack([u - share * (through - 0.5 * mine) for u, through, mine in rows]))

    bad = store(lambda: ~(left_over(sides[0], share) & left_over(sides[1], -share)))
    return replaced(flux, bad, lambda: jnp.asarray(Rusanov()(law, *sides, d), flux.dtype))
