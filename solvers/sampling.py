"""Try the functions of a config at points of the domain before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from amr.mesh import Mesh

from .config import COORDINATES
from .expression import Expression, ExpressionTuple
from .user_function import UserFunctionError

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


def check_values(function: Callable, points: Points, count: int, *times: float) -> None:
    """Raise `UserFunctionError` unless the function gives `count` finite values at each point (and time)."""
    shape = np.broadcast_shapes(*(x.shape for x in points))
    with np.errstate(all="ignore"):
        values = _values(function, points, times)
    if len(values) != count:
        raise UserFunctionError(f"gives {len(values)} values at each point, expected {count}")
    for value in values:
        try:
            array = np.broadcast_to(np.asarray(value, float), shape)
        except (TypeError, ValueError):
            raise UserFunctionError(
                f"gives an array of shape {np.shape(value)} at points of shape {shape}, expected a number at each"
            ) from None
        _check_finite(array, points, times)


def check_wraps(function: Callable, mesh: Mesh, stream: bool, *times: float) -> None:
    """Raise `UserFunctionError` where a periodic face lets out what the opposite one does not let in.

    The function gives the components of a velocity, or (`stream`) a stream function, whose differences along a face
    are what crosses it.
    """
    for d in (d for d in range(mesh.ndim) if mesh.domain.periodic[d]):
        points = list(sample_points(mesh))
        low, high = mesh.domain.lower[d], mesh.domain.upper[d]
        points[d] = np.linspace(low, high, 33).reshape([-1 if k == d else 1 for k in range(mesh.ndim)])
        with np.errstate(all="ignore"):
            values = _values(function, tuple(points), times)[0 if stream else d]
        shape = np.broadcast_shapes(*(x.shape for x in points))
        values = np.moveaxis(np.broadcast_to(np.asarray(values, float), shape), d, 0)
        jump = values[-1] - values[0]
        if np.abs(jump - (jump.mean() if stream else 0)).max() > 1e-6 * np.abs(values).max():
            faces = f"{COORDINATES[d]} = {low:g} and {COORDINATES[d]} = {high:g}"
            advice = 'choose a flow that repeats, or another domain.boundary such as "outflow"'
            raise UserFunctionError(f"differs between {faces}, which are one face in a periodic domain; {advice}")


def _values(function: Callable, points: Points, times: Sequence[float]) -> Sequence:
    if isinstance(function, Expression | ExpressionTuple):
        values = function.evaluate(np, *points, *times)
    else:
        import jax  # what a user's function is written for, and compiled by

        try:
            values = jax.jit(function)(*points, *times)
        except Exception as error:  # whatever a user's function raises
            raise UserFunctionError(f"fails: {type(error).__name__}: {error}") from error
    return values if isinstance(values, tuple | list) else (values,)


def _check_finite(array: np.ndarray, points: Points, times: Sequence[float]) -> None:
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        first = tuple(wrong[0])
        place = [float(np.broadcast_to(x, array.shape)[first]) for x in points]
        where = [f"{name} = {value:.6g}" for name, value in zip(COORDINATES, place, strict=False)]
        where += [f"t = {time:.6g}" for time in times]
        raise UserFunctionError(f"gives {array[first]} at {', '.join(where)}, expected finite numbers")
