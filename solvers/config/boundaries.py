"""From what a config says about the faces of the domain to boundaries.

A boundary is a name or a table, which may hold further boundaries. Its formulas are tried where and when they will be
needed: at the ghost cells of the root grid beyond its face, at the start and at the end.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import amr
from amr.grid import Variables, try_boundary
from solvers.equations import ConservationLaw, NoSlip, with_coefficients

from .boundary_tables import EXAMPLES, KEYS, NAMES, OPTIONAL, OWN
from .formulas import Formulas
from .law_checks import not_admissible
from .mistakes import Mistakes
from .own_object import own_object
from .toml_text import KeyPath, alternatives, show
from .trial import GhostPoints, beyond_face, check_values, values_at, with_first
from .user_function import UserFunctionError, is_reference
from .values import formula, plain

PLAIN: dict[str, amr.Boundary] = {
    "periodic": amr.Periodic(),
    "outflow": amr.Outflow(),
    "wall": amr.Wall(),
    "symmetry": amr.Wall(),
}
PATH: KeyPath = ("domain", "boundary")
Face = tuple[KeyPath, Any]  # where a boundary stands, and what stands there
Faces = tuple[tuple[Face, Face], ...]


def faces_of(given: Any, ndim: int) -> Faces:
    """What is said about the lower and the upper face across each dimension; raises `InvalidSettingError`."""
    entries = given if isinstance(given, list | tuple) else [given] * ndim
    if len(entries) != ndim:
        message = f"expected one entry for each of {ndim} dimensions, got {len(entries)}"
        raise amr.InvalidSettingError("boundary", message)
    found: list[tuple[Face, Face]] = []
    for n, entry in enumerate(entries):
        path = (*PATH, n) if isinstance(given, list | tuple) else PATH
        several = isinstance(entry, list | tuple)
        if several and len(entry) != 2:
            expected = "expected one boundary or a pair [lower, upper] for each dimension"
            raise amr.InvalidSettingError("boundary", f"found {show(entry)}, {expected}")
        both = (((*path, 0), entry[0]), ((*path, 1), entry[1])) if several else ((path, entry), (path, entry))
        found.append(both)
    return tuple(found)


def periodic_in(faces: Faces) -> list[bool]:
    """Which dimensions wrap around, which is all of the faces that the domain depends on; raises
    `InvalidSettingError`."""
    flags = [[_kind(face) == "periodic" for _, face in pair] for pair in faces]
    for axis, (low, high) in zip("xyz", flags, strict=False):
        if low != high:
            found = f"one of the faces across {axis} is periodic and the one opposite to it is not"
            raise amr.InvalidSettingError("boundary", f"{found}; expected both or neither")
    return [low for low, _ in flags]


def _kind(given: Any) -> Any:
    return given.get("type") if isinstance(given, Mapping) else given


@dataclass
class BoundaryReader:
    """Reads the boundaries of one config.

    **Attributes:** `law`: where there is one; `names`, of the variables in which values are given (`None`: not known
    because of a mistake); `initial`: the initial values; `ghost`: layers of ghost cells; `diffuses`: whether
    anything does.
    """

    formulas: Formulas
    law: ConservationLaw | None
    names: tuple[str, ...] | None
    initial: Callable | None
    ghost: int = 2
    diffuses: bool = False

    @property
    def mistakes(self) -> Mistakes:
        """Where errors go."""
        return self.formulas.mistakes

    def pairs(self, faces: Faces) -> list[tuple[amr.Boundary, amr.Boundary]] | None:
        """The boundaries of all faces, if nothing is wrong with any."""
        found: list[amr.Boundary | None] = []
        for d, pair in enumerate(faces):
            for end, (path, given) in enumerate(pair):
                if not self.mistakes.blame(path):  # else the same mistake on another face
                    found.append(self.boundary(path, given, self.names, self._beyond(faces, d, end)))
        whole = [boundary for boundary in found if boundary is not None]
        blamed = any(self.mistakes.blame(path) for pair in faces for path, _ in pair)
        return None if blamed or len(whole) < 2 * len(faces) else list(zip(whole[::2], whole[1::2], strict=True))

    def _beyond(self, faces: Faces, d: int, end: int) -> list[GhostPoints]:
        """Where and when the boundary is needed; nothing if the grid is not known.

        Faces are filled one dimension after the other, with the ghost cells of those before.
        """
        mesh = self.formulas.mesh
        if mesh is None:
            return []
        copied = [[_kind(face) in ("periodic", "outflow") for _, face in pair] for pair in faces]
        corners = [(k < d or low, k < d or high) for k, (low, high) in enumerate(copied)]
        return [beyond_face(mesh, d, end, self.ghost, corners, time) for time in self.formulas.times]

    # --- kinds --------------------------------------------------------------------------------------------------------

    def boundary(
        self,
        path: KeyPath,
        given: Any,
        names: tuple[str, ...] | None,
        beyond: Sequence[GhostPoints],
        part: bool = False,
    ) -> amr.Boundary | None:
        """One boundary; `part` of a face or for some variables only, if it stands inside of another one."""
        kind = self._known_kind(path, given)
        if kind in PLAIN:
            if kind == "periodic" and part:
                self.mistakes.add(path, "a part of a face cannot be periodic")
            return PLAIN[kind]
        kinds = {
            "split": self._split,
            "by_variable": self._by_variable,
            "function": self._function,
            "no_slip": self._no_slip,
            "robin": self._robin,
            OWN: self._own,
        }
        return None if kind is None else kinds.get(kind, self._of_value)(path, given, names, beyond)

    def _known_kind(self, path: KeyPath, given: Any) -> str | None:
        """Which kind it is, if that has the keys it should."""
        table = isinstance(given, Mapping)
        if not table and not isinstance(given, str):
            self.mistakes.add(path, f'found {show(given)}, expected a name such as "outflow" or a table with a type')
            return None
        kind = given.get("type") if table else given
        kind = OWN if is_reference(kind) else kind
        if not isinstance(kind, str) or kind not in KEYS:
            found = "missing" if kind is None else f"found {show(kind)}"
            place = (*path, "type") if table else path
            self.mistakes.add(place, f"{found}, expected {alternatives(list(KEYS), kind)}")
            return None
        if not table and kind in NAMES:
            return kind
        example = f'{{type = "{kind}", {EXAMPLES.get(kind)}}}'
        if not table:
            self.mistakes.add(path, f"{show(kind)} needs a table: {example}")
            return None
        missing = [key for key in KEYS[kind] if key not in given and (kind, key) not in OPTIONAL]
        for key in missing:
            self.mistakes.add((*path, key), f"missing, expected it as in {example}")
        for key in given.keys() - {"type", *KEYS[kind]} if kind != "by_variable" else ():
            hint = f"expected {alternatives(KEYS[kind], key)}" if KEYS[kind] else "it has none"
            self.mistakes.add((*path, key), f"unknown key of {show(kind)}; {hint}")
        return None if missing else kind

    def _own(self, path, given, names, beyond) -> amr.Boundary | None:
        place = path if isinstance(given, str) else (*path, "type")
        table: Mapping[str, Any] = {"type": given} if isinstance(given, str) else given
        arguments = table.get("arguments", {})
        if not isinstance(arguments, Mapping):
            self.mistakes.add((*path, "arguments"), f"found {show(arguments)}, expected a table, such as {{red = 0.4}}")
        elif all(self._is((*path, "arguments", name), plain, value) for name, value in arguments.items()):
            own = own_object(place, table["type"], amr.Boundary, self.formulas, arguments)
            if getattr(own, "periodic", False):
                self.mistakes.add(place, f'{type(own).__name__} is periodic, expected "periodic" for that')
            vectors = self.law.vectors if self.law is not None and names == self.law.given else ()
            self.mistakes.attempt(place, _try_own, own, names, vectors, self.formulas.ndim)
            return own
        return None

    def _split(self, path, given, names, beyond) -> amr.Boundary | None:
        where = self._formula((*path, "where"), given["where"])
        tried = beyond if self._holds((*path, "where"), where, 1, beyond) else []

        def part(key: str, chosen: bool) -> amr.Boundary | None:
            there = [_part(cells, where, chosen) for cells in tried]
            return self.boundary((*path, key), given[key], names, there, part=True)

        return self.mistakes.attempt(path, amr.Split, where, part("inside", True), part("outside", False))

    def _by_variable(self, path, given, names, beyond) -> amr.Boundary | None:
        found: dict[str, amr.Boundary] = {}
        for name in given.keys() - {"type", "rest"}:
            if names is not None and name not in names:
                expected = alternatives([*names, "rest"], name)
                self.mistakes.add((*path, name), f"no such variable here; expected {expected}")
                continue
            boundary = self.boundary((*path, name), given[name], (name,), beyond, part=True)
            found |= {} if boundary is None else {name: boundary}
        rest = self.boundary((*path, "rest"), given.get("rest", "outflow"), names, beyond, part=True)
        return None if rest is None else amr.ByVariable(found, rest)

    def _of_value(self, path, given, names, beyond) -> amr.Boundary | None:
        key, make = ("slope", amr.Neumann) if given["type"] == "neumann" else ("value", amr.Dirichlet)
        value = self._values((*path, key), given[key], names, beyond)
        if value is not None and key == "value":
            self._check_states((*path, key), given[key], value, names, beyond)
        return None if value is None else make(value)

    def _robin(self, path, given, names, beyond) -> amr.Boundary | None:
        a, b = (self._number((*path, key), given[key]) for key in ("a", "b"))
        value = (0.0,) * len(names or ("",))
        if "value" in given:
            value = self._values((*path, "value"), given["value"], names, beyond)
        return self.mistakes.attempt(path, amr.Robin, a, b, value)

    def _no_slip(self, path, given, names, beyond) -> amr.Boundary | None:
        known = given if isinstance(given, Mapping) else {}
        velocity, temperature = known.get("velocity"), known.get("temperature")
        ndim = self.formulas.ndim
        if velocity is not None:
            several = velocity if isinstance(velocity, list | tuple) else [velocity]
            if ndim is not None and len(several) != ndim:
                expected = f"one for each of {ndim} dimensions"
                self.mistakes.add((*path, "velocity"), f"found {len(several)} components, expected {expected}")
            velocity = [self._number((*path, "velocity"), part) for part in several]
        if temperature is not None:
            temperature = self._number((*path, "temperature"), temperature)
        if self.mistakes.blame(path):
            return None
        return self.mistakes.attempt(path, lambda: NoSlip(velocity, temperature))

    def _number(self, path: KeyPath, given: Any) -> float | None:
        """A constant, which may be an expression in the parameters."""
        found = self._formula(path, given)
        constant = getattr(found, "constant", None)
        if found is not None and (constant is None or not math.isfinite(constant)):
            self.mistakes.add(path, f"found {show(given)}, expected a finite number")
            return None
        return constant

    def _function(self, path, given, names, beyond) -> amr.Boundary | None:
        if self.diffuses:
            others = "a value or a slope, such as dirichlet, neumann or robin"
            self.mistakes.add(path, f"ghost values say nothing about the flux of diffusion; give {others}")
            return None
        path, reference = (*path, "name"), given["name"]
        if not is_reference(reference):
            self.mistakes.add(path, f"found {show(reference)}, expected 'module:function'")
            return None
        call = ("mirrored", *self.formulas.spacetime)
        function = self.mistakes.attempt(path, self.formulas.user_function, reference, call)
        if function is None or names is None or self.names is None or self.initial is None:
            return None if function is None else amr.GhostFunction(function)
        for cells in (cells for cells in map(self._without_corners, beyond) if len(cells.points[0])):
            known = dict(zip(self.names, values_at(self.initial, cells.mirrored, ()), strict=True))
            rows = [np.broadcast_to(np.asarray(known[name], float), cells.points[0].shape) for name in names]
            self._holds(path, with_first(function, np.stack(rows)), len(names), [cells])
        return amr.GhostFunction(function)

    # --- values -------------------------------------------------------------------------------------------------------

    def _values(self, path: KeyPath, given: Any, names: tuple[str, ...] | None, beyond: Sequence[GhostPoints]) -> Any:
        """A number, a function, or a tuple with one of these for each variable."""
        if isinstance(given, Mapping):
            return self._table_of_values(path, given, names, beyond)
        count = 1 if names is None else len(names)
        if count > 1 and names is not None and not is_reference(given):
            expected = f"a table with {' and '.join(names)}, or 'module:function'"
            self.mistakes.add(path, f"found {show(given)}, expected {expected}")
            return None
        return self._value(path, given, count, beyond)

    def _table_of_values(self, path, given, names, beyond) -> Any:
        found = {key: self._value((*path, key), text, 1, beyond) for key, text in given.items()}
        if names is None:
            return None
        one = "a number, an expression or 'module:function'"
        self.mistakes.compare(path, given, names, "variable here", one)
        values = tuple(found.get(name) for name in names)
        return None if None in values else values

    def _value(self, path: KeyPath, given: Any, count: int, beyond: Sequence[GhostPoints]) -> Any:
        """A number where it is one, else a function."""
        function = self._formula(path, given)
        if function is None:
            return None
        constant = getattr(function, "constant", None)
        if constant is not None and not math.isfinite(constant):
            self.mistakes.add(path, f"found {show(given)}, which is {constant}, expected a finite number")
            return None
        self._holds(path, function, count, beyond)
        return function if constant is None else constant

    def _formula(self, path: KeyPath, given: Any) -> Callable | None:
        return self.formulas.read(path, given, in_time=True) if self._is(path, formula, given) else None

    def _is(self, path: KeyPath, check: Callable[[Any], Any], given: Any) -> bool:
        try:
            check(given)
        except ValueError as error:
            self.mistakes.add(path, str(error))
            return False
        return True

    def _holds(self, path: KeyPath, function: Callable | None, count: int, beyond: Sequence[GhostPoints]) -> bool:
        """Whether a function gives so many finite numbers wherever it is needed."""
        for cells in (cells for cells in beyond if len(cells.points[0])):
            if not self.mistakes.blame(path):
                self.mistakes.attempt(path, check_values, function, cells.points, count, cells.time)
        return function is not None and not self.mistakes.blame(path)

    def _check_states(self, path: KeyPath, given: Any, value: Any, names, beyond: Sequence[GhostPoints]) -> None:
        """The values must make sense to the law, if they are all of its variables."""
        if self.law is None or names != self.law.given or self.mistakes.blame(path):
            return
        for cells in (cells for cells in beyond if len(cells.points[0])):
            parts = value if isinstance(value, tuple) else (value,)
            found = [values_at(p, cells.points, (cells.time,)) if callable(p) else (p,) for p in parts]
            # On the faces, where the coefficients of a law are taken.
            moved = tuple(np.clip(x, *sides) for x, sides in zip(cells.points, self._sides(), strict=True))
            rows = with_coefficients(self.law, [row for part in found for row in part], moved)
            name, message = not_admissible(self.law, rows, *cells.points, cells.time)
            if message:
                self.mistakes.add((*path, name) if name and isinstance(given, Mapping) else path, message)
                return

    def _without_corners(self, cells: GhostPoints) -> GhostPoints:
        """Only the points beyond this face alone."""
        pairs = zip(cells.mirrored, self._sides(), strict=True)
        return cells.where(np.all([(low < x) & (x < high) for x, (low, high) in pairs], axis=0))

    def _sides(self) -> list[tuple[float, float]]:
        mesh = self.formulas.mesh
        assert mesh is not None, "there are points"
        return list(zip(mesh.domain.lower, mesh.domain.upper, strict=True))


def _part(cells: GhostPoints, where: Callable | None, chosen: bool) -> GhostPoints:
    assert where is not None, "there are points"
    found = np.asarray(values_at(where, cells.points, (cells.time,))[0], float) != 0
    return cells.where(np.broadcast_to(found, cells.points[0].shape) == chosen)


def _try_own(own: amr.Boundary, names: tuple[str, ...], vectors: tuple, ndim: int) -> None:
    """Raise an error unless a boundary of the user's own gives ghost values, and what it says of slopes."""
    try:
        for d in range(ndim):
            try_boundary(own, Variables(names, vectors), ndim, d)
    except amr.InvalidSettingError as error:
        raise UserFunctionError(error.message) from error
