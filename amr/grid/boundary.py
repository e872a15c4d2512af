"""What happens at the faces of the domain: kinds of boundaries, and the ghost values beyond them.

A boundary gives the values of ghost cells from the cells inside, in terms of the variables in which people give
values (see `Variables`). Dimensions are filled one after the other, each with the ghost cells of those before it, so
that corners follow from both of their faces.
"""

from __future__ import annotations

import abc
import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from amr.errors import InvalidSettingError
from amr.show import text

Values = Float[Array, "vars ..."]


class Beyond(eqx.Module):
    """The ghost cells beyond one face, as a boundary sees them.

    **Attributes:**

    - `mirrored`: the values of the cells inside, mirrored at the face, `(vars, blocks, *cells, lanes)`: one row for
      each given (primitive) variable, then an axis a dimension between two of the grid's own. Signs are as inside.
    - `nearest`: those of the cells next to the face, the same shape, but of length one across it.
    - `x`: coordinates of the centres of the ghost cells, `dx`: their widths; one array a dimension each, without the
      axis of variables, shaped to be combined with those of a row.
    - `distance`: how far from the face the centres are; `t`: the time.
    - `signs`: one a variable, -1 for what a mirror turns round: the component of a vector across the face.
    - `names`: of the variables; `vectors`: numbers of those that are components of vectors, one tuple a vector.
    - `points`: how many along each dimension averages of given functions over a cell are taken from.
    - `d`: the dimension across the face; `outward`: -1 at its lower end, 1 at its upper end.
    """

    mirrored: Values
    nearest: Values
    x: tuple[Float[Array, "..."], ...]
    dx: tuple[Float[Array, "..."], ...]
    distance: Float[Array, "..."]
    t: Float[Array, ""]
    signs: tuple[float, ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    points: int = eqx.field(static=True, default=1)
    vectors: tuple[tuple[int, ...], ...] = eqx.field(static=True, default=())
    d: int = eqx.field(static=True, default=0)
    outward: int = eqx.field(static=True, default=1)

    def of(self, row: int) -> Beyond:
        """The same for one variable."""
        this = slice(row, row + 1)
        rows = {key: getattr(self, key)[this] for key in ("mirrored", "nearest", "signs", "names")}
        return dataclasses.replace(self, vectors=(), **rows)

    def given(self, what: Any, key: str) -> Values:
        """Values given as a number, a function of position and time, or one of these for each variable."""
        if self.points == 1 or not any(map(callable, what if isinstance(what, tuple) else (what,))):
            return self._at(self.x, what, key)

        def at(offset):
            return self._at(tuple(x + offset[d] * self.dx[d] for d, x in enumerate(self.x)), what, key)

        return averaged(at, self.points, (0.0,) * len(self.x), jnp.zeros_like(self.mirrored))

    def _at(self, x: tuple[Float[Array, "..."], ...], what: Any, key: str) -> Values:
        """The same at some points of the cells."""
        parts = what if isinstance(what, tuple) else (what,)
        parts = tuple(part(*x, self.t) if callable(part) else part for part in parts)
        if len(parts) == 1 and isinstance(parts[0], tuple | list):
            parts = tuple(parts[0])
        if len(parts) != len(self.names):
            expected = f"expected one for each of {', '.join(self.names)}"
            raise InvalidSettingError(key, f"gives {len(parts)} values at a boundary, {expected}")
        shape, dtype = self.mirrored.shape[1:], self.mirrored.dtype
        return jnp.stack([jnp.broadcast_to(jnp.asarray(part, dtype), shape) for part in parts])


def averaged(at: Callable[[Any], Array], points: int, centre: Sequence[float], nothing: Array):
    """The average over a cell by Gauss' quadrature with so many points along each dimension; `at(place)` gives values
    up to 1/2 from the centre along each, of the shape of `nothing`, which is zero."""
    (nodes, weights), ndim = np.polynomial.legendre.leggauss(points), len(centre)
    places = (centre + np.array(list(itertools.product(0.5 * nodes, repeat=ndim)))).astype(nothing.dtype)
    shares = np.array(list(itertools.product(0.5 * weights, repeat=ndim))).prod(1).astype(nothing.dtype)
    return lax.scan(lambda total, point: (total + point[1] * at(point[0]), None), nothing, (places, shares))[0]


Relation = tuple[Values, Values, Values]


class Boundary(eqx.Module):
    """What happens at a face of the domain. Numbers and arrays in it may be what JAX traces, for derivatives.

    **Attributes:**

    - `periodic`: whether nothing is beyond the face, which is joined to the one opposite.
    - `copied`: whether ghost cells repeat the last cell inside; `mirrored`: whether they are the cells inside mirrored.
    - `given`: the field that has what is given for each variable, if there is one.
    """

    given: ClassVar[str | None] = None
    periodic: ClassVar[bool] = False
    copied: ClassVar[bool] = False
    mirrored: ClassVar[bool] = False

    @abc.abstractmethod
    def ghosts(self, beyond: Beyond) -> Values:
        """The values of the ghost cells, in given (primitive) variables and of the shape of `beyond.mirrored`."""

    def relation(self, face: Beyond) -> Relation:
        """What diffusion needs: rows a, b and g such that `a u + b du/dn = g` on the face, n pointing outwards.

        The places of `face` are the centres of the faces of cells. Raises `InvalidSettingError` where there is none.
        """
        advice = "amr.Dirichlet, amr.Neumann, amr.Robin, amr.Wall or amr.Outflow"
        kind = type(self).__name__
        raise InvalidSettingError("boundary", f"{kind} says nothing about the flux of diffusion; take {advice}")

    @property
    def of_diffusion(self) -> Boundary:
        """What diffusion sees beyond the face, where that is not what the flow does: a wall that holds a temperature
        conducts heat, and still nothing flows through it."""
        return self

    def check(self, names: tuple[str, ...]) -> None:
        """Raise `InvalidSettingError` if the boundary does not fit these variables."""
        given = getattr(self, self.given) if self.given else ()
        many = len(given) if isinstance(given, tuple) else 1
        if self.given and many != len(names) and not (many == 1 and callable(given)):
            expected = f"expected one for each of {', '.join(names)}"
            raise InvalidSettingError("boundary", f"{self.given} has {many} entries, {expected}")

    def __repr__(self) -> str:
        return text(self)


class Periodic(Boundary):
    """What leaves through this face enters through the opposite one."""

    periodic: ClassVar[bool] = True

    def ghosts(self, beyond):
        raise AssertionError("nothing lies beyond a periodic face")


class Outflow(Boundary):
    """Zero gradient: ghost cells repeat the last cell inside the domain."""

    copied: ClassVar[bool] = True

    def ghosts(self, beyond):
        return jnp.broadcast_to(beyond.nearest, beyond.mirrored.shape)

    def relation(self, face):
        return _related(face, 0.0, 1.0, 0.0)


class Wall(Boundary):
    """A mirror: a wall that nothing crosses and along which everything slips, or a plane of symmetry."""

    mirrored: ClassVar[bool] = True

    def ghosts(self, beyond):
        return jnp.stack([row if sign > 0 else -row for row, sign in zip(beyond.mirrored, beyond.signs, strict=True)])

    def relation(self, face):
        turned = [float(sign < 0) for sign in face.signs]
        return _related(face, tuple(turned), tuple(1 - flag for flag in turned), 0.0)


Symmetry = Wall


class Dirichlet(Boundary):
    """Given values, such as those of an inflow.

    **Arguments:**

    - `value`: a number, a function of position and time `value(x, .., t)`, or one of these for each variable; the
      function may also give one value for each. It is evaluated at the centres of the ghost cells, or averaged over
      them where the scheme is of more than second order.
    """

    value: Any = eqx.field(converter=lambda value: _constant_or_function("value", value))
    given: ClassVar[str] = "value"

    def ghosts(self, beyond):
        return beyond.given(self.value, "value")

    def relation(self, face):
        return _related(face, 1.0, 0.0, face.given(self.value, "value"))


class Neumann(Boundary):
    """A given derivative in the outward direction.

    **Arguments:**

    - `slope`: as the `value` of `Dirichlet`, in units of the variable per length.
    """

    slope: Any = eqx.field(default=0.0, converter=lambda slope: _constant_or_function("slope", slope))
    given: ClassVar[str] = "slope"

    def ghosts(self, beyond):
        return beyond.mirrored + 2 * beyond.distance * beyond.given(self.slope, "slope")

    def relation(self, face):
        return _related(face, 0.0, 1.0, face.given(self.slope, "slope"))


class Robin(Boundary):
    """A linear relation between a value and its derivative in the outward direction: `a u + b du/dn = value`.

    Such as the exchange of heat with surroundings of temperature T: `k du/dn = h (T - u)` is
    `Robin(a=h, b=k, value=h * T)`.

    **Arguments:**

    - `a`, `b`: numbers of the same sign, not both zero.
    - `value`: as that of `Dirichlet`.
    """

    a: float | Float[Array, ""] = eqx.field(converter=lambda a: _one_number("a", a))
    b: float | Float[Array, ""] = eqx.field(converter=lambda b: _one_number("b", b))
    value: Any = eqx.field(default=0.0, converter=lambda value: _constant_or_function("value", value))
    given: ClassVar[str] = "value"

    def __check_init__(self):
        a, b = self.a, self.b
        if isinstance(a, float) and isinstance(b, float) and (min(a, b) < 0 < max(a, b) or a == b == 0):
            raise InvalidSettingError("a", f"expected a and b of the same sign and not both 0, got {a}, {b}")

    def ghosts(self, beyond):
        return from_relation(self.relation(beyond), beyond.mirrored, 2 * beyond.distance)

    def relation(self, face):
        return _related(face, self.a, self.b, face.given(self.value, "value"))


class GhostFunction(Boundary):
    """Ghost values by a function of your own.

    **Arguments:**

    - `function(mirrored, x, .., t)`: gives one array for each variable; `mirrored` has the values of the cells
      inside mirrored at the face, one row a variable.
    """

    function: Callable

    def ghosts(self, beyond):
        rows = self.function(beyond.mirrored, *beyond.x, beyond.t)
        several = isinstance(rows, list | tuple) or jnp.ndim(rows) == beyond.mirrored.ndim
        return beyond.given(tuple(rows) if several else (rows,), "function")

    def check(self, names):
        _check_callable("function", self.function)


class Split(Boundary):
    """One boundary on a part of a face, and another one on the rest.

    **Arguments:**

    - `where(x, .., t)`: true on the first part.
    - `inside`, `outside`: the boundaries on the first part and on the rest.
    """

    where: Callable
    inside: Boundary
    outside: Boundary

    def ghosts(self, beyond):
        first = jnp.asarray(self.where(*beyond.x, beyond.t)).astype(bool)
        return jnp.where(first, self.inside.ghosts(beyond), self.outside.ghosts(beyond))

    @property
    def of_diffusion(self):
        inside, outside = self.inside.of_diffusion, self.outside.of_diffusion
        same = inside is self.inside and outside is self.outside
        return self if same else Split(self.where, inside, outside)

    def relation(self, face):
        first = jnp.asarray(self.where(*face.x, face.t)).astype(bool)
        pairs = zip(self.inside.relation(face), self.outside.relation(face), strict=True)
        return tuple(jnp.where(first, *pair) for pair in pairs)

    def check(self, names):
        _check_callable("where", self.where)
        _check_part("where", self.inside, names)
        _check_part("where", self.outside, names)


class ByVariable(Boundary):
    """A boundary of its own for some variables: `ByVariable({"pressure": Dirichlet(1.0)}, rest=Outflow())`."""

    parts: dict[str, Boundary]
    rest: Boundary

    def __init__(self, parts: Mapping[str, Boundary], rest: Boundary | None = None):
        if not isinstance(parts, Mapping):
            raise InvalidSettingError("boundary", f"expected a dict from names to boundaries, got {parts!r}")
        self.parts = dict(sorted(parts.items()))
        self.rest = Outflow() if rest is None else rest

    def ghosts(self, beyond):
        return self._joined(beyond, lambda boundary, beyond: (boundary.ghosts(beyond),))[0]

    @property
    def of_diffusion(self):
        return self if self.rest.of_diffusion is self.rest else ByVariable(self.parts, self.rest.of_diffusion)

    def relation(self, face):
        return self._joined(face, lambda boundary, face: boundary.relation(face))

    def _joined(self, beyond: Beyond, rows_of: Callable[[Boundary, Beyond], tuple[Values, ...]]) -> Any:
        """What `rows_of` gives for each variable with its own boundary, one variable after the other."""
        rest = rows_of(self.rest, beyond)
        each = [
            rows_of(self.parts[name], beyond.of(n)) if name in self.parts else tuple(rows[n : n + 1] for rows in rest)
            for n, name in enumerate(beyond.names)
        ]
        return tuple(map(jnp.concatenate, zip(*each, strict=True)))

    def check(self, names):
        for name, boundary in self.parts.items():
            if name not in names:
                raise InvalidSettingError("boundary", f"no variable {name!r} here; there are {', '.join(names)}")
            _check_part(name, boundary, (name,))
        _check_part("rest", self.rest, names)


def from_relation(relation: Relation, inside: Values, distance: Array) -> Values:
    """Ghost values that lie as far beyond a face as the values `inside` lie before it, `distance` in all.

    The value on the face is the mean of both, the derivative their difference over the distance: second order.
    """
    a, b, g = relation
    return (2 * distance * g + (2 * b - a * distance) * inside) / (2 * b + a * distance)


def beyond_over_inside(a, b, distance):
    """What a value beyond a face is a multiple of, of that inside, where g is zero: often written kappa."""
    return (2 * b - a * distance) / (2 * b + a * distance)


def _related(face: Beyond, *rows: Any) -> Relation:
    """Numbers, or one for each variable, as rows."""
    shape = face.mirrored.shape

    def row(value):
        value = jnp.asarray(value, face.mirrored.dtype)
        return jnp.broadcast_to(value.reshape(-1, *(1,) * (len(shape) - 1)) if value.ndim == 1 else value, shape)

    a, b, g = map(row, rows)
    return a, b, g


def _check_callable(key: str, function: Any) -> None:
    if not callable(function):
        raise InvalidSettingError("boundary", f"{key}: expected a function of position and time, got {function!r}")


def _check_part(key: str, boundary: Any, names: tuple[str, ...]) -> None:
    if not isinstance(boundary, Boundary):
        raise InvalidSettingError("boundary", f"{key}: expected a boundary such as amr.Outflow(), got {boundary!r}")
    if boundary.periodic:
        raise InvalidSettingError("boundary", f"{key}: a part of a face cannot be periodic")
    boundary.check(names)


def _constant_or_function(key: str, value: Any) -> Any:
    """As it is kept: a number, a function, or a tuple of these."""
    if isinstance(value, Sequence | np.ndarray | jax.Array) and not isinstance(value, str) and np.ndim(value) > 0:
        parts = tuple(_constant_or_function(key, part) for part in value)
        if any(isinstance(part, tuple) for part in parts):
            raise InvalidSettingError(key, f"expected one entry for each variable, got {value!r}")
        return parts
    if callable(value):
        return value
    expected = "a finite number, a function of position and time, or one of these for each variable"
    return _one_number(key, value, expected)


def _one_number(key: str, value: Any, expected: str = "a finite number") -> Any:
    """As it is kept: a float; an array of JAX as it is, one that JAX traces without a look at it."""
    if isinstance(value, jax.core.Tracer):
        return value
    try:
        number = math.nan if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InvalidSettingError(key, f"expected {expected}, got {value!r}")
    return value if isinstance(value, jax.Array) else number
