"""From the table `[equation]` to an equation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import amr
from amr.files import RESERVED
from solvers.equations import (
    Acoustics,
    Advection,
    AtRest,
    Burgers,
    ConservationLaw,
    ConstantVelocity,
    Equation,
    Euler,
    FaceVelocity,
    NavierStokes,
    ShallowWater,
    StreamFunction,
    VectorPotential,
    Velocity,
)

from .coefficients import build_coefficients
from .equation_tables import (
    AcousticsTable,
    AnyEquation,
    BurgersTable,
    EulerTable,
    NavierStokesTable,
    OwnLawTable,
    ScalarsTable,
    ShallowWaterTable,
)
from .formulas import STEADY, Formulas
from .mistakes import Mistakes
from .toml_text import alternatives
from .user_function import UserFunctionError, failure, signature_of


def build_equation(table: AnyEquation, ndim: int | None, formulas: Formulas, mistakes: Mistakes) -> Equation | None:
    """The equation; `None` where even its variables cannot be known.

    `ndim` is that of the domain; `None`: not known because of a mistake.
    """
    try:
        equation = _equation(table, ndim, formulas, mistakes)
    except amr.InvalidSettingError as error:  # of the number of dimensions, which follows from the domain
        mistakes.add(("equation", "type"), f"{table.type}: {error.message}")
        return None
    for name in equation.names if equation is not None else ():
        if name in RESERVED:
            key = "variables" if getattr(table, "variables", None) else "variable"
            key = "type" if isinstance(table, OwnLawTable) else key
            mistakes.add(("equation", key), f"{name!r} has another meaning in dumps; rename it")
    return equation


def _equation(table: AnyEquation, ndim: int | None, formulas: Formulas, mistakes: Mistakes) -> Equation | None:
    match table:
        case ScalarsTable():
            flow = mistakes.attempt(("equation",), _velocity, table, ndim, formulas) if table.flows else AtRest()
            # Without a velocity (there was a mistake in it), all the rest is still checked.
            known = ConstantVelocity((0.0,) * (ndim or 1)) if flow is None else flow
            return Advection(known, table.names, **build_coefficients(table, formulas, mistakes))
        case BurgersTable():
            return Burgers(table.names, table.viscosity)
        case _ if ndim is None:
            return None
        case OwnLawTable():
            return _own_law(table, ndim, formulas, mistakes)
        case AcousticsTable():
            return Acoustics(ndim, table.density, table.sound_speed)
        case ShallowWaterTable():
            path = ("equation", "bottom")
            bottom = None if table.bottom is None else formulas.value(path, table.bottom, in_time=False)
            return ShallowWater(ndim, table.gravity, bottom, table.rest_level, table.dry_depth, table.viscosity)
        case EulerTable():
            return Euler(ndim, table.gamma)
        case NavierStokesTable():
            return NavierStokes(ndim, table.gamma, table.viscosity, table.conductivity, table.prandtl)


# --- flows ------------------------------------------------------------------------------------------------------------


def _velocity(table: ScalarsTable, ndim: int | None, formulas: Formulas) -> Velocity | None:
    if table.stream_function is not None:
        return _incompressible(StreamFunction, table, "stream_function", ndim, formulas)
    if table.potential is not None:
        return _incompressible(VectorPotential, table, "potential", ndim, formulas)
    flow = formulas.flow(("equation", "velocity"), table.velocity, ndim, 0.5)
    if flow is None:
        return None
    if flow.constants is not None:
        return ConstantVelocity(flow.constants)
    return FaceVelocity(flow.function, amplitude=flow.factor)


def _incompressible(
    kind: Callable[..., Velocity], table: ScalarsTable, key: str, ndim: int | None, formulas: Formulas
) -> Velocity | None:
    if ndim is not None:
        kind(STEADY).check(ndim)  # before the formula is found to miss a coordinate
    count, shift = (1, 0.0) if key == "stream_function" else (3, 0.5)
    flow = formulas.flow(("equation", key), getattr(table, key), count, shift)
    return None if flow is None else kind(flow.function, amplitude=flow.factor)


# --- laws of one's own ------------------------------------------------------------------------------------------------


def _own_law(table: OwnLawTable, ndim: int, formulas: Formulas, mistakes: Mistakes) -> ConservationLaw | None:
    path = ("equation", "type")
    found = mistakes.attempt(path, formulas.user_object, table.type, _may_be_law, "conservation law")
    if found is None:
        return None
    law = found
    if isinstance(found, ConservationLaw):
        for name in table.arguments:
            mistakes.add(("equation", "arguments", name), f"{table.type} is a law already and takes no arguments")
    else:
        arguments = _arguments(found, table, ndim, mistakes)
        law = None if arguments is None else mistakes.attempt(path, _made, found, arguments, table, mistakes)
    return law if law is not None and mistakes.attempt(path, _checked, law, table.type, ndim) else None


def _may_be_law(found: Any) -> bool:
    if inspect.isclass(found):
        return issubclass(found, ConservationLaw) and not inspect.isabstract(found)
    return isinstance(found, ConservationLaw) or inspect.isfunction(found)


def _arguments(make: Callable, table: OwnLawTable, ndim: int, mistakes: Mistakes) -> Mapping[str, Any] | None:
    """What to call a class or function with; `None` where it would not take that."""
    signature = signature_of(make)
    if signature is None:
        return table.arguments
    known = signature.parameters
    open_ended = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in known.values())
    own = {"ndim": ndim} if "ndim" in known else {}
    path, fits = ("equation", "arguments"), True
    for name in table.arguments:
        if name in own:
            mistakes.add((*path, name), f"is {ndim} by the domain; leave it out")
        elif name not in known and not open_ended:
            names = [key for key in known if key != "ndim"]
            hint = f"expected {alternatives(names, name)}" if names else "it takes none"
            mistakes.add((*path, name), f"no argument of {table.type}; {hint}")
        else:
            continue
        fits = False
    for name, parameter in known.items():
        named = parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        if named and parameter.default is inspect.Parameter.empty and name not in (own | table.arguments):
            mistakes.add((*path, name), f"missing, {table.type} needs it")
            fits = False
    return own | table.arguments if fits else None


def _made(make: Callable, arguments: Mapping[str, Any], table: OwnLawTable, mistakes: Mistakes) -> Any:
    try:
        return make(**arguments)
    except amr.InvalidSettingError as error:
        own = error.key in table.arguments
        mistakes.add(("equation", "arguments", error.key) if own else ("equation", "type"), error.message)
        return None
    except Exception as error:  # whatever a user's class raises
        raise UserFunctionError(failure(error)) from error


def _checked(law: Any, name: str, ndim: int) -> bool:
    """Raise `UserFunctionError` unless this is a law that names its variables and suits the domain."""
    if not isinstance(law, ConservationLaw):
        raise UserFunctionError(f"{name} gives a {type(law).__name__}, expected a solvers.ConservationLaw")
    try:
        given = law.given
        law.check(ndim)
    except Exception as error:  # whatever a user's law raises
        raise UserFunctionError(f"{name} fails: {error}") from error
    texts = isinstance(given, tuple) and all(isinstance(part, str) for part in given)
    if not texts or len(set(given)) < len(given) or len(given) != len(law.names):
        raise UserFunctionError(f"{name}: given is {given!r}, expected different names, as many as {law.names!r}")
    return True
