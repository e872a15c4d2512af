"""Diffusion through the faces of cells: coefficients and fluxes of the patches of a sweep.

The flux between two cells is the difference of their values over the distance of their centres, times the diffusivity
on the face. Beside a coarser level the outer value is interpolated with third order at least (`amr.Quadratic`), so that
the flux is consistent to second order; fluxes through coarse faces are replaced by those of the fine ones
(`amr.grid.reflux`). At faces of the domain the outer value follows from the boundary: `amr.grid.grid.Part.line`.

Arrays are those of a sweep, `(vars, blocks, *cells, lanes)`.
"""

import functools

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from amr.grid import Fluxes, Part, by_halves, lower, over_square, trim, upper

from .diffusivity import Arithmetic, Diffusivity, Mean
from .terms import Term
from .transport import largest

Faces = tuple[Float[Array, "rows ..."], ...]


class Diffusing(Term):
    """How variables diffuse: a coefficient and its mean on faces.

    Samples are the coefficient on the faces across each dimension: rows for all variables or for each behind the axis
    of blocks; nothing where it depends on the variables.
    """

    diffusivity: Diffusivity
    mean: Mean = Arithmetic()

    @property
    def steady(self):
        return self.diffusivity.steady or self.diffusivity.of_solution

    @property
    def of_state(self):
        return self.diffusivity.of_solution

    @property
    def constant(self) -> bool:
        """Whether the coefficient is the same everywhere and always."""
        return self.diffusivity.constant

    def samples(self, part, time):
        return () if self.of_state else self._on_faces(part, None, time, time.dtype)

    def limits(self, part, samples, scheme, bounded):
        return {} if self.of_state else {"spread": spreading(part, samples)}

    def limits_of(self, part, cells, samples, scheme, time):
        if not self.of_state:
            return {}
        x = part.centres(cells.dtype, (cells.shape[2] - part.mesh.patch) // 2)
        return {"spread": spreading(part, tuple(self.diffusivity.at(cells, x, time, d) for d in _dims(part)))}

    def crossing(self, here, keep):
        return here.part.kept(lambda: self.moved(here.part, here.u, here.samples, here.moment.dt, here.moment.time))

    def moved(self, part: Part, ghosted: Array, faces: Faces, dt: Array, time: Array) -> Fluxes:
        """What diffuses through each face in the time `dt`, in units of a cell; `faces`: the coefficient on them, or
        nothing where it follows from the variables."""
        lines = tuple(part.line(ghosted, d, time) for d in _dims(part))
        faces = faces or self._on_faces(part, lines, time, ghosted.dtype)
        dx = part.sizes(ghosted.dtype)
        # One width at a time, which the barrier sees to: the square of a length may be no number.
        share = tuple(lax.optimization_barrier(dt / size) for size in dx)
        return tuple(
            -(share[d] * faces[d] * (1 / dx[d])) * (upper(lines[d], 2 + d) - lower(lines[d], 2 + d))
            for d in _dims(part)
        )

    def on_faces(self, part: Part, ghosted: Array | None, time, dtype) -> Faces:
        """The coefficient on the faces across each dimension: rows for all variables or for each, of length one along
        all other axes where it is constant. `ghosted` cells are needed where it depends on the variables."""
        lines = None if ghosted is None else tuple(part.line(ghosted, d, time) for d in _dims(part))
        return self._on_faces(part, lines, time, dtype)

    def _on_faces(self, part: Part, lines: tuple[Array, ...] | None, time, dtype) -> Faces:
        if self.diffusivity.constant:
            shape = jnp.zeros((1,) * (part.mesh.ndim + 3), dtype)
            return tuple(self.diffusivity.at(shape, (), time, d) for d in _dims(part))
        return tuple(self._across(part, None if lines is None else lines[d], time, dtype, d) for d in _dims(part))

    def _across(self, part: Part, line: Array | None, time, dtype, d: int) -> Array:
        axis = 2 + d
        if line is None:
            line = part.zeros([part.mesh.patch + 2 * (k == d) for k in _dims(part)], dtype)
        line = self._on_walls(part, line, d)
        found = self.diffusivity.at(line, _line_centres(part, d, dtype), time, d)
        found = jnp.broadcast_to(found, (found.shape[0], *line.shape[1:]))  # a part of it may be constant
        # Beside a wall it is the mean with the value on the wall: that is where the gradient, too, belongs to.
        return self.mean(lower(found, axis), upper(found, axis))

    def _on_walls(self, part: Part, line: Array, d: int) -> Array:
        """The line with the values on faces of the domain in the place of those beyond them."""
        if part.mesh.domain.periodic[d] or not self.of_state:
            return line
        axis, n = 2 + d, part.mesh.patch + 2
        low, high = _entry(line, axis, 0), _entry(line, axis, n - 1)
        low = jnp.where(part.touches(d, 0), 0.5 * (low + _entry(line, axis, 1)), low)
        high = jnp.where(part.touches(d, 1), 0.5 * (high + _entry(line, axis, n - 2)), high)
        return jnp.concatenate([low, trim(line, [axis]), high], axis=axis)


def spreading(part: Part, diffusivity: Faces) -> Float[Array, "blocks lanes"]:
    """The rate of diffusion in the patches of a sweep from its coefficient in all points, one array a dimension."""
    dx = part.sizes(diffusivity[0].dtype)
    rates = []
    for values, size in zip(diffusivity, dx, strict=True):
        most = largest(by_halves(jnp.maximum, values, axis=0))
        size = size.reshape(part.leaves.level.shape)
        rates.append(over_square(2 * most, size))
    return functools.reduce(jnp.add, rates)


def _line_centres(part: Part, d: int, dtype) -> tuple[Array, ...]:
    """Coordinates of the cell centres with one layer around along d; those beyond a face of the domain moved to it."""
    mesh, inner = part.mesh, jnp.arange(part.mesh.patch, dtype=dtype) + 0.5
    offsets = tuple(jnp.arange(-1, mesh.patch + 1, dtype=dtype) + 0.5 if k == d else inner for k in _dims(part))
    x = list(part.points(offsets, dtype))
    if not mesh.domain.periodic[d]:
        x[d] = jnp.clip(x[d], mesh.domain.lower[d], mesh.domain.upper[d])
    return tuple(x)


def _entry(line: Array, axis: int, n: int) -> Array:
    return line[(slice(None),) * axis + (slice(n, n + 1),)]


def _dims(part: Part) -> range:
    return range(part.mesh.ndim)
