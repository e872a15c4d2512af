"""From the tables of a config to the objects of a run.

Every object is made from the tables it needs by one method here. A mistake leaves its object out, and whatever needs
that one; all the rest is still made and checked, so that a person sees every mistake at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax

import amr
from amr.vtkhdf import RESERVED

from . import limiter
from .advection import CTU
from .config import (
    Config,
    DomainTable,
    EquationTable,
    FunctionThresholds,
    MeshTable,
    OutputTable,
    RefineTable,
    Thresholds,
    TimeTable,
)
from .config_errors import Mistakes, Tables, fields_of, read_tables
from .config_file import Source, read_source
from .equations import Advection
from .formulas import STEADY, Formulas
from .simulation import Simulation
from .velocity import ConstantVelocity, FaceVelocity, StreamFunction, VectorPotential, Velocity

LIMITERS: dict[str, Callable[[], limiter.Limiter]] = {
    "mc": limiter.MonotizedCentral,
    "van_leer": limiter.VanLeer,
    "minmod": limiter.Minmod,
    "superbee": limiter.Superbee,
    "none": limiter.Unlimited,
}
INDICATORS: dict[str, Callable[..., amr.Indicator]] = {
    "value": amr.Value,
    "difference": amr.Difference,
    "gradient": amr.Gradient,
}
BOUNDARIES: dict[str, amr.Boundary] = {"periodic": amr.Periodic(), "outflow": amr.Outflow()}
MOST_DUMPS = 100_000


@dataclass(frozen=True)
class Case:
    """A config and everything that was made of it, ready to run.

    **Attributes:**

    - `config`: with all defaults filled in.
    - `simulation`, `initial`, `exact`: `simulation.run(initial, config.time.end, exact=exact)`.
    - `output_times`: when to write between start and end.
    - `modules`: files of the user's own modules that the config names.
    """

    config: Config
    simulation: Simulation
    initial: Callable
    exact: Callable | None
    output_times: tuple[float, ...]
    modules: tuple[Path, ...]


def load(path: str | Path, overrides: Sequence[str] = ()) -> Case:
    """Read a config file and build what it describes.

    `overrides` are texts like `"mesh.max_level=3"`. If the config asks for float64, which is the default, JAX's
    `jax_enable_x64` is switched on. Raises `ConfigError` with all the mistakes that were found.
    """
    mistakes = Mistakes()
    source = read_source(path, overrides, mistakes)
    case = _Builder(source, read_tables(source.data, mistakes), mistakes).case()
    if case is None or mistakes.entries:
        raise source.error(mistakes)
    return case


class _Builder:
    """Makes the objects of one config; what cannot be made is `None`."""

    def __init__(self, source: Source, tables: Tables, mistakes: Mistakes):
        self.source, self.tables, self.mistakes = source, tables, mistakes
        if tables["scheme"] is None or tables["scheme"].precision == "float64":
            jax.config.update("jax_enable_x64", True)  # before user's modules are imported: they may make arrays
        self.domain = mistakes.attempt(("domain",), _domain, tables["domain"])
        self.mesh = mistakes.attempt(("mesh",), _mesh, self.domain, tables["mesh"])
        self.formulas = self._formulas()

    def _formulas(self) -> Formulas:
        time, parameters, mesh = self.tables["time"], self.tables["parameters"], self.mesh
        if parameters is None:  # not to be tried with wrong numbers, but the names are known
            parameters, mesh = dict.fromkeys(self.source.names("parameters"), 1.0), None
        times = (0.0,) if time is None else (0.0, time.end)
        ndim = None if self.domain is None else self.domain.ndim
        folder = self.source.path.resolve().parent
        return Formulas(parameters, folder, self.mistakes, ndim, mesh, times)

    def case(self) -> Case | None:
        """All of it, if nothing is wrong."""
        attempt, tables = self.mistakes.attempt, self.tables
        velocity = attempt(("equation",), self._velocity, tables["equation"])
        initial = self._variable("initial", in_time=False)
        exact = self._variable("exact", in_time=True)
        self._check_regions()
        refine = attempt(("refine",), self._indicator, tables["refine"])
        times = attempt(("output",), _output_times, tables["time"], tables["output"])
        simulation = self._simulation(velocity, refine)
        if self.mistakes.entries or simulation is None or initial is None or times is None:
            return None
        return Case(self._resolved(simulation), simulation, initial, exact, times, tuple(self.formulas.modules))

    # --- the flow and the functions -----------------------------------------------------------------------------------

    def _velocity(self, table: EquationTable) -> Velocity | None:
        if table.variable in RESERVED:
            self.mistakes.add(("equation", "variable"), f"{table.variable!r} has another meaning in dumps; rename it")
        if table.stream_function is not None:
            return self._incompressible(StreamFunction, "stream_function", 1, 0.0)
        if table.potential is not None:
            return self._incompressible(VectorPotential, "potential", 3, 0.5)
        flow = self.formulas.flow(("equation", "velocity"), table.velocity, self.formulas.ndim, 0.5)
        if flow is None:
            return None
        if flow.constants is not None:
            return ConstantVelocity(flow.constants)
        return FaceVelocity(flow.function, amplitude=flow.factor)

    def _incompressible(self, kind: Callable[..., Velocity], key: str, count: int, shift: float) -> Velocity | None:
        if self.domain is not None:
            kind(STEADY).check(self.domain.ndim)  # before the formula is found to miss a coordinate
        flow = self.formulas.flow(("equation", key), getattr(self.tables["equation"], key), count, shift)
        return None if flow is None else kind(flow.function, amplitude=flow.factor)

    def _variable(self, name: str, in_time: bool) -> Callable | None:
        """The function that `[initial]` or `[exact]` gives for the variable."""
        table, equation = self.tables[name] or {}, self.tables["equation"]
        functions = {key: self.formulas.value((name, key), text, in_time) for key, text in table.items()}
        if equation is None or self.tables[name] is None:
            return None
        for key in table.keys() - {equation.variable}:
            self.mistakes.add((name, key), f"no such variable; did you mean {equation.variable}?")
        if equation.variable not in table and name == "initial":
            self.mistakes.add((name, equation.variable), "missing, expected an expression or 'module:function'")
        return functions.get(equation.variable)

    # --- refinement ---------------------------------------------------------------------------------------------------

    def _check_regions(self) -> None:
        """Regions must lie in the domain, and their levels in the mesh."""
        domain, mesh, refine = self.domain, self.tables["mesh"], self.tables["refine"]
        for n, region in enumerate([] if refine is None else refine.regions):
            path = ("refine", "regions", n)
            if mesh is not None and region.level > mesh.max_level:
                message = f"found {region.level}, expected at most mesh.max_level, {mesh.max_level}"
                self.mistakes.add((*path, "level"), message)
            # What cannot be a domain cannot be a region either.
            box = self.mistakes.attempt(path, amr.Domain, region.lower, region.upper)
            if box is None or domain is None:
                continue
            if box.ndim != domain.ndim:
                self.mistakes.add(path, f"has {box.ndim} dimensions, expected {domain.ndim}, as the domain")
            elif not _overlap(box, domain):
                self.mistakes.add(path, "lies outside the domain")

    def _indicator(self, table: RefineTable) -> amr.Indicator | None:
        attempt, found, equation = self.mistakes.attempt, [], self.tables["equation"]
        for key, kind in INDICATORS.items():
            found.append(attempt(("refine", key), _on_variable, kind, getattr(table, key), equation))
        if table.function is not None:
            own = attempt(("refine", "function", "name"), self.formulas.indicator, table.function.name)
            found.append(attempt(("refine", "function"), _on_function, own, table.function))
        found += [amr.Region(r.lower, r.upper, r.level) for r in table.regions if len(r.lower) == len(r.upper)]
        present = [indicator for indicator in found if indicator is not None]
        mesh = self.tables["mesh"]
        if table.empty and mesh is not None and mesh.max_level > 0:
            advice = "add what to refine, such as value = {above = 0.5}, or set mesh.max_level = 0"
            self.mistakes.add(("refine",), f"asks for nothing, but mesh.max_level is {mesh.max_level}; {advice}")
        return amr.AnyOf(*present) if len(present) > 1 else present[0] if present else None

    # --- the whole ----------------------------------------------------------------------------------------------------

    def _simulation(self, velocity: Velocity | None, refine: amr.Indicator | None) -> Simulation | None:
        mesh, scheme, steps, regrid = self.mesh, *(self.tables[name] for name in ("scheme", "time", "refine"))
        if mesh is None or scheme is None or steps is None or regrid is None:
            return None
        # Without a velocity (there was a mistake in it), what the simulation checks besides it is still checked.
        flow = ConstantVelocity((0.0,) * mesh.ndim) if velocity is None else velocity
        equation = self.tables["equation"]
        try:
            return Simulation(
                mesh,
                Advection(flow, "phi" if equation is None else equation.variable),
                scheme=CTU(LIMITERS[scheme.limiter](), scheme.bounded),
                refine=refine,
                cfl=steps.cfl,
                interval=regrid.interval,
                buffer=regrid.buffer,
                dtype=scheme.precision,
            )
        except amr.InvalidSettingError as error:
            self.mistakes.add((_table_of(error.key), error.key), error.message)
            return None

    def _resolved(self, simulation: Simulation) -> Config:
        """The config with the defaults that depend on other settings filled in."""
        tables, setup = self.tables, simulation.setup
        name = tables["output"].name or self.source.path.stem
        directory = tables["output"].directory or f"runs/{name}"
        settled = {
            "output": tables["output"].model_copy(update={"name": name, "directory": directory}),
            "scheme": tables["scheme"].model_copy(update={"bounded": setup.scheme.bounded}),
            "refine": tables["refine"].model_copy(update={"interval": setup.interval}),
        }
        return Config(**tables | settled)


# --- one object each --------------------------------------------------------------------------------------------------


def _domain(table: DomainTable) -> amr.Domain:
    given = table.boundary
    entries = [given] * len(table.lower) if isinstance(given, str) else given
    pairs = [BOUNDARIES[e] if isinstance(e, str) else tuple(BOUNDARIES[face] for face in e) for e in entries]
    return amr.Domain(table.lower, table.upper, boundary=pairs)


def _mesh(domain: amr.Domain, table: MeshTable) -> amr.Mesh:
    return amr.Mesh(domain, table.cells, table.patch, table.max_level, table.capacity)


def _on_variable(kind: Callable[..., amr.Indicator], table: Thresholds, equation: EquationTable) -> amr.Indicator:
    if table.variable not in (None, equation.variable):
        raise amr.InvalidSettingError("variable", f"found {table.variable!r}, expected {equation.variable!r}")
    return kind(table.above, table.below)


def _on_function(function: Callable, table: FunctionThresholds) -> amr.Indicator:
    return amr.Custom(function, table.above, table.below)


def _overlap(a: amr.Domain, b: amr.Domain) -> bool:
    sides = zip(a.lower, a.upper, b.lower, b.upper, strict=True)
    return all(low < other_high and high > other_low for low, high, other_low, other_high in sides)


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
