"""Fluxes that leave only states which make sense, such as those of positive density and pressure.

After a forward Euler step a cell is the mean of one state for each of its faces. With shares a_d of the dimensions that
add up to one, here those of the Courant numbers of the cell,

    u - dt sum_d (F_d+ - F_d-) / dx_d = sum_d a_d / 2 [(u - s_d (F_d+ - F(u) / 2)) + (u + s_d (F_d- - F(u) / 2))],

s_d = 2 dt / (a_d dx_d), where the parts with F(u) cancel. If all these states make sense, so does the cell, since such
states are convex; and so does a step of a Runge-Kutta method that preserves strong stability (after Perthame and Shu,
Numer. Math. 73, 1996; Hu, Adams and Shu, J. Comput. Phys. 242, 2013). Rusanov's flux between the means of cells passes
up to a Courant number of 1, summed over the dimensions; fluxes of smooth flow pass up to 1 as well, however fast it is
and wherever it goes. A flux that does not pass on both of its sides is replaced by Rusanov's. The verdict is about a
face alone, and the same from both sides, so nothing is lost.

All of this is asked only in a stage in which a cell of the mesh would be left without sense: see `Grid.crossed`.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.grid import lower, others, quotient, trim, upper
from solvers.equations import ConservationLaw

from .riemann import Rusanov

Cells = Float[Array, "vars blocks ... lanes"]


def shares_of(law: ConservationLaw, u: Cells, rates: tuple[Array, ...], ratio: float) -> list[Array]:
    """The factors s_d for each dimension and cell; `rates` are time steps over cell widths, `ratio` the length of the
    forward Euler steps of which a step consists, in units of it."""
    if len(rates) == 1:
        return [jnp.broadcast_to(2 * ratio * rates[0], u.shape[1:])]
    speeds = [law.max_speed(u, d) for d in range(len(rates))]
    total = 2 * ratio * sum(rate * speed for rate, speed in zip(rates, speeds, strict=True))
    return [quotient(total, speed) for speed in speeds]


def safe_flux(law: ConservationLaw, near: Cells, flux: Cells, share: Array, d: int) -> Cells:
    """The flux through the faces of patches across d, or Rusanov's where that would ask too much of a cell.

    `near` and `share` have one layer of ghost cells. Cells that make no sense before, such as those of slots that hold
    no patch, are not asked.
    """
    rest = others(d, range(near.ndim - 3))
    means, shares = trim(near, [2 + k for k in rest]), trim(share, [1 + k for k in rest])
    low, high = lower(means, 2 + d), upper(means, 2 + d)

    def passes(cell, share):
        own = jnp.asarray(law.flux(cell, d), flux.dtype)
        rows = zip(cell, flux, own, strict=True)
        left_over = jnp.stack([u - share * (through - 0.5 * mine) for u, through, mine in rows])
        return jnp.asarray(law.admissible(left_over)) | ~jnp.asarray(law.admissible(cell))

    fine = passes(low, lower(shares, 1 + d)) & passes(high, -upper(shares, 1 + d))
    safe = jnp.asarray(Rusanov()(law, low, high, d), flux.dtype)
    return jnp.stack([jnp.where(fine, *rows) for rows in zip(flux, safe, strict=True)])
