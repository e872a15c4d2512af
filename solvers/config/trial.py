"""Try the functions of a config at points of the domain before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from amr.mesh import Mesh
from amr.names import told_place
from amr.own import failure

from .expression import Expression, ExpressionTuple
from .user_function import UserFunctionError
from .values import COORDINATES

MOST_POINTS = 2**18
Points = tuple[np.ndarray, ...]


def sample_points(mesh: Mesh, shift: float = 0.5) -> Points:
    """Coordinates on the root grid, broadcastable: cell centres, or corners with `shift=0`; large grids thinned."""
    most = int(MOST_POINTS ** (1 / mesh.ndim))
    axes = []
    for low, dx, n in zip(mesh.domain.lower, mesh.cell_size(), mesh.cells, strict=True):
        index = np.unique(np.linspace(0, n - 1 if shift else n, min(n, most)).round())
        axes.append(low + (index + shift) * dx)
    return tuple(np.meshgrid(*axes, indexing="ij", sparse=True))


@dataclass(frozen=True)
class GhostPoints:
    """Centres of ghost cells beyond a face of the root grid, as flat arrays, at one time.

    **Attributes:** `points`: the centres; `mirrored`: what they are in a mirror at the face.
    """

    points: Points
    mirrored: Points
    time: float

    def where(self, chosen: np.ndarray) -> GhostPoints:
        """Only some of them."""
        return GhostPoints(tuple(x[chosen] for x in self.points), tuple(x[chosen] for x in self.mirrored), self.time)


def beyond_face(
    mesh: Mesh, d: int, end: int, ghost: int, corners: Sequence[tuple[bool, bool]], time: float
) -> GhostPoints:
    """Those beyond the lower (`end=0`) or upper face across dimension d.

    `corners` tells for each other dimension whether the points go on beyond its lower and upper faces.
    """
    most = int((MOST_POINTS // ghost) ** (1 / max(1, mesh.ndim - 1)))
    axes, mirrored = [], []
    for k, (n, (low, high)) in enumerate(zip(mesh.cells, corners, strict=True)):
        first, last = -ghost * low, n - 1 + ghost * high
        index = np.unique(np.linspace(first, last, min(last - first + 1, most)).round())
        layers = np.arange(ghost)
        axes.append((n + layers if end else -1 - layers) if k == d else index)
        mirrored.append((n - 1 - layers if end else layers) if k == d else index)
    return GhostPoints(_centres(mesh, axes), _centres(mesh, mirrored), time)


def _centres(mesh: Mesh, axes: Sequence[np.ndarray]) -> Points:
    """The centres of cells given by their numbers along each dimension, as flat arrays."""
    sizes = zip(axes, mesh.domain.lower, mesh.cell_size(), strict=True)
    grids = np.meshgrid(*(low + (index + 0.5) * dx for index, low, dx in sizes), indexing="ij")
    return tuple(grid.ravel() for grid in grids)


def check_values(
    function: Callable, points: Points, counts: int | Sequence[int], *times: float, negative: bool = True
) -> None:
    """Raise `UserFunctionError` unless the function gives finite values at each point (and time), as many as (one of)
    `counts`, and none below 0 where they may not be `negative`."""
    shape = np.broadcast_shapes(*(x.shape for x in points))
    with np.errstate(all="ignore"):
        values = values_at(function, points, times)
    if len(values) not in np.atleast_1d(counts):
        expected = " or ".join(map(str, np.unique(counts)))
        raise UserFunctionError(f"gives {len(values)} values at each point, expected {expected}")
    for value in values:
        try:
            array = np.broadcast_to(np.asarray(value, float), shape)
        except (TypeError, ValueError):
            raise UserFunctionError(
                f"gives an array of shape {np.shape(value)} at points of shape {shape}, expected a number at each"
            ) from None
        _check_each(array, np.isfinite(array), "finite numbers", points, times)
        _check_each(array, negative | (array >= 0), "numbers of 0 or more", points, times)


def with_first(function: Callable, first: np.ndarray) -> Callable:
    """A function whose first argument, one row for each variable, is given; rows that it gives become a tuple."""
    import jax
    import jax.numpy as jnp

    def called(*place):
        rows = function(jnp.asarray(first), *place)
        return tuple(rows) if isinstance(rows, jax.Array) and rows.ndim > 1 else rows

    return called


def flat_points(mesh: Mesh) -> Points:
    """Cell centres of the root grid as flat arrays; large grids thinned."""
    return tuple(x.ravel() for x in np.broadcast_arrays(*sample_points(mesh)))


def wall_points(mesh: Mesh) -> list[Points]:
    """Points on the faces of the domain that are not periodic, for each dimension across which there are such."""
    ends = np.array([mesh.domain.lower, mesh.domain.upper])
    return [_at(mesh, d, ends[:, d]) for d in range(mesh.ndim) if not mesh.domain.periodic[d]]


def _at(mesh: Mesh, d: int, places: np.ndarray) -> Points:
    """Sample points with other coordinates along dimension d."""
    points = list(sample_points(mesh))
    points[d] = places.reshape([-1 if k == d else 1 for k in range(mesh.ndim)])
    return tuple(points)


def check_wraps(function: Callable, mesh: Mesh, stream: bool, *times: float) -> None:
    """Raise `UserFunctionError` where a periodic face lets out what the opposite one does not let in.

    The function gives the components of a velocity, or (`stream`) a stream function, whose differences along a face
    are what crosses it.
    """
    for d in (d for d in range(mesh.ndim) if mesh.domain.periodic[d]):
        low, high = mesh.domain.lower[d], mesh.domain.upper[d]
        points = _at(mesh, d, np.linspace(low, high, 33))
        with np.errstate(all="ignore"):
            values = values_at(function, points, times)[0 if stream else d]
        shape = np.broadcast_shapes(*(x.shape for x in points))
        values = np.moveaxis(np.broadcast_to(np.asarray(values, float), shape), d, 0)
        jump = values[-1] - values[0]
        if np.abs(jump - (jump.mean() if stream else 0)).max() > 1e-6 * np.abs(values).max():
            faces = f"{COORDINATES[d]} = {low:g} and {COORDINATES[d]} = {high:g}"
            advice = 'choose a flow that repeats, or another domain.boundary such as "outflow"'
            raise UserFunctionError(f"differs between {faces}, which are one face in a periodic domain; {advice}")


def values_at(function: Callable, points: Points, times: Sequence[float]) -> Sequence:
    """What a function gives at points (and a time), one entry for each number."""
    if isinstance(function, Expression) or (isinstance(function, ExpressionTuple) and function.pure):
        values = function.evaluate(np, *points, *times)
    else:
        import jax  # what a user's function is written for, and compiled by

        try:
            values = jax.jit(function)(*points, *times)
        except Exception as error:  # whatever a user's function raises
            raise UserFunctionError(failure(error)) from error
    return values if isinstance(values, tuple | list) else (values,)


def check_method(owner: Any, method: str, call: Callable, *shapes: tuple[int, ...], note: str = "") -> Any:
    """What a method of the user's gives; raises `UserFunctionError` unless that are arrays of these shapes.

    Without shapes it may be anything. `note` says more about what was expected.
    """
    import jax
    import jax.numpy as jnp

    try:
        found = jax.jit(lambda: jax.tree.map(jnp.asarray, call()))()
    except Exception as error:  # whatever a user's class raises
        raise UserFunctionError(f"{type(owner).__name__}: {method} {failure(error)}") from error
    parts = found if isinstance(found, tuple) else (found,)
    odd = [type(part).__name__ for part in parts if not isinstance(part, jax.Array)] if shapes else []
    if odd:
        shape = " and ".join(map(str, shapes))
        raise UserFunctionError(f"{type(owner).__name__}: {method} gives {odd[0]}, no array, where {shape} is expected")
    given = [part.shape for part in parts] if shapes else []
    if given != list(shapes):
        told, expected = (" and ".join(map(str, some)) for some in (given, shapes))
        several = "an array of shape" if len(given) == 1 else "arrays of shape"
        raise UserFunctionError(f"{type(owner).__name__}: {method} gives {several} {told}, expected {expected}{note}")
    return found


def _check_each(array: np.ndarray, good: np.ndarray, expected: str, points: Points, times: Sequence[float]) -> None:
    wrong = np.argwhere(~good)
    if len(wrong):
        first = tuple(wrong[0])
        place = [float(np.broadcast_to(x, array.shape)[first]) for x in points]
        raise UserFunctionError(f"gives {array[first]} at {told_place(place, times)}, expected {expected}")
