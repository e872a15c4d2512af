"""The leaves and cells that hold given points, found by bisection of Morton keys."""

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Any

import numpy as np

from amr.errors import InvalidSettingError

from . import morton
from .forest import Forest
from .mesh import Mesh


def locate(mesh: Mesh, forest: Forest, x: Sequence[np.ndarray]) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """For points, the slots of their leaves (-1 outside the domain) and the numbers of their cells there.

    `x[d]` are the coordinates along dimension d; they broadcast against each other, so that the open grid `np.ix_(xs,
    ys)` costs little more than its points. Returns the slots and one array of cell numbers a dimension, all of the
    broadcast shape. Up to rounding, a point on a face belongs to the upper cell; one on an end of the domain to the
    last cell inside.
    """
    domain, count = mesh.domain, int(forest.count)
    level = np.asarray(forest.level)[:count]
    position = np.asarray(forest.position)[:, :count].astype(np.int64)
    inside = reduce(and_, ((xd >= low) & (xd <= up) for xd, low, up in zip(x, domain.lower, domain.upper, strict=True)))
    fine = [finest_cell(mesh, d, np.asarray(xd, np.float64)) for d, xd in enumerate(x)]
    # A Morton key is a sum over dimensions, so the keys of a grid of points are an outer sum of a few.
    corners = sum(morton.spread(position[d] << (mesh.max_level - level), mesh.ndim) << d for d in range(mesh.ndim))
    queries = sum(morton.spread(cells // mesh.patch, mesh.ndim) << d for d, cells in enumerate(fine))
    slot = np.searchsorted(corners, queries, side="right") - 1
    shift = mesh.max_level - level[slot]
    return np.where(inside, slot, -1), tuple((cells >> shift) % mesh.patch for cells in fine)


def finest_cell(mesh: Mesh, d: int, x: np.ndarray) -> np.ndarray:
    """Numbers of the finest level's cells at coordinates along dimension d; outside the domain the nearest."""
    cell = np.nan_to_num((x - mesh.domain.lower[d]) / mesh.cell_size(mesh.max_level)[d])
    return np.clip(cell, 0, mesh.cells[d] * 2**mesh.max_level - 1).astype(np.int64)


def point_in(mesh: Mesh, key: str, point: Any) -> np.ndarray:
    """A point of the domain, shape `(ndim,)`. Raises `InvalidSettingError` where it is none."""
    domain = mesh.domain
    try:
        x = np.atleast_1d(np.asarray(point, np.float64))
    except (TypeError, ValueError):
        raise InvalidSettingError(key, f"expected numbers, got {point!r}") from None
    if x.shape != (mesh.ndim,):
        raise InvalidSettingError(key, f"expected a point with {mesh.ndim} coordinates, got {x.tolist()}")
    if not ((x >= domain.lower) & (x <= domain.upper)).all():
        box = " x ".join(f"[{low:g}, {up:g}]" for low, up in zip(domain.lower, domain.upper, strict=True))
        raise InvalidSettingError(key, f"{x.tolist()} is outside the domain, which is {box}")
    return x
