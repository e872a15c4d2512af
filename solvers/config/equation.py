"""From the table `[equation]` to an equation."""

from collections.abc import Callable

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
from .own_object import own_object
from .user_function import UserFunctionError


def build_equation(table: AnyEquation, formulas: Formulas) -> Equation | None:
    """The equation; `None` where even its variables cannot be known."""
    mistakes = formulas.mistakes
    try:
        equation = _equation(table, formulas)
    except amr.InvalidSettingError as error:  # of the number of dimensions, which follows from the domain
        mistakes.add(("equation", "type"), f"{table.type}: {error.message}")
        return None
    for name in equation.names if equation is not None else ():
        if name in RESERVED:
            key = "variables" if getattr(table, "variables", None) else "variable"
            key = "type" if isinstance(table, OwnLawTable) else key
            mistakes.add(("equation", key), f"{name!r} has another meaning in dumps; rename it")
    return equation


def _equation(table: AnyEquation, formulas: Formulas) -> Equation | None:
    ndim = formulas.ndim
    match table:
        case ScalarsTable():
            flow = formulas.mistakes.attempt(("equation",), _velocity, table, formulas) if table.flows else AtRest()
            # Without a velocity (there was a mistake in it), all the rest is still checked.
            known = ConstantVelocity((0.0,) * (ndim or 1)) if flow is None else flow
            return Advection(known, table.names, **build_coefficients(table, formulas))
        case BurgersTable():
            return Burgers(table.names, table.viscosity)
        case _ if ndim is None:
            return None
        case OwnLawTable():
            return _own_law(table, ndim, formulas)
        case AcousticsTable():
            return Acoustics(ndim, table.density, table.sound_speed)
        case ShallowWaterTable():
            path = ("equation", "bottom")
            bottom = None if table.bottom is None else formulas.value(path, table.bottom, in_time=False)
            return ShallowWater(ndim, table.gravity, bottom, table.rest_level, table.dry_depth, table.viscosity)
        case EulerTable():
            return Euler(ndim, table.gamma, **_floors(table))
        case NavierStokesTable():
            friction = table.viscosity, table.conductivity, table.prandtl
            return NavierStokes(ndim, table.gamma, *friction, **_floors(table))


def _floors(table: EulerTable | NavierStokesTable) -> dict[str, float | None]:
    return {"least_density": table.least_density, "least_pressure": table.least_pressure}


# --- flows ------------------------------------------------------------------------------------------------------------


def _velocity(table: ScalarsTable, formulas: Formulas) -> Velocity | None:
    (key,), ndim = table.flows, formulas.ndim
    kinds: dict[str, tuple[Callable[..., Velocity], int | None, float]] = {
        "velocity": (FaceVelocity, ndim, 0.5),
        "stream_function": (StreamFunction, 1, 0.0),
        "potential": (VectorPotential, 3, 0.5),
    }
    kind, count, shift = kinds[key]
    if ndim is not None:
        kind(STEADY).check(ndim)  # before the formula is found to miss a coordinate
    flow = formulas.flow(("equation", key), getattr(table, key), count, shift)
    if flow is None:
        return None
    constant = key == "velocity" and flow.constants is not None
    return ConstantVelocity(flow.constants) if constant else kind(flow.function, amplitude=flow.factor)


# --- laws of one's own ------------------------------------------------------------------------------------------------


def _own_law(table: OwnLawTable, ndim: int, formulas: Formulas) -> ConservationLaw | None:
    path = ("equation", "type")
    law = own_object(path, table.type, ConservationLaw, formulas, table.arguments)
    return law if law is not None and formulas.mistakes.attempt(path, _checked, law, table.type, ndim) else None


def _checked(law: ConservationLaw, name: str, ndim: int) -> bool:
    """Raise `UserFunctionError` unless a law names its variables and suits the domain."""
    try:
        given = law.given
        law.check(ndim)
    except Exception as error:  # whatever a user's law raises
        raise UserFunctionError(f"{name} fails: {error}") from error
    texts = isinstance(given, tuple) and all(isinstance(part, str) for part in given)
    if not texts or len(set(given)) < len(given) or len(given) != len(law.names):
        raise UserFunctionError(f"{name}: given is {given!r}, expected different names, as many as {law.names!r}")
    return True
