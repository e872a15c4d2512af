"""What is known laid over what was computed: the exact solution beside a curve."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from amr.errors import InvalidSettingError
from amr.own import failure

POINTS = 2049  # of the curve of a function: with jumps as steep as they can be seen
TAKEN = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Curve:
    """Values, shape `(n,)`, at `points`, shape `(n, ndim)`."""

    points: np.ndarray
    values: np.ndarray

    def draw(self, ax: Axes, x: np.ndarray) -> None:
        """A thin line over the one that was drawn before, and a legend that tells which is which."""
        computed = next(part for part in ax.collections if isinstance(part, LineCollection))
        (line,) = ax.plot(x, self.values, color="black", linewidth=0.9, linestyle=(0, (5, 2)), label="exact")
        ax.legend([computed, line], ["computed", "exact"], fontsize="small", loc="best", framealpha=0.9)


@dataclass(frozen=True)
class Beside:
    """What is given besides the field for a picture of a curve: a title, and the exact solution, as `plot` takes it."""

    title: str | None = None
    exact: Any = None

    def curve(self, points: np.ndarray, ends: Any, time: float) -> Curve | None:
        """The exact solution between two ends, or where it is an array at the points that it belongs to.

        Raises `InvalidSettingError` for what gives no number at each point.
        """
        if self.exact is None:
            return None
        if not callable(self.exact):
            return Curve(points, checked(self.exact, len(points)))
        start, end = np.asarray(ends[0], float), np.asarray(ends[1], float)
        many = start + np.linspace(0, 1, POINTS)[:, None] * (end - start)
        return Curve(many, checked(called(self.exact, many, time), POINTS))


def called(exact: Callable, points: np.ndarray, time: float) -> Any:
    """What a function of the coordinates, and of the time where it asks for that, gives at points."""
    try:
        return exact(*points.T, *([time] if _asks_for_time(exact, points.shape[1]) else []))
    except Exception as error:
        raise InvalidSettingError("exact", f"the function {failure(error)}") from error


def _asks_for_time(exact: Callable, ndim: int) -> bool:
    """Whether a function needs one argument more than there are coordinates, or has one named `t`."""
    try:
        parameters = inspect.signature(exact).parameters.values()
    except (TypeError, ValueError):  # some of those written in C tell nothing of themselves
        return True
    needed = [p for p in parameters if p.kind in TAKEN and p.default is p.empty]
    several = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return several or len(needed) > ndim or any(p.name == "t" for p in parameters)


def checked(values: Any, count: int) -> np.ndarray:
    """A number a point, shape `(count,)`."""
    try:
        return np.broadcast_to(np.asarray(values, float), (count,))
    except (TypeError, ValueError):
        shape = np.shape(values) if not isinstance(values, str) else repr(values)
        message = f"expected one number for each of {count} points, or a function that gives one, got {shape}"
        raise InvalidSettingError("exact", message) from None


def no_curve(exact: Any) -> None:
    """Raises `InvalidSettingError` where an exact solution is given for a picture that is no curve."""
    if exact is not None:
        raise InvalidSettingError("exact", "is laid over curves; in 2D and 3D take a line, field.line(y=0.5).plot(..)")
