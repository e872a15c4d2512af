"""Laws of users, tried: the shapes of what their methods give, and whether the numbers fit together."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from amr.errors import InvalidSettingError
from amr.names import AXES, told_place
from amr.own import expect_shape, failure, shapes_of

from .terms import Equation
from .transport import Place

Law = Any  # a `ConservationLaw`, whose room imports this one
KEY = "type"
POINTS = " (3 points)"
SMALL = 1e-3  # of the largest value of a variable: how well conversions have to fit


def check_law(law: Law, ndim: int) -> None:
    """Raise `InvalidSettingError` unless the methods of a law give arrays of the shapes that they should."""
    kind, count = type(law).__name__, len(law.names)
    _check_names(law, kind, ndim)
    dtype = jnp.zeros(()).dtype
    line, point = jax.ShapeDtypeStruct((3,), dtype), jax.ShapeDtypeStruct((), dtype)

    def expect(name: str, shape: tuple[int, ...], method: Any, *arguments: Any, optional: bool = False) -> None:
        found = shapes_of(KEY, f"{kind}.{name}", method, *arguments)
        if not (optional and found is None):
            expect_shape(KEY, f"{kind}.{name}", found, shape, POINTS)

    rows = count + len(shapes_of(KEY, f"{kind}.coefficients", law.coefficients, *(line,) * ndim))
    u = jax.ShapeDtypeStruct((rows, 3), dtype)
    slopes = jax.ShapeDtypeStruct((rows - count, ndim, 3), dtype)

    def source(u, x, t, slopes):
        return law.source(u, Place((x,) * ndim, (x,) * ndim, t, slopes, t))

    expect("conserved", (rows, 3), law.conserved, u)
    expect("primitive", (rows, 3), law.primitive, u)
    expect("admissible", (3,), law.admissible, u, optional=True)
    expect("source", (count, 3), source, u, line, point, slopes, optional=True)
    for d in range(ndim):
        expect("flux", (count, 3), functools.partial(law.flux, d=d), u)
        expect("max_speed", (3,), functools.partial(law.max_speed, d=d), u)
    if law.diffuses:
        expect("diffusivity", (count, 3), law.diffusivity, u)
        for d in range(ndim):
            expect("diffusive_flux", (count, 3), functools.partial(law.diffusive_flux, d=d), u, (u,) * ndim)


def _check_names(law: Law, kind: str, ndim: int) -> None:
    count = len(law.names)
    if len(law.given) != count:
        raise InvalidSettingError(KEY, f"{kind}.given has {len(law.given)} names, expected {count}, as in names")
    lacking = [name for name in ("primitive", "conserved") if getattr(type(law), name) is getattr(Equation, name)]
    if tuple(law.given) != tuple(law.names) and lacking:
        needs = f"{kind} has other variables that are given, {', '.join(law.given)}, than are stored"
        raise InvalidSettingError(KEY, f"{needs}; it needs {' and '.join(lacking)}, which convert between them")
    for vector in law.vectors:
        if len(vector) != ndim or not all(0 <= n < count for n in vector):
            expected = f"{ndim} numbers of variables, from 0 to {count - 1}"
            raise InvalidSettingError(KEY, f"{kind}.vectors has {vector}, expected {expected}, for each vector")


def try_law(law: Law, values: Sequence, points: Sequence[np.ndarray]) -> None:
    """Raise `InvalidSettingError` where a law makes no sense of states, one given (primitive) value for each variable,
    at points, one flat array of coordinates for each dimension: conversions that do not fit together, what is not
    finite, signals that are faster than it says."""
    kind, count = type(law).__name__, len(law.names)
    try:
        rows = with_coefficients(law, values, points)
        u = law.conserved(rows)
        back, good = law.primitive(u), law.admissible(u)
        fluxes = [np.asarray(law.flux(u, d)) for d in range(len(points))]
        speeds = [np.asarray(law.max_speed(u, d)) for d in range(len(points))]
        slopes = [_slopes(law, u, d, count) for d in range(len(points))]
    except Exception as error:  # whatever it raises
        raise InvalidSettingError(KEY, f"{kind} {failure(error)}") from error
    fine = np.ones(len(points[0]), bool) if good is None else np.array(good, bool)
    off = np.abs(np.asarray(back - rows))[:count]
    size = np.abs(np.asarray(rows))[:count].max(1, keepdims=True, initial=0)
    text = "primitive(conserved(w)) is {1:.6g} off w in the variable {0}; they have to be inverse to each other"
    _expect(kind, text, fine & ~(off <= SMALL * size), off, points, law.given)
    for d, (flux, speed, slope) in enumerate(zip(fluxes, speeds, slopes, strict=True)):
        along = AXES[d]
        _expect(kind, f"flux along {along} gives {{1}} for {{0}}", fine & ~np.isfinite(flux), flux, points, law.names)
        wrong = fine & ~((speed >= 0) & np.isfinite(speed))
        _expect(kind, f"max_speed along {along} gives {{1}}, expected 0 or more", wrong[None], speed[None], points)
        fastest = np.array([np.abs(np.linalg.eigvals(s)).max() if np.isfinite(s).all() else 0.0 for s in slope])
        wrong = fine & (fastest > (1 + SMALL) * speed)
        text = f"max_speed along {along} is exceeded by signals of speed {{1:.6g}}: eigenvalues of the slopes of flux"
        _expect(kind, text, wrong[None], fastest[None], points)


def with_coefficients(law: Law, values: Sequence, points: Sequence[np.ndarray]) -> jax.Array:
    """Given values and the coefficients of the law at points (flat arrays), one row each."""
    rows = (*values, *law.coefficients(*map(jnp.asarray, points)))
    return jnp.stack([jnp.broadcast_to(jnp.asarray(row, float), points[0].shape) for row in rows])


def _slopes(law: Law, u: jax.Array, d: int, count: int) -> np.ndarray:
    """The derivatives of the flux with respect to the variables, `(points, vars, vars)`."""

    def flux(first, rest):
        return law.flux(jnp.concatenate([first, rest])[:, None], d)[:, 0]

    return np.asarray(jax.vmap(jax.jacfwd(flux), in_axes=(1, 1))(u[:count], u[count:]))


def _expect(
    kind: str,
    text: str,
    wrong: np.ndarray,
    values: np.ndarray,
    points: Sequence[np.ndarray],
    names: Sequence[str] = ("",),
) -> None:
    found = np.argwhere(wrong)
    if len(found):
        row, point = found[0]
        place = told_place([x[point] for x in points])
        told = text.format(names[row] if row < len(names) else row, values[row, point])
        raise InvalidSettingError(KEY, f"{kind}.{told} (at {place}, with the initial values)")
