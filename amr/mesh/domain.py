"""The physical box."""

import math
from dataclasses import dataclass

import numpy as np

from amr.errors import InvalidSettingError
from amr.show import Call, text


@dataclass(frozen=True, init=False, repr=False)
class Domain:
    """A box `[lower, upper]` in 1, 2 or 3 dimensions, which may wrap around. What happens at faces that do not is said
    with the problem: `solvers.Simulation(mesh, equation, boundary=..)`.

    **Arguments:**

    - `lower`, `upper`: corners, one number a dimension (a plain number in 1D), in the problem's unit of length.
    - `periodic`: whether what leaves through a face enters through the opposite one: a flag, or one a dimension.

    Raises `InvalidSettingError` for an empty, non-finite or four-dimensional box.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    periodic: tuple[bool, ...]

    def __init__(self, lower, upper, *, periodic=True, boundary=None):
        if boundary is not None:
            advice = (
                "give it to solvers.Simulation(mesh, equation, boundary=..), with amr.Domain(.., periodic=False) here"
            )
            raise InvalidSettingError("boundary", f"belongs to the problem, not to the domain; {advice}")
        object.__setattr__(self, "lower", _point("lower", lower))
        object.__setattr__(self, "upper", _point("upper", upper))
        _check_box(self.lower, self.upper)
        object.__setattr__(self, "periodic", _flags(periodic, self.ndim))

    def __repr__(self) -> str:
        return text(self)

    def _shown(self) -> Call:
        periodic = self.periodic[0] if len(set(self.periodic)) == 1 else self.periodic
        return Call("Domain", (("lower", self.lower), ("upper", self.upper), ("periodic", periodic)))

    @property
    def ndim(self) -> int:
        return len(self.lower)

    @property
    def lengths(self) -> tuple[float, ...]:
        return tuple(high - low for low, high in zip(self.lower, self.upper, strict=True))

    @property
    def volume(self) -> float:
        return math.prod(self.lengths)


def _point(key: str, value) -> tuple[float, ...]:
    try:
        return tuple(float(v) for v in np.atleast_1d(value))
    except (TypeError, ValueError) as error:
        raise InvalidSettingError(key, f"expected numbers for a corner of the box, got {value!r}") from error


def _flags(periodic, ndim: int) -> tuple[bool, ...]:
    flags = np.broadcast_to(periodic, (ndim,)) if np.ndim(periodic) == 0 else np.asarray(periodic)
    if flags.dtype.kind not in "bi":
        raise InvalidSettingError("periodic", f"expected True or False, got {periodic!r}")
    if flags.shape != (ndim,):
        raise InvalidSettingError("periodic", f"expected one flag for each of {ndim} dimensions, got {periodic}")
    return tuple(map(bool, flags))


def _check_box(lower: tuple[float, ...], upper: tuple[float, ...]) -> None:
    if len(lower) != len(upper):
        raise InvalidSettingError("upper", f"has {len(upper)} numbers where lower has {len(lower)}; give as many")
    if not 1 <= len(lower) <= 3:
        raise InvalidSettingError("lower", f"expected 1, 2 or 3 dimensions, got {len(lower)}")
    if not all(map(math.isfinite, lower + upper)):
        raise InvalidSettingError("lower", f"expected finite numbers, got {lower} and {upper}")
    for d, (low, high) in enumerate(zip(lower, upper, strict=True)):
        if not low < high:
            message = f"must be greater than lower in every dimension; number {d}: {low} and {high}"
            raise InvalidSettingError("upper", message)
