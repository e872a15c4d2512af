"""Finding a variable by its name, with advice where there is none of that name; places by the names of axes."""

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np

from amr.errors import InvalidSettingError

AXES = "xyz"


def told_place(place: Sequence[float], times: Sequence[float] = ()) -> str:
    """A point (and a time) in words."""
    where = [f"{name} = {value:.6g}" for name, value in zip(AXES, place, strict=False)]
    return ", ".join([*where, *(f"t = {time:.6g}" for time in times)])


def find_variable(names: tuple[str, ...], name: Any, count: int | None = None) -> int:
    """The number of a variable, given by its name or its number. Raises `InvalidSettingError` where there is none.

    `count`: how many variables there are, where their names may not be known.
    """
    count = len(names) if count is None else count
    if isinstance(name, int | np.integer) and not 0 <= name < count:
        raise InvalidSettingError("variable", f"no variable {name} here; there are {count}")
    if isinstance(name, int | np.integer):
        return int(name)
    if name not in names:
        known = f"no variable {name!r} here; there are {', '.join(names) or f'{count}, without names'}"
        raise InvalidSettingError("variable", known + did_you_mean(str(name), names))
    return names.index(name)


def find_axis(axis: Any, ndim: int = 3) -> int:
    """The number of a dimension, given as 0, 1, 2 or "x", "y", "z". Raises `InvalidSettingError` for others."""
    number = AXES.find(axis) if isinstance(axis, str) and len(axis) == 1 else axis
    if number not in range(ndim):
        numbers, letters = ", ".join(map(str, range(ndim))), ", ".join(map(repr, AXES[:ndim]))
        raise InvalidSettingError("axis", f"expected {numbers} or {letters}, got {axis!r}")
    return int(number)


def did_you_mean(name: str, known) -> str:
    """Advice to end a message with: the closest of the known names, or nothing if none is close."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else ""
