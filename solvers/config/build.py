"""From the tables of a config to the objects of a run.

Every object is made from the tables it needs by one method here, or by a module `build_...`. A mistake leaves its
object out, and whatever needs that one; all the rest is still made and checked, so that a person sees every mistake
at once.
"""

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax

import amr
from amr.errors import InvalidSettingError
from amr.field import BASE
from amr.files import RESERVED as RESERVED_NAMES
from solvers.equations import Derived, Equation, Terms, known_names, with_coefficients
from solvers.records import Record, Recorded, Recording
from solvers.run import GivenData, Simulation

from .boundaries import PATH, BoundaryReader, Faces, faces_of, periodic_in
from .coefficients import try_coefficients
from .data import begun_with, not_read
from .equation import build_equation
from .equation_tables import OwnLawTable, ScalarsTable
from .expression import ExpressionTuple
from .file import Source, read_source
from .formulas import Formulas, Looks
from .law_checks import check_methods, not_admissible
from .mistakes import Mistakes, Tables, fields_of, read_tables
from .records import build_records, check_columns
from .refine import build_refine, warn_of_thresholds
from .scheme import Auto, as_table, build_scheme
from .tables import Config, MeshTable, OutputTable, RefineTable, TimeTable
from .toml_text import alternatives, show
from .trial import flat_points, values_at
from .user_function import is_reference
from .values import RESERVED

MOST_DUMPS = 100_000
NEEDED = "missing, expected an expression or 'module:function'"


@dataclass(frozen=True)
class Case:
    """A config and everything that was made of it, ready to run.

    **Attributes:**

    - `config`: with all defaults filled in.
    - `simulation`, `initial`, `exact`: `simulation.run(initial, config.time.end, exact=exact)`.
    - `output_times`: when to write between start and end.
    - `derived`: more variables to write.
    - `modules`: files of the user's own modules that the config names.
    - `records`: what to record step by step, by name.
    - `warnings`: what is no mistake, but hardly meant; like mistakes with file, line and key.
    """

    config: Config
    simulation: Simulation
    initial: Callable | GivenData
    exact: Callable | None
    output_times: tuple[float, ...]
    derived: Derived
    modules: tuple[Path, ...]
    records: dict[str, Record] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def recording(self, receive: Callable[[str, Recorded], Any]) -> Recording | None:
        """What the config wants recorded, given to `receive(name, rows)`."""
        tapes = {name: record.tape(self.simulation.setup, self.derived) for name, record in self.records.items()}
        return Recording(tapes, receive) if tapes else None

    @property
    def equation(self) -> str:
        """What is solved, in a line."""
        return f"{self.config.equation.type}: {', '.join(self.simulation.setup.equation.names)}"

    @property
    def scheme(self) -> str:
        """How it is solved, in a line."""
        table = self.config.scheme
        parts = [getattr(table, key) for key in ("method", "reconstruction", "riemann", "integrator")]
        named = [part for part in parts if part is not None]
        diffusion = [] if table.diffusion is None else [f"diffusion {table.diffusion}"]
        coupled = [] if table.coupling is None else [table.coupling]
        limited = [] if table.limiter is None else [f"limiter {table.limiter}"]
        flags = [key for key in ("bounded", "primitive") if getattr(table, key)]
        return ", ".join(
            [*named, *limited, *flags, *diffusion, *coupled, f"cfl {self.simulation.setup.cfl:g}", table.precision]
        )


def load(path: str | Path, overrides: Sequence[str] = (), text: str | None = None, begun: bool = False) -> Case:
    """Read a config file and build what it describes.

    `overrides` are texts like `"mesh.max_level=3"`; `text` is what the file said, where that was kept elsewhere; of a
    run that has `begun` a file with initial values is not looked at, for it may be gone. If the config asks for
    float64, which is the default, JAX's `jax_enable_x64` is switched on. Raises `ConfigError` with all the mistakes
    that were found.
    """
    mistakes = Mistakes()
    source = read_source(path, overrides, mistakes, text)
    case = _Builder(source, read_tables(source.data, mistakes), mistakes, begun).case()
    if case is None or mistakes.entries:
        raise source.error(mistakes)
    return case


class _Builder:
    """Makes the objects of one config; what cannot be made is `None`."""

    def __init__(self, source: Source, tables: Tables, mistakes: Mistakes, begun: bool):
        self.source, self.tables, self.mistakes, self.begun = source, tables, mistakes, begun
        if tables["scheme"] is None or tables["scheme"].precision == "float64":
            jax.config.update("jax_enable_x64", True)  # before user's modules are imported: they may make arrays
        attempt, path = mistakes.attempt, ("domain",)
        self.faces = attempt(path, lambda table: faces_of(table.boundary, len(table.lower)), tables["domain"])
        periodic = (
            attempt(path, periodic_in, self.faces) or False
        )  # where nobody knows which dimensions wrap, none does
        self.domain = attempt(path, lambda box: amr.Domain(box.lower, box.upper, periodic=periodic), tables["domain"])
        self.mesh = attempt(("mesh",), _mesh, self.domain, tables["mesh"])
        time, parameters, mesh = tables["time"], tables["parameters"], self.mesh
        if parameters is None:  # not to be tried with wrong numbers, but the names are known
            parameters, mesh = dict.fromkeys(source.names("parameters"), 1.0), None
        times = (0.0,) if time is None else (0.0, time.end)
        ndim = None if self.domain is None else self.domain.ndim
        self.formulas = Formulas(parameters, source.path.resolve().parent, mistakes, ndim, mesh, times)

    def case(self) -> Case | None:
        """All of it, if nothing is wrong."""
        attempt, tables = self.mistakes.attempt, self.tables
        equation = attempt((), build_equation, tables["equation"], self.formulas)
        file = self._file(equation)
        initial = self._functions("initial", equation, False) if file is None else self._data(file, equation)
        exact = self._functions("exact", equation, in_time=True)
        rest = self._functions("equilibrium", equation, in_time=False)
        tried = None if self.mistakes.blame(("initial",)) or file is not None else initial
        self._try_law(equation, tried)
        if equation is not None:
            try_coefficients(equation, tried, self.formulas)
        scheme = attempt((), build_scheme, tables["scheme"], equation, self.formulas)
        names = None if equation is None else equation.names
        mesh, domain = tables["mesh"], self.domain
        refine = attempt((), lambda table: build_refine(table, names, mesh, domain, self.formulas), tables["refine"])
        times = attempt(("output",), _output_times, tables["time"], tables["output"])
        derived = attempt((), self._derived, equation, tables["output"])
        records = build_records(tables["record"], self.mesh, self.mistakes)
        boundary = attempt((), lambda faces, _: self._boundary(faces, equation, tried, scheme), self.faces, domain)
        simulation = self._simulation(equation, scheme, refine, (boundary, rest, self._units(equation)))
        check_columns(records, simulation, derived, self.mistakes)
        if self.mistakes.entries or simulation is None or initial is None or times is None:
            return None
        assert refine is not None, "there are no mistakes"
        assert derived is not None, "there are no mistakes"
        config, modules, warnings = self._resolved(simulation, refine[1]), tuple(self.formulas.modules), Mistakes()
        warn_of_thresholds(tables["refine"], mesh, warnings)
        told = tuple(self.source.error(warnings).reports)
        return Case(config, simulation, initial, exact, times, derived, modules, records, told)

    # --- the equation and the functions -------------------------------------------------------------------------------

    def _file(self, equation: Equation | None) -> Path | None:
        """The file that the run begins with, if it does."""
        table = self.tables["initial"] or {}
        named = "file" in table and (equation is None or "file" not in equation.given)
        return self.source.path.resolve().parent / str(table["file"]) if named else None

    def _data(self, file: Path, equation: Equation | None) -> Any:
        """What the run begins with from a file; the config then has its whole path."""
        for key in self.tables["initial"].keys() - {"file"}:
            self.mistakes.add(("initial", key), "initial.file gives all variables already; leave one of both out")
        self.tables["initial"] = {"file": str(file)}
        if self.begun:
            return not_read
        try:
            return None if self.mesh is None or equation is None else begun_with(file, self.mesh, equation)
        except InvalidSettingError as error:
            self.mistakes.add(("initial", "file"), error.message)
            return None

    def _functions(self, name: str, equation: Equation | None, in_time: bool) -> Callable | None:
        """What a table such as `[initial]` gives: a function of one value, or of a tuple with all given variables."""
        table: Mapping[str, Any] = self.tables[name] or {}
        given = None if equation is None else equation.given
        if given is not None and "function" in table and "function" not in given:
            return self._one_function(name, table, given, in_time)
        functions = {key: self.formulas.value((name, key), text, in_time) for key, text in table.items()}
        if given is None or self.tables[name] is None:
            return None
        unknown = table.keys() - set(given)
        meant = {name for key in unknown for name in difflib.get_close_matches(key, given, 1)}
        meant |= set(given) if unknown and len(given) == 1 else set()
        for key in unknown:
            hint = f"did you mean {given[0]}?" if len(given) == 1 else f"expected {alternatives(given, key)}"
            self.mistakes.add((name, key), f"no such variable; {hint}")
        for key in given if name == "initial" or (table and len(given) > 1) else ():
            if key not in table and key not in meant:
                self.mistakes.add((name, key), NEEDED if name == "initial" else f"{NEEDED}: all variables or none")
        found = tuple(function for key in given if (function := functions.get(key)) is not None)
        return None if len(found) < len(given) else found[0] if len(found) == 1 else ExpressionTuple(found)

    def _one_function(self, name: str, table: Mapping[str, Any], given: Sequence[str], in_time: bool):
        """One function of the user's own for all variables."""
        for key in table.keys() - {"function"}:
            self.mistakes.add((name, key), f"{name}.function gives all variables already; leave one of both out")
        path, text = (name, "function"), table["function"]
        if is_reference(text):
            return self.formulas.value(path, text, in_time, len(given))
        self.mistakes.add(path, f"found {show(text)}, expected 'module:function', which gives {', '.join(given)}")
        return None

    def _try_law(self, equation: Equation | None, initial: Callable | None) -> None:
        """The initial values must make sense to a law, and a law of the user's own must be able to work with them."""
        law = None if equation is None else equation.terms.law
        if law is None or initial is None or self.mesh is None:
            return
        if self.mistakes.blame(("initial",)) or self.mistakes.blame(("equation",)):
            return
        points = flat_points(self.mesh)
        values = values_at(initial, points, ())
        if isinstance(self.tables["equation"], OwnLawTable):
            self.mistakes.attempt(("equation",), check_methods, law, values, points)
            if self.mistakes.blame(("equation",)):
                return
        name, message = not_admissible(law, with_coefficients(law, values, points), *points)
        if message:
            one = "function" in self.tables["initial"]
            self.mistakes.add(("initial", "function") if one else ("initial", name) if name else ("initial",), message)

    # --- scheme, refinement, pictures, boundaries ---------------------------------------------------------------------

    def _derived(self, equation: Equation, table: OutputTable) -> Derived:
        """What `[output.derived]` gives; it may be what the picture shows."""
        found = {}
        names = known_names(equation)
        for key, text in table.derived.items():
            path = ("output", "derived", key)
            if key in RESERVED:
                self.mistakes.add(path, "this name has a meaning of its own in expressions; choose another one")
            if key in equation.names or key in RESERVED_NAMES:
                self.mistakes.add(path, "is the name of something else already; choose another one")
            found[key] = self.formulas.coefficient(path, text, names, Looks.SOLUTION)
        shown = (*equation.names, *table.derived)
        if table.variable not in (None, *shown):
            expected = alternatives(shown, table.variable)
            self.mistakes.add(("output", "variable"), f"found {show(table.variable)}, expected {expected}")
        return Derived(equation, {key: value.function for key, value in found.items() if value is not None})

    def _boundary(self, faces: Faces, equation: Equation | None, initial: Callable | None, scheme) -> list | None:
        """The boundaries of all faces; `None` with a mistake in one, so that the rest is checked without."""
        terms = Terms() if equation is None else equation.terms
        names = None if equation is None else equation.given
        ghost = 2 if scheme is None or isinstance(scheme, Auto) else scheme.space.ghost
        reader = BoundaryReader(self.formulas, terms.law, names, initial, ghost, terms.guided)
        return None if self.mistakes.blame(PATH) else reader.pairs(faces)

    def _units(self, equation: Equation | None) -> amr.Units | None:
        """The units of lengths and so on, and those of variables by name."""
        table, output = dict(self.tables["units"] or {}), self.tables["output"]
        if not table or equation is None or output is None:
            return None
        names = (*BASE, *dict.fromkeys((*equation.names, *equation.given, *output.derived)))
        for key in table.keys() - set(names):
            self.mistakes.add(("units", key), f"no such variable; expected {alternatives(names, key)}")
        base = {key: table.pop(key, None) for key in BASE}
        return self.mistakes.attempt(("units",), lambda: amr.Units(**base, variables=table))

    # --- the whole ----------------------------------------------------------------------------------------------------

    def _simulation(self, equation: Equation | None, scheme, refine, kept: tuple) -> Simulation | None:
        """`kept`: boundaries, the equilibrium that is to be kept, and units."""
        steps, regrid = self.tables["time"], self.tables["refine"]
        if self.mesh is None or equation is None or scheme is None or refine is None or steps is None:
            return None
        try:
            return Simulation(
                self.mesh,
                equation,
                scheme=None if isinstance(scheme, Auto) else scheme,
                refine=refine[0],
                boundary=kept[0],
                cfl=steps.cfl,
                interval=regrid.interval,
                buffer=regrid.buffer,
                longest=steps.step,
                equilibrium=kept[1],
                units=kept[2],
                dtype=self.tables["scheme"].precision,
            )
        except amr.InvalidSettingError as error:
            path = (error.key,) if error.key in Config.model_fields else (_table_of(error.key), error.key)
            if path == ("scheme", "integrator") and self.tables["scheme"].integrator is None:
                path = ("scheme", "diffusion")  # what it is called there
            if not self.mistakes.blame(path):
                self.mistakes.add(path, error.message)
            return None

    def _resolved(self, simulation: Simulation, refine: RefineTable) -> Config:
        """The config with the defaults that depend on other settings filled in."""
        tables, setup, output = self.tables, simulation.setup, self.tables["output"]
        names = setup.equation.names
        name = output.name or self.source.path.stem
        directory = output.directory or f"runs/{name}"
        shown = output.variable or names[0]
        equation = tables["equation"]
        if "variable" in type(equation).model_fields and equation.variables is None:
            equation = equation.model_copy(update={"variable": names[0]})
        if isinstance(equation, ScalarsTable) and equation.diffusivity is not None:
            equation = equation.model_copy(update={"mean": equation.mean or "arithmetic"})
        settled = {
            "equation": equation,
            "output": output.model_copy(update={"name": name, "directory": directory, "variable": shown}),
            "scheme": as_table(setup.scheme, setup.equation, tables["scheme"]),
            "refine": refine.model_copy(update={"interval": setup.interval}),
            "time": tables["time"].model_copy(update={"cfl": setup.cfl, "step": setup.longest}),
            "record": {key: table.settled() for key, table in tables["record"].items()},
        }
        return Config(**tables | settled)


# --- one object each --------------------------------------------------------------------------------------------------


def _mesh(domain: amr.Domain, table: MeshTable) -> amr.Mesh:
    return amr.Mesh(domain, table.cells, table.patch, table.max_level, table.capacity)


def _output_times(time: TimeTable, output: OutputTable) -> tuple[float, ...]:
    """Times strictly between start and end; one that rounding puts next to the end is the end."""
    if output.every is None:
        return ()
    count = time.end / output.every * (1 - 1e-9)
    if count > MOST_DUMPS:
        raise amr.InvalidSettingError(
            "every", f"found {output.every}, which asks for {count:.0f} dumps until {time.end}"
        )
    return tuple(n * output.every for n in range(1, math.floor(count) + 1))


def _table_of(key: str) -> str:
    """The table in which a setting of the simulation is found."""
    return next((table for table in Config.model_fields if key in fields_of(table)), "equation")
