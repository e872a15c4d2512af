"""The physical box and what happens at its faces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .boundary import Boundary, Outflow, Periodic
from .errors import InvalidSettingError
from .show import Call, text

BoundaryPair = tuple[Boundary, Boundary]


def boundary_pairs(boundary: Boundary | Sequence, ndim: int) -> tuple[BoundaryPair, ...]:
    """One boundary for all faces, or one entry a dimension (a boundary or a (lower, upper) pair), as pairs."""
    if isinstance(boundary, str) or not isinstance(boundary, Boundary | Sequence):
        expected = "amr.Periodic(), amr.Outflow() or a list with one for each dimension"
        raise InvalidSettingError("boundary", f"expected {expected}, got {boundary!r}")
    entries = [boundary] * ndim if isinstance(boundary, Boundary) else list(boundary)
    if len(entries) != ndim:
        raise InvalidSettingError("boundary", f"expected one entry for each of {ndim} dimensions, got {len(entries)}")
    pairs = [tuple(e) if isinstance(e, Sequence) and not isinstance(e, str) else (e, e) for e in entries]
    for d, pair in enumerate(pairs):
        if len(pair) != 2 or not all(isinstance(face, Boundary) for face in pair):
            raise InvalidSettingError(
                "boundary", f"expected a boundary such as Outflow() or a pair of them, got {pair!r}"
            )
        if isinstance(pair[0], Periodic) != isinstance(pair[1], Periodic):
            found = f"one of the faces across {'xyz'[d]} is periodic and the one opposite to it is not"
            raise InvalidSettingError("boundary", f"{found}; expected both or neither")
    return tuple(pairs)


@dataclass(frozen=True, init=False, repr=False)
class Domain:
    """A box `[lower, upper]` in 1, 2 or 3 dimensions with a boundary condition on each face.

    **Arguments:**

    - `lower`, `upper`: corners, one number a dimension (a plain number in 1D), in the problem's unit of length.
    - `periodic`: shorthand for boundaries: `True` for all periodic, `False` for all outflow, or one flag a dimension.
    - `boundary`: instead of `periodic`: a `Boundary` for all faces, or for each dimension one or a (lower, upper) pair.

    Raises `InvalidSettingError` for an empty, non-finite or four-dimensional box.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    boundaries: tuple[BoundaryPair, ...]

    def __init__(self, lower, upper, *, periodic: bool | Sequence[bool] | None = None, boundary=None):
        lower, upper = _point("lower", lower), _point("upper", upper)
        _check_box(lower, upper)
        if periodic is not None and boundary is not None:
            raise InvalidSettingError("boundary", "give either periodic or boundary, not both")
        if boundary is None:
            boundary = _from_flags(True if periodic is None else periodic, len(lower))
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)
        object.__setattr__(self, "boundaries", boundary_pairs(boundary, len(lower)))

    def __repr__(self) -> str:
        return text(self)

    def _shown(self) -> Call:
        box = (("lower", self.lower), ("upper", self.upper))
        if all(self.periodic):
            return Call("Domain", (*box, ("periodic", True)))
        pairs = [low if low == high else (low, high) for low, high in self.boundaries]
        one = all(pair == pairs[0] and isinstance(pair, Boundary) for pair in pairs)
        return Call("Domain", (*box, ("boundary", pairs[0] if one else pairs)))

    @property
    def ndim(self) -> int:
        return len(self.lower)

    @property
    def lengths(self) -> tuple[float, ...]:
        return tuple(high - low for low, high in zip(self.lower, self.upper, strict=True))

    @property
    def volume(self) -> float:
        return math.prod(self.lengths)

    @property
    def periodic(self) -> tuple[bool, ...]:
        """For each dimension, whether it wraps around."""
        return tuple(isinstance(pair[0], Periodic) for pair in self.boundaries)

    @property
    def plain(self) -> bool:
        """Whether all ghost values are copies of cells in the domain."""
        return all(isinstance(face, Periodic | Outflow) for pair in self.boundaries for face in pair)


def _point(key: str, value) -> tuple[float, ...]:
    try:
        return tuple(float(v) for v in np.atleast_1d(value))
    except (TypeError, ValueError) as error:
        raise InvalidSettingError(key, f"expected numbers for a corner of the box, got {value!r}") from error


def _from_flags(periodic, ndim: int) -> list[Boundary]:
    flags = np.broadcast_to(periodic, (ndim,)) if np.ndim(periodic) == 0 else np.asarray(periodic)
    if flags.dtype.kind not in "bi":
        raise InvalidSettingError("periodic", f"expected True or False, got {periodic!r}; see also boundary")
    if flags.shape != (ndim,):
        raise InvalidSettingError("periodic", f"expected one flag for each of {ndim} dimensions, got {periodic}")
    return [Periodic() if flag else Outflow() for flag in flags]


def _check_box(lower: tuple[float, ...], upper: tuple[float, ...]) -> None:
    if len(lower) != len(upper):
        raise InvalidSettingError("upper", f"has {len(upper)} numbers where lower has {len(lower)}; give as many")
    if not 1 <= len(lower) <= 3:
        raise InvalidSettingError("lower", f"expected 1, 2 or 3 dimensions, got {len(lower)}")
    if not all(map(math.isfinite, lower + upper)):
        raise InvalidSettingError("lower", f"expected finite numbers, got {lower} and {upper}")
    for d, (low, high) in enumerate(zip(lower, upper, strict=True)):
        if not low < high:
            raise InvalidSettingError(
                "upper", f"must be greater than lower in every dimension; number {d}: {low} and {high}"
            )
