"""What a system of conservation laws has to tell about itself."""

from __future__ import annotations

import abc

import equinox as eqx
from jaxtyping import Array, Bool, Float

State = Float[Array, "vars ..."]


class Place(eqx.Module):
    """Where and when a source is asked for.

    **Attributes:**

    - `x`: coordinates of the cell centres, one array a dimension, that broadcast over the cells.
    - `dx`: cell widths, one array a dimension.
    - `t`: the time.
    - `slopes`: for each coefficient of the law (see `ConservationLaw.coefficients`) its derivative along each
      dimension, shape `(coefficients, ndim, *cells)`.
    """

    x: tuple[Float[Array, "..."], ...]
    dx: tuple[Float[Array, "..."], ...]
    t: Float[Array, ""]
    slopes: Float[Array, "coefficients ndim ..."]


class ConservationLaw(eqx.Module):
    """A system `d u/dt + sum_d d flux(u, d)/d x_d = source(u)`.

    A law of your own needs `names`, `flux` and `max_speed`; the rest has sensible defaults:

        class Burgers(solvers.ConservationLaw):
            names = ("u",)

            def flux(self, u, d):
                return 0.5 * u**2

            def max_speed(self, u, d):
                return jnp.abs(u[0])

    All methods work on arrays whose first axis is that of the variables and whose other axes are points; `d` is the
    number of a dimension. They must be traceable by JAX, and are called with values of neighbouring points, so
    they should not depend on anything but their arguments.

    **Attributes:**

    - `names`: of the conserved variables.
    """

    names: eqx.AbstractVar[tuple[str, ...]]

    @abc.abstractmethod
    def flux(self, u: State, d: int) -> State:
        """The flux of each variable along dimension d."""

    @abc.abstractmethod
    def max_speed(self, u: State, d: int) -> Float[Array, "..."]:
        """The largest absolute speed of a signal along dimension d."""

    def speeds(self, u: State, d: int) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """The least and the largest speed of a signal along dimension d."""
        fastest = self.max_speed(u, d)
        return -fastest, fastest

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the primitive variables, in which people give initial and boundary values."""
        return self.names

    def primitive(self, u: State) -> State:
        """Primitive from conserved variables: those that are reconstructed."""
        return u

    def conserved(self, w: State) -> State:
        """Conserved from primitive variables."""
        return w

    def admissible(self, u: State) -> Bool[Array, "..."] | None:
        """Where a state makes sense (such as a positive pressure); `None`: everywhere."""
        return None

    @property
    def vectors(self) -> tuple[tuple[int, ...], ...]:
        """Which variables are the components of vectors, one tuple of numbers a vector: a wall mirrors them."""
        return ()

    def coefficients(self, *x_and_t: Float[Array, "..."]) -> tuple[Float[Array, "..."], ...]:
        """Given functions of position and time that the law depends on, such as a depth or a density.

        Where there are any, all other methods find their values in the last rows of `u`, behind the variables
        (`conserved` and `primitive` too, which must hand them on).
        """
        return ()

    def source(self, u: State, place: Place) -> State | None:
        """What is produced of each variable per unit of time and volume; `None`: nothing."""
        return None

    def check(self, ndim: int) -> None:
        """Raise `InvalidSettingError` if the law does not fit a domain of `ndim` dimensions."""
