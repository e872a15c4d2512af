"""Riemann solvers: the numerical flux between two states that meet at a face.

All are consistent (between equal states the flux is that of the law) and look the same from both sides. They take the
speeds of waves for given by the states at hand and know nothing of vacuum: see `solvers.schemes.positivity`.
"""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.errors import InvalidSettingError
from amr.grid import quotient
from solvers.equations import ConservationLaw

Fluxes = Float[Array, "names ..."]
Side = Float[Array, "rows ..."]


class RiemannSolver(eqx.Module):
    """Gives the flux between two states.

    **Attributes:** `beside_shocks`: what takes its place on faces that stand on a strong shock, for laws that know such
    shocks by a method `strong_shock`; `None`: nothing does.
    """

    @property
    def beside_shocks(self) -> "RiemannSolver | None":
        return None

    def check(self, law: ConservationLaw) -> None:
        """Raise `InvalidSettingError` if this solver does not fit the law."""

    @abc.abstractmethod
    def __call__(self, law: ConservationLaw, left: Side, right: Side, d: int) -> Fluxes:
        """The flux along dimension d through faces between conserved states to the left and to the right.

        Coefficients of the law follow in further rows of the states, the same on both sides; the result has none.
        """


class Rusanov(RiemannSolver):
    """One wave to either side, as fast as the fastest signal; works for every law, and smears most.

    `F = (F_left + F_right) / 2 - s (u_right - u_left) / 2` (Rusanov, USSR Comput. Math. Math. Phys. 1, 1961; also
    known as local Lax-Friedrichs flux).
    """

    def __call__(self, law, left, right, d):
        fastest = jnp.maximum(law.max_speed(left, d), law.max_speed(right, d))
        mean = 0.5 * (law.flux(left, d) + law.flux(right, d))
        return mean - 0.5 * fastest * (_variables(law, right) - _variables(law, left))


class HLL(RiemannSolver):
    """A slowest and a fastest wave with one state between them (Harten, Lax and van Leer, SIAM Review 25, 1983).

    Their speeds are the least and the largest of both states (Davis, SIAM J. Sci. Stat. Comput. 9, 1988).
    """

    def __call__(self, law, left, right, d):
        slow, fast = _outer_speeds(law, left, right, d)
        slow, fast = jnp.minimum(slow, 0), jnp.maximum(fast, 0)
        share = quotient(fast, fast - slow)
        diffusion = (slow * share) * (_variables(law, right) - _variables(law, left))
        return share * law.flux(left, d) + (1 - share) * law.flux(right, d) + diffusion


class HLLC(RiemannSolver):
    """As HLL with a contact wave between the outer waves, which keeps what only drifts along with the flow sharp.

    (Toro, Spruce and Speares, Shock Waves 4, 1994.) For laws that know their contact by methods `contact_speed` and
    `beside_contact`, see `Euler`. Row by row, since arithmetic with whole stacks took half as long again.

    Where a strong shock runs with the mesh the contact wave makes it buckle: in several dimensions the faces that stand
    on such a shock have the flux of `beside_shocks`, see `solvers.schemes.shocks`; `None`: that of this solver.
    """

    beside_shocks: RiemannSolver | None = HLL()

    def check(self, law):
        _expect(law, ("contact_speed", "beside_contact"), "HLLC needs a law with a contact wave")

    def __call__(self, law, left, right, d):
        slow, fast = _outer_speeds(law, left, right, d)
        contact = law.contact_speed(left, right, slow, fast, d)
        from_left = contact >= 0
        u = jnp.stack([jnp.where(from_left, *pair) for pair in zip(left, right, strict=True)])
        beside = law.beside_contact(u, jnp.where(from_left, slow, fast), contact, d)
        outwards = jnp.where(from_left, jnp.minimum(slow, 0), jnp.maximum(fast, 0))
        rows = zip(law.flux(u, d), beside, _variables(law, u), strict=True)
        return jnp.stack([flux + outwards * (inner - outer) for flux, inner, outer in rows])


class Upwind(RiemannSolver):
    """The exact flux of a linear law, each characteristic taken from where it comes from (Godunov, 1959).

    For laws that know it by a method `upwind`, see `Acoustics`.
    """

    def check(self, law):
        _expect(law, ("upwind",), "Upwind needs a linear law that knows its characteristics")

    def __call__(self, law, left, right, d):
        return law.upwind(left, right, d)


def _outer_speeds(law: ConservationLaw, left: Side, right: Side, d: int):
    """Speeds of the slowest and the fastest wave between two states."""
    (slow, fast), (slow_too, fast_too) = law.speeds(left, d), law.speeds(right, d)
    return jnp.minimum(slow, slow_too), jnp.maximum(fast, fast_too)


def _variables(law: ConservationLaw, u: Side):
    """A state without the coefficients behind it."""
    return u[: len(law.names)]


def _expect(law: ConservationLaw, methods: tuple[str, ...], need: str) -> None:
    if not all(hasattr(law, method) for method in methods):
        has = f"{type(law).__name__} has no {' or '.join(methods)}"
        raise InvalidSettingError("riemann", f"{need}, {has}; take HLL or Rusanov, which fit every law")


def suited_to(law: ConservationLaw) -> RiemannSolver:
    """The sharpest solver that a law knows enough for."""
    if hasattr(law, "upwind"):
        return Upwind()
    return HLLC() if hasattr(law, "contact_speed") and hasattr(law, "beside_contact") else Rusanov()
