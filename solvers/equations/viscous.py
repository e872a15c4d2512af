"""Diffusion of the variables of a law: fluxes that depend on derivatives, such as those of viscosity and of heat.

On a face, primitive variables are the means of the cells beside it. Derivatives across it are differences of these
cells; those along it are central differences in both, averaged:

        +---+---+
        | a | c |       face between the middle cells; d across: (right - left) / dx,
        +---+---+       k along: (a + c - b - e) / (4 dy)
        |   x   |
        +---+---+
        | b | e |
        +---+---+

That is second order, also for the full stress tensor, whose cross derivatives need the corners of the ghost cells.
"""

from typing import Any

from jaxtyping import Array

from amr.grid import Fluxes, Part, lower, others, trim, upper

from .diffusion import spreading
from .terms import Term


class Viscous(Term):
    """What a conservation law says by `diffusive_flux` and `diffusivity`."""

    law: Any  # a `ConservationLaw`

    @property
    def of_state(self):
        return True

    @property
    def guided(self):
        return False

    @property
    def constant(self) -> bool:
        return False

    def limits_of(self, part, cells, samples, scheme, time):
        most = self.law.diffusivity(self.law.primitive(cells))
        return {"spread": spreading(part, (most,) * part.mesh.ndim)}

    def crossing(self, here, keep):
        return here.part.kept(lambda: self.moved(here.part, here.u, (), here.moment.dt, here.moment.time))

    def moved(self, part: Part, ghosted: Array, faces: Any, dt: Array, time: Array) -> Fluxes:
        """What diffuses through each face in the time `dt`, in units of a cell."""
        dims, dx = range(part.mesh.ndim), part.sizes(ghosted.dtype)
        near = part.for_diffusion(trim(ghosted, [2 + d for d in dims], part.ghost - 1), time)
        w = part.kept(lambda: self.law.primitive(near))
        return tuple((dt / dx[d]) * self._flux(w, dx, d) for d in dims)

    def _flux(self, w: Array, dx: tuple[Array, ...], d: int) -> Array:
        dims = range(len(dx))
        line = trim(w, [2 + k for k in others(d, dims)])
        left, right = lower(line, 2 + d), upper(line, 2 + d)
        slopes = tuple((right - left) / dx[d] if k == d else _along(w, dims, d, k) / (4 * dx[k]) for k in dims)
        return self.law.diffusive_flux(0.5 * (left + right), slopes, d)

    def on_faces(self, part: Part, ghosted: Array, time: Array, dtype) -> Fluxes:
        """How fast each variable diffuses through faces: what a solver's cycle takes for the operator."""
        dims, count = range(part.mesh.ndim), len(self.law.names)
        near = trim(ghosted, [2 + d for d in dims], part.ghost - 1)
        speed = part.kept(lambda: self.law.diffusivity(self.law.primitive(near))[:count])
        lines = [trim(speed, [2 + k for k in others(d, dims)]) for d in dims]
        return tuple(0.5 * (lower(line, 2 + d) + upper(line, 2 + d)) for d, line in enumerate(lines))


def _along(w: Array, dims: range, d: int, k: int) -> Array:
    """Four cells' widths times the derivative along k on the faces across d."""
    plane = trim(w, [2 + j for j in others(d, others(k, dims))])
    both = lower(plane, 2 + d) + upper(plane, 2 + d)
    return upper(upper(both, 2 + k), 2 + k) - lower(lower(both, 2 + k), 2 + k)
