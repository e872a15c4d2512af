"""What is solved: the conservation laws themselves, without any choice of scheme."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array

from amr.errors import InvalidSettingError

from .velocity import ConstantVelocity, FaceVelocity, Velocity


class Advection(eqx.Module):
    """Transport by a given flow: `d phi / dt + div(velocity phi) = 0`, for one or several scalars.

    **Arguments:**

    - `velocity`: a `Velocity`; numbers make a constant one, a function of position and time a `FaceVelocity`.
    - `names`: of the scalars.
    """

    velocity: Velocity
    names: tuple[str, ...] = eqx.field(static=True)

    def __init__(self, velocity, names: str | tuple[str, ...] = ("phi",)):
        if not isinstance(velocity, Velocity):
            velocity = FaceVelocity(velocity) if callable(velocity) else ConstantVelocity(velocity)
        self.velocity = velocity
        self.names = (names,) if isinstance(names, str) else tuple(names)
        if not self.names or len(set(self.names)) < len(self.names):
            raise InvalidSettingError("names", f"expected one or more different names, got {self.names}")

    @property
    def given(self) -> tuple[str, ...]:
        """In what people give initial and boundary values."""
        return self.names

    @property
    def vectors(self) -> tuple[tuple[int, ...], ...]:
        """There are none among scalars."""
        return ()

    def primitive(self, u: Array) -> Array:
        """The values that people give from those that are stored: the same."""
        return u

    def conserved(self, w: Array) -> Array:
        """The reverse of `primitive`."""
        return w

    def check(self, ndim: int) -> None:
        """Raise `InvalidSettingError` if the velocity does not fit a domain of `ndim` dimensions."""
        self.velocity.check(ndim)
