"""Try the conservation law of a config on the values that it will meet first."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from solvers.equations import ConservationLaw

from .trial import Points, check_method, told_place
from .user_function import UserFunctionError
from .values import COORDINATES


def with_coefficients(law: ConservationLaw, values: Sequence, points: Points) -> jax.Array:
    """Given values and the coefficients of the law at points (flat arrays), one row each."""
    rows = (*values, *law.coefficients(*map(jnp.asarray, points)))
    return jnp.stack([jnp.broadcast_to(jnp.asarray(row, float), points[0].shape) for row in rows])


def not_admissible(law: ConservationLaw, rows: jax.Array, *place: Any) -> tuple[str | None, str]:
    """The variable to blame (if one can be told) and a sentence about the first state that makes no sense; the
    sentence is empty if all do. `place` has the coordinates of the points, and perhaps the time.
    """
    good = law.admissible(law.conserved(rows))
    if good is None or bool(jnp.all(good)):
        return None, ""
    first, ndim = int(jnp.argmin(good)), len([x for x in place if np.ndim(x)])
    state = {name: float(row[first]) for name, row in zip(law.given, rows, strict=False)}
    told = ", ".join(f"{name} = {value:.6g}" for name, value in state.items())
    where = told_place([float(x[first]) for x in place[:ndim]], place[ndim:])
    return _suspect(law, state), f"gives a state that makes no sense at {where}: {told}"


def _suspect(law: ConservationLaw, state: dict[str, float]) -> str | None:
    """The only scalar there is, or the only one that is not positive."""
    components = {n for vector in law.vectors for n in vector}
    scalars = [name for n, name in enumerate(law.given) if n not in components]
    suspects = scalars if len(scalars) == 1 else [name for name in scalars if state[name] <= 0]
    return suspects[0] if len(suspects) == 1 else None


def check_methods(law: ConservationLaw, values: Sequence, points: Points) -> None:
    """Raise `UserFunctionError` unless the methods of a user's law give finite numbers in the shapes they should."""
    size, note = points[0].shape, f", one row for each of {', '.join(law.names)}"
    rows = check_method(law, "coefficients", lambda: with_coefficients(law, values, points))
    u = check_method(law, "conserved", lambda: law.conserved(rows), rows.shape, note=note)
    check_method(law, "primitive", lambda: law.primitive(u), rows.shape, note=note)
    if check_method(law, "admissible", lambda: law.admissible(u)) is not None:
        check_method(law, "admissible", lambda: law.admissible(u), size)
    for d in range(len(points)):
        flux, speed = f"flux along {COORDINATES[d]}", f"max_speed along {COORDINATES[d]}"
        found = check_method(law, flux, lambda d=d: law.flux(u, d), (len(law.names), *size), note=note)
        _check_finite(flux, found, points)
        _check_finite(speed, check_method(law, speed, lambda d=d: law.max_speed(u, d), size), points)


def _check_finite(name: str, found: jax.Array, points: Points) -> None:
    wrong = np.argwhere(~np.isfinite(np.asarray(found)))
    if len(wrong):
        first = tuple(wrong[0])
        place = told_place([float(x[first[-1]]) for x in points], ())
        raise UserFunctionError(f"{name} gives {found[first]} for the initial values at {place}")
