"""The functions of a config: expressions and `"module:function"`, read, tried on the root grid, and made callable."""

import enum
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amr.errors import InvalidSettingError
from amr.mesh import Mesh

from . import user_function
from .data import function_of, is_data
from .expression import Expression, ExpressionTuple, names_in, parse
from .mistakes import Mistakes
from .time_factor import TIME, separate
from .toml_text import KeyPath
from .trial import check_values, check_wraps, sample_points
from .user_function import UserFunctionError, is_reference
from .values import COORDINATES

STEADY = parse("1", (TIME,))


@dataclass(frozen=True)
class SplitFunction:
    """A function of position, times a factor in time; with the factor `None`, a function of position and time."""

    function: Callable
    factor: Callable | None

    @property
    def constants(self) -> tuple[float, ...] | None:
        """The components, if they are the same everywhere and always."""
        parts = self.function.components if isinstance(self.function, ExpressionTuple) else (self.function,)
        constants = tuple(getattr(part, "constant", None) for part in parts)
        return None if None in constants or self.factor != STEADY else constants  # type: ignore[return-value]


class Looks(enum.IntEnum):
    """What a function looks at: position, also the time behind it, also the variables in front of both."""

    SPACE = 1
    TIME = 2
    SOLUTION = 3


@dataclass(frozen=True)
class Coefficient:
    """A function `(x, ..)`, `(x, .., t)` or `(u, x, .., t)`, by what it `looks` at.

    **Attributes:** `constants`: those of its values that are the same everywhere and always, `None` for the others.
    """

    function: Callable
    looks: Looks
    constants: tuple[float | None, ...] = (None,)


@dataclass(frozen=True)
class OfSolution:
    """A formula in the names of variables, position and time as a function of (`u`, position, time)."""

    formula: Expression | ExpressionTuple
    count: int

    def __call__(self, u, *place):
        return self.formula(*(u[n] for n in range(self.count)), *place)


@dataclass
class Formulas:
    """Reads the formulas of one config.

    **Attributes:**

    - `parameters`: numbers that expressions may name.
    - `folder`: where the user's modules are looked for first.
    - `mistakes`: where errors go.
    - `ndim`, `mesh`: of the problem; `None` if they are not known because of a mistake, which makes checks less strict.
    - `times`: when functions of time are tried.
    - `modules`: files of the modules that were used.
    """

    parameters: Mapping[str, float]
    folder: Path
    mistakes: Mistakes
    ndim: int | None
    mesh: Mesh | None
    times: tuple[float, ...] = (0.0,)
    modules: list[Path] = field(default_factory=list)

    @property
    def space(self) -> tuple[str, ...]:
        return COORDINATES[: self.ndim]

    @property
    def spacetime(self) -> tuple[str, ...]:
        return (*self.space, TIME)

    def value(self, path: KeyPath, text: Any, in_time: bool, count: int = 1) -> Callable | None:
        """A function of position (and time) that gives one number, or `count` of them."""
        function = self.read(path, text, in_time)
        self._try(path, function, count, 0.5, in_time)
        return function

    def read(self, path: KeyPath, text: Any, in_time: bool) -> Callable | None:
        """A function of position (and time), not yet tried."""
        arguments = self.spacetime if in_time else self.space
        if is_data(text):
            return self._of_file(path, text.strip(), in_time)
        if is_reference(text):
            return self.mistakes.attempt(path, self.user_function, text, arguments)
        return self.mistakes.attempt(path, parse, str(text), arguments, self.parameters)

    def _of_file(self, path: KeyPath, text: str, in_time: bool) -> Callable | None:
        """An array on the domain as a function of position."""
        if in_time:
            self.mistakes.add(path, f"found {text!r}, expected a formula: it may depend on time, a file does not")
            return None
        file = self.folder / text
        if self.mesh is None:
            return None
        try:
            found = function_of(file, self.folder, self.mesh)
        except InvalidSettingError as error:
            self.mistakes.add(path, error.message)
            return None
        self.modules += [] if file in self.modules else [file]
        return found

    def flow(self, path: KeyPath, given: Any, count: int | None, shift: float) -> SplitFunction | None:
        """A function of position and time that gives `count` numbers.

        `shift` says where in a cell the function will be needed: 0.5 in its centre, 0 in its corners.
        """
        if is_reference(given):
            return self._user_flow(path, given, count, shift)
        several = _several(given)
        if count is not None and (length := len(given) if several else 1) != count:
            self.mistakes.add(path, f"found {length} components, expected {count}")
            return None
        known = self._components(path, given, self.spacetime)
        if known is None:
            return None
        self._try_flow(path, ExpressionTuple(known), len(known), shift, True)
        spaces, factor = separate(known) or (known, None)
        return SplitFunction(ExpressionTuple(tuple(spaces)) if several else spaces[0], factor)

    def _components(self, path: KeyPath, given: Any, arguments: tuple[str, ...]) -> tuple[Expression, ...] | None:
        """Several numbers, or one; a user's function gives them all."""
        found, entries = [], [(path, given)]
        if _several(given):
            parts = given.items() if isinstance(given, Mapping) else enumerate(given)
            entries = [((*path, key), part) for key, part in parts]
        for place, text in entries:
            if is_reference(text):
                self.mistakes.add(place, f"found {text!r}; name one function for all components, outside of a list")
            else:
                found.append(self.mistakes.attempt(place, parse, str(text), arguments, self.parameters))
        known = tuple(part for part in found if part is not None)
        return None if self.mistakes.blame(path) else known

    def coefficient(
        self, path: KeyPath, given: Any, names: tuple[str, ...], least: Looks = Looks.SPACE
    ) -> Coefficient | None:
        """A function of the variables, of position and of time, not yet tried: one number, or a tuple from a list.

        It looks at no more than it needs and, other than a number, at `least` at that. Entries of a table are a list
        whose places are the keys.
        """
        if is_reference(given):
            return self._user_coefficient(path, given, least)
        arguments = (*names, *self.spacetime)
        known = self._components(path, given, arguments)
        if known is None:
            return None
        used = set().union(*(names_in(part.tree) for part in known))
        looks = max(least, Looks.SOLUTION if used & set(names) else Looks.TIME if TIME in used else Looks.SPACE)
        arguments = (self.space, self.spacetime, arguments)[looks - 1]
        fitted = tuple(Expression(part.tree, arguments, part.text) for part in known)
        formula = ExpressionTuple(fitted) if _several(given) else fitted[0]
        function = OfSolution(formula, len(names)) if looks == Looks.SOLUTION else formula
        return Coefficient(function, looks, tuple(part.constant for part in fitted))

    def _user_coefficient(self, path: KeyPath, reference: str, least: Looks) -> Coefficient | None:
        calls = {Looks.SOLUTION: ("u", *self.spacetime), Looks.TIME: self.spacetime, Looks.SPACE: self.space}
        calls = {looks: call for looks, call in calls.items() if looks >= least}
        function = self.mistakes.attempt(path, self.user_function, reference, *calls.values())
        if function is None:
            return None
        looks = next(looks for looks, call in calls.items() if user_function.takes(function, len(call)))
        return Coefficient(function, looks)

    def user_object(self, reference: str, fits: Callable[[Any], bool], kind: str) -> Any:
        """What a user's module has; its file is noted, and those of modules beside it that it has imported."""
        found = user_function.find(reference, self.folder, fits, kind)
        files = user_function.files_of(reference.strip().split(":")[0], self.folder)
        self.modules += [file for file in files if file not in self.modules]
        return found

    def user_function(self, reference: str, *calls: tuple[str, ...]) -> Callable:
        """The function of that name, which must take the arguments of one of `calls`."""
        function = self.user_object(reference, callable, "function")
        if not any(user_function.takes(function, len(call)) for call in calls):
            name, call = getattr(function, "__name__", str(function)), ", ".join(calls[0])
            raise UserFunctionError(f"{name}{inspect.signature(function)} cannot be called as {name}({call})")
        return function

    def _user_flow(self, path: KeyPath, reference: str, count: int | None, shift: float) -> SplitFunction | None:
        function = self.mistakes.attempt(path, self.user_function, reference, self.spacetime, self.space)
        if function is None:
            return None
        steady = not user_function.takes(function, len(self.spacetime))
        self._try_flow(path, function, count, shift, not steady)
        return SplitFunction(function, STEADY if steady else None)

    def _try(self, path: KeyPath, function: Callable | None, count: int | None, shift: float, in_time: bool) -> bool:
        """Whether it was tried, with success."""
        if function is None or count is None or self.mesh is None:
            return False
        points = sample_points(self.mesh, shift)
        for times in [(time,) for time in self.times] if in_time else [()]:
            if not self.mistakes.blame(path):  # the same again at the next time would not help
                self.mistakes.attempt(path, check_values, function, points, count, *times)
        return not self.mistakes.blame(path)

    def _try_flow(self, path: KeyPath, function: Callable, count: int | None, shift: float, in_time: bool) -> None:
        if self._try(path, function, count, shift, in_time) and path[-1] in ("velocity", "stream_function"):
            # Not at the start: flows may begin at rest.
            times = (0.37 * self.times[-1],) if in_time else ()
            self.mistakes.attempt(path, check_wraps, function, self.mesh, path[-1] == "stream_function", *times)


def _several(given: Any) -> bool:
    return isinstance(given, tuple | list | Mapping)
