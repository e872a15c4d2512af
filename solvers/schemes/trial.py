"""Limiters, reconstructions and Riemann solvers of users, tried on some cells before they meet a whole mesh."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from amr.errors import InvalidSettingError
from amr.own import expect_shape, failure, is_own
from solvers.equations import ConservationLaw

from .limiter import Limiter
from .reconstruction import Reconstruction
from .riemann import RiemannSolver

# Data around one cell: flat, a jump, a slope, an extremum; more cells repeat the last.
SAMPLES = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 1], [1, 0, 0], [-1, 0, 1], [1, 0, 1]], float)


def try_limiter(limiter: Limiter) -> None:
    """Raise `InvalidSettingError` unless a limiter of a user's gives finite slopes: both differences may be zero."""
    if is_own(limiter):
        below, u, above = jnp.asarray(SAMPLES.T)
        left, right = u - below, above - u
        found = _called(limiter, "__call__", "limiter", limiter, left, right)
        _expect_finite(limiter, "__call__", "limiter", found, left=left, right=right)


def try_reconstruction(reconstruction: Reconstruction) -> None:
    """Raise `InvalidSettingError` unless a reconstruction of a user's, or its limiter, gives finite ends of a cell."""
    if isinstance(getattr(reconstruction, "limiter", None), Limiter):
        try_limiter(reconstruction.limiter)  # type: ignore[attr-defined]
    if not is_own(reconstruction):
        return
    key, around = "reconstruction", reconstruction.ghost - 1
    below, u, above = jnp.asarray(SAMPLES.T)
    stencil = (*(below,) * around, u, *(above,) * around)
    ends = _called(reconstruction, "ends", key, reconstruction.ends, stencil)
    if not (isinstance(ends, tuple) and len(ends) == 2):
        kind = type(reconstruction).__name__
        raise InvalidSettingError(key, f"{kind}.ends has to give the values at both ends of a cell, a tuple of two")
    for found in ends:
        _expect_finite(reconstruction, "ends", key, found, below=below, u=u, above=above)


def try_riemann(solver: RiemannSolver, law: ConservationLaw, ndim: int) -> None:
    """Raise `InvalidSettingError` unless a Riemann solver of a user's gives fluxes for a law."""
    if not is_own(solver):
        return
    u = jnp.ones(4)
    state = jnp.stack([u] * (len(law.names) + len(law.coefficients(*(u,) * ndim))))
    found = _called(solver, "__call__", "riemann", solver, law, state, state, 0)
    expect_shape("riemann", f"{type(solver).__name__}.__call__", found, (len(law.names), 4), " (4 faces)")


def _called(own: Any, method: str, key: str, function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Exception as error:  # whatever it raises
        raise InvalidSettingError(key, f"{type(own).__name__}.{method} {failure(error)}") from error


def _expect_finite(own: Any, method: str, key: str, found: Any, **given: Any) -> None:
    name = f"{type(own).__name__}.{method}"
    expect_shape(key, name, found, (len(SAMPLES),), f" ({len(SAMPLES)} cells)")
    wrong = np.flatnonzero(~np.isfinite(np.asarray(found)))
    if len(wrong):
        at = ", ".join(f"{label} = {float(values[wrong[0]]):g}" for label, values in given.items())
        advice = "guard what is divided by, such as jnp.where(right == 0, 1, right)"
        raise InvalidSettingError(key, f"{name} gives {float(found[wrong[0]])} for {at}; {advice}")
