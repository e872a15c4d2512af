"""When something is to be done again during a run: every so many steps, so much simulated time, so many minutes.

None of these changes the run: the device program comes back between two regrids, and that is when it is looked whether
something is due. Only output times that have to be met exactly shorten steps (see `Simulation.run`).
"""

import abc
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from amr.errors import InvalidSettingError

T = TypeVar("T")


@dataclass(frozen=True)
class RunMoment:
    """Where a run is: number of steps, simulated time, seconds since the program started."""

    step: int
    time: float
    seconds: float


class Rule(abc.ABC):
    """Says when something is due."""

    @abc.abstractmethod
    def due(self, last: RunMoment, now: RunMoment) -> bool:
        """Whether it is time, when it was done last at `last`."""

    def steps_left(self, now: RunMoment) -> float | int:
        """How many steps may be taken before looking again."""
        return math.inf


def _expect(key: str, value, what: str, right: bool) -> None:
    if not right:
        raise InvalidSettingError(key, f"expected {what}, got {value!r}")


def _is_positive(value) -> bool:
    return isinstance(value, float | int) and math.isfinite(value) and value > 0


@dataclass(frozen=True)
class EverySteps(Rule):
    """At the first regrid after every `number` steps."""

    number: Any

    def __post_init__(self):
        whole = isinstance(self.number, int) and not isinstance(self.number, bool)
        _expect("every_steps", self.number, "a whole number, 1 or more", whole and self.number >= 1)

    def due(self, last, now):
        return now.step // self.number > last.step // self.number

    def steps_left(self, now):
        return self.number - now.step % self.number


@dataclass(frozen=True)
class EveryTime(Rule):
    """Soon after every multiple of a span of simulated time."""

    span: Any

    def __post_init__(self):
        _expect("every", self.span, "a finite time above 0", _is_positive(self.span))

    def due(self, last, now):
        # Times of float32 may lie below the multiple that they are meant to be.
        return math.floor(now.time / self.span * (1 + 1e-6)) > math.floor(last.time / self.span * (1 + 1e-6))


@dataclass(frozen=True)
class EveryMinutes(Rule):
    """When so many minutes have passed on the clock on the wall."""

    minutes: Any

    def __post_init__(self):
        _expect("every_minutes", self.minutes, "a finite number of minutes above 0", _is_positive(self.minutes))

    def due(self, last, now):
        return now.seconds - last.seconds >= 60 * self.minutes


@dataclass(frozen=True)
class RunLimits:
    """When a run ends before its time: at the first regrid after so many steps of its life, or minutes on the clock."""

    max_steps: Any = None
    max_minutes: Any = None

    def __post_init__(self):
        steps = self.max_steps
        whole = steps is None or (isinstance(steps, int) and not isinstance(steps, bool) and steps >= 1)
        _expect("max_steps", steps, "a whole number, 1 or more", whole)
        right = self.max_minutes is None or _is_positive(self.max_minutes)
        _expect("max_minutes", self.max_minutes, "a finite number of minutes above 0", right)

    def reached(self, now: RunMoment) -> str:
        """The limit that a run has reached, in words; empty if none."""
        if self.max_steps is not None and now.step >= self.max_steps:
            return f"max_steps = {self.max_steps}"
        late = self.max_minutes is not None and now.seconds >= 60 * self.max_minutes
        return f"max_minutes = {self.max_minutes:g}" if late else ""

    def steps_left(self, now: RunMoment) -> float | int:
        """How many steps may be taken before looking again."""
        return math.inf if self.max_steps is None else self.max_steps - now.step


@dataclass
class Series:
    """Something that is done again and again: `do(what)` whenever a rule says so, at most once in a step."""

    do: Callable
    rules: Sequence[Rule]
    last: RunMoment = field(default=RunMoment(0, 0.0, 0.0))

    def start(self, now: RunMoment) -> None:
        """Begin to count from here."""
        self.last = now

    def perform(self, what: T, now: RunMoment) -> None:
        """Do it, due or not."""
        self.do(what)
        self.last = now

    def attend(self, what: Callable[[], T], now: RunMoment) -> None:
        """Do it if it is due."""
        if now.step > self.last.step and any(rule.due(self.last, now) for rule in self.rules):
            self.perform(what(), now)

    def steps_left(self, now: RunMoment) -> float | int:
        """How many steps may be taken before looking again."""
        return min((rule.steps_left(now) for rule in self.rules), default=math.inf)
