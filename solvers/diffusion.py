"""Diffusion through the faces of cells: coefficients and fluxes of the patches of a sweep.

The flux between two cells is the difference of their values over the distance of their centres, times the diffusivity
on the face. Beside a coarser level the outer value is interpolated with third order at least (`amr.Quadratic`), so that
the flux is consistent to second order; fluxes through coarse faces are replaced by those of the fine ones
(`amr.reflux`). At faces of the domain the outer value follows from the boundary: `amr.ghosts.mirror_boundaries`.

Arrays are those of a sweep, `(vars, blocks, *cells, lanes)`.
"""

from __future__ import annotations

import functools

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.conditions import Conditions
from amr.ghosts import cell_sizes_of_blocks, mirror_boundaries, touches
from amr.leaves import Leaves, over_blocks
from amr.mesh import Mesh
from amr.topology import coordinates

from .diffusivity import Arithmetic, Diffusivity, Mean
from .slices import lower, others, trim, upper

Faces = tuple[Float[Array, "rows ..."], ...]


class Diffusing(eqx.Module):
    """How variables diffuse: a coefficient and its mean on faces."""

    diffusivity: Diffusivity
    mean: Mean = Arithmetic()

    def on_faces(self, mesh: Mesh, leaves: Leaves, lines: tuple[Array, ...] | None, time, dtype) -> Faces:
        """The coefficient on the faces across each dimension: rows for all variables or for each, of length one along
        all other axes where it is constant. `lines` (see `lines_of`) are needed where it depends on the variables."""
        if self.diffusivity.constant:
            shape = jnp.zeros((1,) * (mesh.ndim + 3), dtype)
            return tuple(self.diffusivity.at(shape, (), time, d) for d in range(mesh.ndim))
        return tuple(
            self._across(mesh, leaves, None if lines is None else lines[d], time, dtype, d) for d in _dims(mesh)
        )

    def _across(self, mesh: Mesh, leaves: Leaves, line: Array | None, time, dtype, d: int) -> Array:
        axis = 2 + d
        x = _line_centres(mesh, leaves, d, dtype)
        if line is None:
            shape = (
                1,
                leaves.level.shape[0],
                *(mesh.patch + 2 * (k == d) for k in _dims(mesh)),
                leaves.level.shape[-1],
            )
            line = jnp.zeros(shape, dtype)
        line = self._on_walls(mesh, leaves, line, d)
        found = self.diffusivity.at(line, x, time, d)
        found = jnp.broadcast_to(found, (found.shape[0], *line.shape[1:]))  # a part of it may be constant
        # Beside a wall it is the mean with the value on the wall: that is where the gradient, too, belongs to.
        return self.mean(lower(found, axis), upper(found, axis))

    def _on_walls(self, mesh: Mesh, leaves: Leaves, line: Array, d: int) -> Array:
        """The line with the values on faces of the domain in the place of those beyond them."""
        if mesh.domain.periodic[d] or not self.diffusivity.of_solution:
            return line
        axis, n = 2 + d, mesh.patch + 2
        first, last = (touches(mesh, leaves, d, end, mesh.ndim) for end in (0, 1))
        low, high = _entry(line, axis, 0), _entry(line, axis, n - 1)
        low = jnp.where(first, 0.5 * (low + _entry(line, axis, 1)), low)
        high = jnp.where(last, 0.5 * (high + _entry(line, axis, n - 2)), high)
        return jnp.concatenate([low, trim(line, [axis]), high], axis=axis)


def lines_of(mesh: Mesh, leaves: Leaves, ghosted: Array, ghost: int, time, conditions: Conditions) -> tuple[Array, ...]:
    """For each dimension the cells with one layer of ghost cells along it, from patches with `ghost` layers around."""
    found = []
    for d in _dims(mesh):
        line = trim(ghosted, [2 + k for k in others(d, _dims(mesh))], ghost)
        line = trim(line, [2 + d], ghost - 1)
        found.append(mirror_boundaries(mesh, leaves, line, d, time, conditions))
    return tuple(found)


def diffusive_fluxes(mesh: Mesh, leaves: Leaves, lines: tuple[Array, ...], faces: Faces, dt) -> tuple[Array, ...]:
    """What diffuses through each face in the time `dt`, in units of a cell."""
    dx = cell_sizes_of_blocks(mesh, leaves, lines[0].dtype)
    return tuple(
        -((dt / dx[d] ** 2) * faces[d]) * (upper(lines[d], 2 + d) - lower(lines[d], 2 + d)) for d in _dims(mesh)
    )


def outflow(fluxes: tuple[Array, ...]) -> Float[Array, "vars blocks *cells lanes"]:
    """What leaves each cell through all of its faces."""
    return functools.reduce(jnp.add, [upper(flux, 2 + d) - lower(flux, 2 + d) for d, flux in enumerate(fluxes)])


def _line_centres(mesh: Mesh, leaves: Leaves, d: int, dtype) -> tuple[Array, ...]:
    """Coordinates of the cell centres with one layer around along d; those beyond a face of the domain moved to it."""
    inner = jnp.arange(mesh.patch, dtype=dtype) + 0.5
    offsets = tuple(jnp.arange(-1, mesh.patch + 1, dtype=dtype) + 0.5 if k == d else inner for k in _dims(mesh))
    x = list(over_blocks(lambda leaves: coordinates(mesh, leaves, offsets, dtype), leaves))
    if not mesh.domain.periodic[d]:
        x[d] = jnp.clip(x[d], mesh.domain.lower[d], mesh.domain.upper[d])
    return tuple(x)


def _entry(line: Array, axis: int, n: int) -> Array:
    return line[(slice(None),) * axis + (slice(n, n + 1),)]


def _dims(mesh: Mesh) -> range:
    return range(mesh.ndim)
