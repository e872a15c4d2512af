"""What is made or consumed in each point: a function of the user's."""

import functools
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.errors import InvalidSettingError
from amr.grid import Part, trim
from amr.own import shapes_of
from solvers.integrators import jacobian, linearly_implicit, midpoint

from .terms import Term
from .transport import largest

Cells = Float[Array, "vars blocks *cells lanes"]

Values = Float[Array, "vars ..."]  # one row a scalar


class Reaction(Term):
    """Rates at which scalars are made.

    **Arguments:**

    - `function(u, x, .., t)`: `u` has one row for each scalar; gives the rate of each, one array or a tuple of them.
    - `stiff`: whether it is much faster than all else. `Strang` then takes a linearly implicit step in every cell;
      otherwise, and in all other schemes, it is explicit.
    """

    function: Callable
    stiff: bool = eqx.field(static=True, default=False)

    @property
    def of_state(self):
        return True

    @property
    def at_faces(self):
        return False

    def limits_of(self, part, cells, samples, scheme, time):
        cells = trim(cells, range(2, 2 + part.mesh.ndim), (cells.shape[2] - part.mesh.patch) // 2)
        rates = self.fastest(cells, part.centres(cells.dtype), time)
        return {"reaction": largest(jnp.broadcast_to(rates, cells.shape[1:]))}

    def made(self, here):
        cells = trim(here.u, range(2, 2 + here.part.mesh.ndim), here.part.ghost)
        return self(cells, here.part.centres(cells.dtype), here.moment.time)

    def reacted(self, part: Part, u: Cells, begin: Array, dt: Array) -> Cells:
        """The cells of a sweep after nothing but the reaction for a time `dt`: see `solvers.integrators.pointwise`."""
        x = part.centres(u.dtype)
        return (linearly_implicit if self.stiff else midpoint)(lambda u, t: self(u, x, t), u, begin, dt)

    def __call__(self, u: Values, x: tuple[Array, ...], t) -> Values:
        """The rates, one row a scalar."""
        return self._rows(u, x, t)

    def _rows(self, u: Array, x: tuple[Array, ...], t) -> Array:
        """The rates that the function gives, however many."""
        found = self.function(u, *x, t)
        several = found if isinstance(found, tuple | list) else (found,) if jnp.ndim(found) < u.ndim else found
        return jnp.stack([jnp.broadcast_to(jnp.asarray(rate, u.dtype), u.shape[1:]) for rate in several])

    def fastest(self, u: Values, x: tuple[Array, ...], t) -> Float[Array, "..."]:
        """A bound of the rates at which small differences grow or decay in each point: the largest sum of absolute
        derivatives of one rate."""
        rows = jacobian(lambda u: self(u, x, t), u)
        return functools.reduce(jnp.maximum, [sum(map(jnp.abs, row[1:]), jnp.abs(row[0])) for row in rows])

    def check(self, ndim: int, names: tuple[str, ...]) -> None:
        """Raise `InvalidSettingError` if it does not give one rate for each scalar."""
        if not callable(self.function):
            raise InvalidSettingError("reaction", f"expected a function, got {self.function!r}")
        dtype = jnp.zeros(()).dtype
        u, point = jax.ShapeDtypeStruct((len(names), 2), dtype), jax.ShapeDtypeStruct((2,), dtype)
        time = jax.ShapeDtypeStruct((), dtype)
        rows = shapes_of("reaction", "the function", self._rows, u, (point,) * ndim, time).shape[0]
        if rows != len(names):
            raise InvalidSettingError("reaction", f"gives {rows} rates, expected one for each of {', '.join(names)}")
