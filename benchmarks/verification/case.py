"""What a case is: a problem that is run, and its numbers beside those that others published."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from matplotlib.figure import Figure

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Mark:
    """What numbers have to reach: at most (or at least) so much, one limit each or one for the last of them."""

    limits: Numbers
    least: bool = False

    def reached(self, numbers: Numbers) -> bool:
        """Whether they do; NaN never does."""
        pairs = zip(numbers[-len(self.limits) :], self.limits, strict=True)
        return all(number >= limit if self.least else number <= limit for number, limit in pairs)


def at_most(*limits: float) -> Mark:
    """An upper mark."""
    return Mark(limits)


def at_least(*limits: float) -> Mark:
    """A lower mark."""
    return Mark(limits, least=True)


@dataclass(frozen=True)
class Row:
    """Numbers of ours, and those of a published code beside them.

    **Attributes:**

    - `label`: what was run.
    - `ours`: one number or several, as the `columns` of the case say.
    - `published`, `code`: the numbers of others, and whose they are.
    - `mark`: what ours have to reach.
    """

    label: str
    ours: Numbers
    published: Numbers = ()
    code: str = ""
    mark: Mark | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the mark is reached; `None` without one."""
        return None if self.mark is None else self.mark.reached(self.ours)


@dataclass(frozen=True)
class Result:
    """What a case found. `pictures` has functions that draw, by the names of the files."""

    rows: list[Row]
    pictures: dict[str, Callable[[], Figure]] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A problem with numbers.

    **Attributes:**

    - `id`: as in the list of problems, or a name.
    - `title`, `run`: what it is, what is run.
    - `columns`: what the numbers of a row are.
    - `means`: what the numbers tell, in one line.
    - `quick`: it takes less than about 20 seconds.
    - `solve`: runs it.
    """

    id: str
    title: str
    run: str
    columns: str
    means: str
    quick: bool
    solve: Callable[[], Result]


def case(id: str, title: str, *, run: str, columns: str, means: str, quick: bool = False):
    """Makes a case of a function that gives a `Result`."""

    def made(solve: Callable[[], Result]) -> Case:
        return Case(id, title, run, columns, means, quick, solve)

    return made


def short(number: float) -> str:
    """Three digits, with an exponent only where it helps."""
    if number == 0 or not math.isfinite(number) or (float(number).is_integer() and abs(number) < 1e7):
        return f"{number:.0f}" if math.isfinite(number) else str(number)
    if 1e-2 <= abs(number) < 1e5:
        return f"{number:.3g}" if abs(number) < 1e3 else f"{number:.0f}"
    mantissa, exponent = f"{number:.2e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def joined(numbers: Numbers) -> str:
    """Several numbers in a cell of a table."""
    return " / ".join(map(short, numbers))
