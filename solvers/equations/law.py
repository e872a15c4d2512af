"""What a system of conservation laws has to tell about itself."""

import abc
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.errors import InvalidSettingError

from .law_trial import check_law
from .terms import Equation, Terms
from .transport import Exchange, Place
from .viscous import Viscous
from .walls import beyond_wall

State = Float[Array, "rows ..."]  # the variables, and behind them the coefficients of the law
Rates = Float[Array, "vars ..."]  # one row for each variable


class ConservationLaw(Equation):
    """A system `d u/dt + sum_d d (flux(u, d) + diffusive_flux(w, slopes, d))/d x_d = source(u)`, where w are primitive
    variables, and most laws have no fluxes that depend on slopes.

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

    def __check_init__(self):
        names = getattr(self, "names", None)
        good = isinstance(names, tuple) and names and all(isinstance(name, str) for name in names)
        if not good or len(set(names)) < len(names):
            kind = type(self).__name__
            raise InvalidSettingError("names", f'{kind} needs different names such as names = ("u",), has {names!r}')

    @abc.abstractmethod
    def flux(self, u: State, d: int) -> Rates:
        """The flux of each variable along dimension d."""

    @abc.abstractmethod
    def max_speed(self, u: State, d: int) -> Float[Array, "..."]:
        """The largest absolute speed of a signal along dimension d."""

    def speeds(self, u: State, d: int) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """The least and the largest speed of a signal along dimension d."""
        fastest = self.max_speed(u, d)
        return -fastest, fastest

    @property
    def terms(self) -> Terms:
        """Its fluxes and sources, and what diffuses."""
        return Terms(Exchange(self), Viscous(self) if self.diffuses else None)

    @property
    def diffuses(self) -> bool:
        """Whether it has fluxes that depend on derivatives; by default if it has methods for these."""
        return type(self).diffusive_flux is not ConservationLaw.diffusive_flux

    def diffusive_flux(self, w: State, slopes: tuple[State, ...], d: int) -> Rates:
        """The flux of each variable along dimension d that depends on derivatives, such as that of viscosity: `w` are
        primitive variables on faces, `slopes[k]` their derivatives along dimension k. Needs `diffusivity`."""
        raise NotImplementedError

    def diffusivity(self, w: State) -> Float[Array, "vars ..."]:
        """How fast each variable diffuses, an upper bound in units of length squared per time, from primitive
        variables: what limits the step."""
        raise NotImplementedError

    def extended(self, u, samples):
        return samples["transport"].behind(u)

    def source(self, u: State, place: Place) -> Rates | None:
        """What is produced of each variable per unit of time and volume; `None`: nothing."""
        return None

    @property
    def beyond_wall(self):
        pushes = type(self).source is not ConservationLaw.source and self.vectors
        return self._beyond_wall if pushes and not self.has_coefficients(len(self.vectors[0])) else None

    def _beyond_wall(self, w: State, d: int, step: Array, x, dx, t) -> State:
        slopes = jnp.zeros((0, len(x), *w.shape[1:]), w.dtype)
        return beyond_wall(self, w, d, step, Place(x, dx, t, slopes, jnp.zeros_like(t)))

    def met(self, left: State, right: State, near: tuple[State, ...]) -> tuple[State, State]:
        """The states that meet at faces, from those reconstructed to both sides of these and the cells that they were
        reconstructed from, in order."""
        return left, right

    def pushes(self, low: State, high: State, coefficients: State, d: int) -> tuple[Rates, Rates]:
        """What is produced at faces across d in the cells below them and, with the other sign, in those above, times
        the width of a cell: what is between neighbours and no flux. `coefficients` are those on the faces."""
        raise NotImplementedError

    def settled(self, u: State, axes: tuple[int, ...]) -> Rates:
        """The variables of patches after a step or a regrid, whose cells lie along some axes: put right where levels
        that meet have left what makes no sense, their sums kept."""
        raise NotImplementedError

    def lifted(self, u: State) -> Rates:
        """The variables after a step, those of cells that fell below a floor lifted onto it; see `has_floors`."""
        raise NotImplementedError

    def verify(self, ndim: int) -> None:
        """Raise `InvalidSettingError` unless the law fits so many dimensions, and its methods give arrays of the shapes
        that they should."""
        self.check(ndim)
        check_law(self, ndim)


def number_above(least: float | int, key: str, value):
    """A number that a law is given, which must exceed `least`; one that JAX traces (for derivatives) may be any."""
    number = isinstance(value, jax.core.Tracer) or (jnp.ndim(value) == 0 and not isinstance(value, str))
    if not number or (not isinstance(value, jax.core.Tracer) and not least < float(value) < math.inf):
        raise InvalidSettingError(key, f"expected a finite number above {least:g}, got {value}")
    return value if isinstance(value, jax.Array) else float(value)


def law_dimensions(ndim, most: int = 3) -> int:
    """The number of dimensions that a law is given, checked."""
    if ndim not in range(1, most + 1):
        raise InvalidSettingError("ndim", f"expected a whole number from 1 to {most}, got {ndim!r}")
    return int(ndim)


def check_dimensions(law: ConservationLaw, own: int, ndim: int) -> None:
    """Raise `InvalidSettingError` if a law made for `own` dimensions meets a domain of `ndim`."""
    if own != ndim:
        name = type(law).__name__
        raise InvalidSettingError("type", f"{name} was made for ndim={own}, the domain has {ndim}; give ndim={ndim}")


def is_there(number: float | Float[Array, ""]) -> bool:
    """Whether a coefficient is not zero, as far as that can be known: one that JAX traces is there."""
    return isinstance(number, jax.core.Tracer) or float(number) != 0
