"""Reconstructions: the values at both ends of a cell from the averages of the cell and its neighbours.

Each is written for one cell and one dimension. What holds at the upper end holds mirrored at the lower one. All are
written in differences between neighbours, so that constants are kept exactly, and what depends on the size of the data
does so relatively: `a * u + b` is reconstructed as `a` times what `u` is, plus `b`.
"""

import abc
from itertools import pairwise
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.grid import cut, in_own_unit, lower, quotient, upper
from amr.own import expect

from .limiter import Limiter, MonotizedCentral, minmod

Values = Float[Array, "..."]
Stencil = tuple[Values, ...]
Ends = tuple[Values, Values]


class Reconstruction(eqx.Module):
    """Gives the values at the lower and upper end of a cell.

    `ghost` is the number of layers of ghost cells that it needs; `order` its order of accuracy for smooth data in one
    dimension, away from extrema where those are clipped.

    **Attributes:** `plain`: whether it makes no squares or products of values, so that it may be given numbers of any
    size. Others get each line of cells in a unit in which its largest value is about 1.
    """

    plain: ClassVar[bool] = False

    ghost: eqx.AbstractClassVar[int]
    order: eqx.AbstractClassVar[int]

    @property
    def limited(self) -> bool:
        """Whether it makes no new extrema of monotone data; interpolation between levels then makes none either."""
        return True

    @abc.abstractmethod
    def ends(self, stencil: Stencil) -> Ends:
        """Values at the lower and upper end of cell i from the averages `(u[i-r], ..., u[i+r])`, r = ghost - 1."""


def face_states(
    reconstruction: Reconstruction, line: Float[Array, "..."], d: int, skip: int = 1
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """States left and right of the faces along dimension d.

    `line` has `reconstruction.ghost` layers of ghost cells at both ends of axis `skip + d`: of n entries there become
    n - 2 ghost + 1 faces, those of all cells but the ghost cells.
    """
    axis, wide = skip + d, 2 * (reconstruction.ghost - 1)
    if line.shape[axis] <= wide + 2:
        raise ValueError(
            f"axis {axis} has {line.shape[axis]} cells, of which {wide + 2} would be the ghost cells that"
            f" {type(reconstruction).__name__} needs; pass at least one more"
        )

    def ends(line):
        return reconstruction.ends(tuple(cut(line, axis, k, wide - k) for k in range(wide + 1)))

    low, high = ends(line) if reconstruction.plain else in_own_unit(ends, line, axis)
    return lower(high, axis), upper(low, axis)


class DonorCell(Reconstruction):
    """The average of the cell: u. First order, one ghost cell, monotone (Courant, Isaacson, Rees, 1952)."""

    plain: ClassVar[bool] = True
    ghost: ClassVar[int] = 1
    order: ClassVar[int] = 1

    def ends(self, stencil):
        (u,) = stencil
        return u, u


class MUSCL(Reconstruction):
    """Straight lines with limited slopes: u[i] -+ slope / 2. Second order, two ghost cells.

    Makes no new extrema unless the limiter is `Unlimited()` (van Leer, J. Comput. Phys. 32, 1979).

    **Arguments:**

    - `limiter`: of the slopes; that of van Leer (1977, monotonized central) by default, as in config files.
    """

    limiter: Limiter = MonotizedCentral()
    ghost: ClassVar[int] = 2
    order: ClassVar[int] = 2

    def __check_init__(self):
        expect("limiter", self.limiter, Limiter, "a limiter such as solvers.MonotizedCentral()")

    @property
    def plain(self):
        return self.limiter.plain

    @property
    def limited(self):
        return self.limiter.limited

    def ends(self, stencil):
        below, u, above = stencil
        half = 0.5 * self.limiter(u - below, above - u)
        return u - half, u + half


class Koren(Reconstruction):
    """The quadratic of `Upwind3` limited: third order but at extrema, two ghost cells, no new extrema.

    Upper end: u[i] + max(0, min(2, 2 q, (2 + q) / 3)) (u[i+1] - u[i]) / 2, q = (u[i] - u[i-1]) / (u[i+1] - u[i])
    (Koren, in Numerical Methods for Advection-Diffusion Problems, Vieweg 1993). The ends of a cell do not lie on one
    line, so this is not a limiter of slopes.
    """

    plain: ClassVar[bool] = True
    ghost: ClassVar[int] = 2
    order: ClassVar[int] = 3

    def ends(self, stencil):
        below, u, above = stencil
        left, right = u - below, above - u
        return u - minmod(left, right, (2 * left + right) / 6), u + minmod(left, right, (left + 2 * right) / 6)


class Upwind3(Reconstruction):
    """The quadratic through three averages, (-u[i-1] + 5 u[i] + 2 u[i+1]) / 6 at the upper end.

    Third order, two ghost cells, unlimited (Leonard's QUICKEST, Comput. Methods Appl. Mech. Eng. 19, 1979, at rest).
    """

    plain: ClassVar[bool] = True
    ghost: ClassVar[int] = 2
    order: ClassVar[int] = 3

    @property
    def limited(self):
        return False

    def ends(self, stencil):
        below, u, above = stencil
        left, right = u - below, above - u
        return u - (2 * left + right) / 6, u + (left + 2 * right) / 6


class Upwind5(Reconstruction):
    """The quartic through five averages, (2 u[i-2] - 13 u[i-1] + 47 u[i] + 27 u[i+1] - 3 u[i+2]) / 60 at the upper end.

    Fifth order, three ghost cells, unlimited: what `WENO5` becomes in smooth flow (Shu, NASA CR-97-206253, 1997).
    """

    plain: ClassVar[bool] = True
    ghost: ClassVar[int] = 3
    order: ClassVar[int] = 5

    @property
    def limited(self):
        return False

    def ends(self, stencil):
        u = stencil[2]
        a, b, c, d = differences(stencil)
        return u - (24 * b + 11 * c - 3 * a - 2 * d) / 60, u + (11 * b + 24 * c - 2 * a - 3 * d) / 60


class PPM(Reconstruction):
    """Parabolas between the ends of the quartic through five averages, limited without clipping smooth extrema.

    Upper end: that of `Upwind5`, which is `(7 (u[i] + u[i+1]) - u[i-1] - u[i+2]) / 12` plus a thirtieth of the fourth
    difference around the cell. (That part is what damps waves of two cells. The other alone does not, and they run
    upstream from wherever they arise, such as a boundary.) Fourth order, the fifth where nothing is limited; three
    ghost cells. Monotone data keep their order: every end lies between the cell and its neighbour.

    Where an end lies outside its two cells, or a parabola turns, it is scaled back so that its second derivative
    is at most 5/4 of the smallest near it, and to none where these differ in sign (Colella and Sekora, J. Comput. Phys.
    227, 2008). Cells count as near an extremum by their second neighbours (McCorquodale and Colella, Commun. Appl.
    Math. Comput. Sci. 6, 2011; their test of third derivatives would need two more cells). Ends are clipped to the
    limit rather than set to it, which is continuous.
    """

    plain: ClassVar[bool] = True
    ghost: ClassVar[int] = 3
    order: ClassVar[int] = 4

    def ends(self, stencil):
        below, u, above = stencil[1:4]
        bends = tuple((a - b) + (c - b) for a, b, c in zip(stencil, stencil[1:], stencil[2:], strict=False))
        fourth = (bends[0] - bends[1]) + (bends[2] - bends[1])
        down = parabolic_end(below, u, bends[:2], fourth) - u
        up = parabolic_end(u, above, bends[1:], fourth) - u
        bend = 6 * (down + up)
        kept = quotient(minmod(bend, *(CURVED * near for near in bends)), bend)
        steady = agree(up, -down) & agree(stencil[4] - u, u - stencil[0])
        down, up = (
            jnp.where(steady, minmod(down, -2 * up), kept * down),
            jnp.where(steady, minmod(up, -2 * down), kept * up),
        )
        return u + down, u + up


CURVED = 1.25  # how much more curved than its neighbours a parabola of PPM may be


def parabolic_end(below: Values, above: Values, bends: Stencil, fourth: Values) -> Values:
    """PPM's value between two cells, limited by their second differences, from the fourth difference around one."""
    middle, bend = 0.5 * (below + above), 0.5 * (bends[0] + bends[1]) - 0.2 * fourth
    limit = middle - minmod(bend, CURVED * bends[0], CURVED * bends[1]) / 6
    least = jnp.minimum(jnp.minimum(below, above), limit)
    most = jnp.maximum(jnp.maximum(below, above), limit)
    return jnp.clip(middle - bend / 6, least, most)


class WENO5(Reconstruction):
    """Three quadratics weighted by their smoothness: WENO-Z, fifth order, three ghost cells.

    With the quadratics of the cells i-2+k to i+k and their smoothness b[k] (Jiang and Shu, J. Comput. Phys. 126, 1996),
    the weights are (1, 6, 3) (1 + t / (b[k] + e)), t = |b[0] - b[2]|, divided by their sum (Borges, Carmona, Costa,
    Don, J. Comput. Phys. 227, 2008). Fifth order also where the first derivative vanishes. (The quotients may be
    squared as well; that has larger errors for Jiang and Shu's waves.)

    e = 1e-12 t + the smallest normal number: weights do not depend on the size of the data. In float32, differences
    below 1e-19 of the largest value on a line of cells count as smooth.
    """

    ghost: ClassVar[int] = 3
    order: ClassVar[int] = 5

    def ends(self, stencil):
        u = stencil[2]
        steps = a, b, c, d = differences(stencil)
        weights = weno_weights(steps)
        return u - weno_change(weights[::-1], (d, c, b, a)), u + weno_change(weights, steps)


def weno_weights(steps: Stencil) -> Stencil:
    """How much rougher one end of five cells is than the other, relative to each quadratic; at least one."""
    a, b, c, d = steps
    rough = roughness(3 * b - a, b - a), roughness(b + c, c - b), roughness(3 * c - d, d - c)
    contrast = jnp.abs(rough[0] - rough[2])
    floor = 1e-12 * contrast + float(jnp.finfo(contrast.dtype).tiny)
    return tuple(1 + quotient(contrast, each + floor) for each in rough)


def roughness(slope: Values, bend: Values) -> Values:
    """Jiang and Shu's smoothness indicator of a quadratic from (twice) its slope in the cell and its second difference.

    Four times the integral over the cell of its squared derivatives.
    """
    return jnp.square(slope) + 13 / 3 * jnp.square(bend)


def weno_change(weights: Stencil, steps: Stencil) -> Values:
    """From the cell to its upper end: the mean of three quadratics, given the differences between the five cells."""
    a, b, c, d = steps
    low, middle, high = weights[0], 6 * weights[1], 3 * weights[2]
    total = low * (5 * b - 2 * a) + middle * (b + 2 * c) + high * (4 * c - d)
    return total / (6 * (low + middle + high))


def differences(stencil: Stencil) -> Stencil:
    """Those between neighbours."""
    return tuple(above - below for below, above in pairwise(stencil))


def agree(a: Values, b: Values) -> Array:
    """Whether both have the same sign and neither is zero."""
    return (jnp.minimum(a, b) > 0) | (jnp.maximum(a, b) < 0)
