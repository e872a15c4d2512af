"""Try the conservation law of a config on the values that it will meet first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from solvers.equations import ConservationLaw

from .trial import Points, told_place
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
    size = points[0].shape
    rows = _tried(law, "coefficients", lambda: with_coefficients(law, values, points))
    u = _of_shape(law, "conserved", lambda: law.conserved(rows), rows.shape)
    _of_shape(law, "primitive", lambda: law.primitive(u), rows.shape)
    if _tried(law, "admissible", lambda: law.admissible(u)) is not None:
        _of_shape(law, "admissible", lambda: law.admissible(u), size)
    for d in range(len(points)):
        for name, shape in (("flux", (len(law.names), *size)), ("max_speed", size)):
            along = f"{name} along {COORDINATES[d]}"
            found = _of_shape(law, along, lambda name=name, d=d: getattr(law, name)(u, d), shape)
            _check_finite(along, found, points)


def _check_finite(name: str, found: jax.Array, points: Points) -> None:
    wrong = np.argwhere(~np.isfinite(np.asarray(found)))
    if len(wrong):
        first = tuple(wrong[0])
        place = told_place([float(x[first[-1]]) for x in points], ())
        raise UserFunctionError(f"{name} gives {found[first]} for the initial values at {place}")


def _of_shape(law: ConservationLaw, name: str, method: Callable, shape: tuple[int, ...]) -> jax.Array:
    found = _tried(law, name, lambda: jnp.asarray(jax.jit(method)()))
    if found.shape != shape:
        rows = f", one row for each of {', '.join(law.names)}" if len(shape) > 1 else ""
        raise UserFunctionError(
            f"{type(law).__name__}: {name} gives an array of shape {found.shape}, expected {shape}{rows}"
        )
    return found


def _tried(law: ConservationLaw, name: str, method: Callable) -> Any:
    try:
        return method()
    except Exception as error:  # whatever a user's law raises
        raise UserFunctionError(f"{type(law).__name__}: {name} fails: {type(error).__name__}: {error}") from error
