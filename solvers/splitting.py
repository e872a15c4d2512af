"""Splitting a step into parts that are solved one after the other."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array

from amr.errors import InvalidSettingError
from amr.transfer import Prolongation

from .advection import CTU
from .equations import Advection
from .implicit import Implicit
from .integrator import Integrator
from .law import ConservationLaw
from .lines import MethodOfLines
from .samples import Samples
from .stabilized import RKL2


class Strang(eqx.Module):
    """Symmetric splitting: half a step of reaction and of diffusion, a step of the flow, and the halves in reverse.

    Second order (Strang, SIAM J. Numer. Anal. 5, 1968), and each part by a method that suits it; a stiff reaction
    (`Reaction(.., stiff=True)`) by a linearly implicit one.

    **Arguments:**

    - `flow`: the scheme for the flow; default `CTU()`.
    - `diffusion`: the integrator of diffusion; default `RKL2()`.
    """

    flow: CTU | MethodOfLines
    diffusion: Integrator | RKL2 | Implicit

    def __init__(self, flow: CTU | MethodOfLines | None = None, diffusion: Integrator | RKL2 | Implicit | None = None):
        self.flow = CTU() if flow is None else flow
        self.diffusion = RKL2() if diffusion is None else diffusion
        if not isinstance(self.flow, CTU | MethodOfLines):
            raise InvalidSettingError("flow", f"expected a scheme such as solvers.CTU(), got {flow!r}")
        if not isinstance(self.flow.integrator, Integrator):
            raise InvalidSettingError("flow", "expected an explicit scheme; what diffuses is split off")
        if not isinstance(self.diffusion, Integrator | RKL2 | Implicit):
            raise InvalidSettingError("diffusion", f"expected an integrator such as solvers.RKL2(), got {diffusion!r}")

    @property
    def integrator(self) -> Integrator:
        """That of the flow."""
        assert isinstance(self.flow.integrator, Integrator), "checked before"
        return self.flow.integrator

    @property
    def bounded(self) -> bool:
        """Whether the flow keeps scalars within their initial range; diffusion does anyway."""
        return self.flow.bounded

    @property
    def ghost(self) -> int:
        return self.flow.ghost

    @property
    def prolongation(self) -> Prolongation:
        return self.flow.prolongation

    @property
    def times(self) -> tuple[float, ...]:
        return self.flow.times

    @property
    def points(self) -> int:
        return self.flow.points

    @property
    def default_cfl(self) -> float:
        return self.flow.default_cfl

    def combined(self, rates: list[Array]) -> Array:
        return self.flow.combined(rates)

    def check(self, equation: Advection | ConservationLaw) -> None:
        """Raise `InvalidSettingError` if there is nothing to split."""
        if isinstance(equation, ConservationLaw) or (equation.diffusing is None and equation.reaction is None):
            raise InvalidSettingError(
                "scheme", "Strang splits diffusion and reactions of scalars off, and there are none"
            )

    def transported(self, equation, u, samples: Samples, bounds, store) -> tuple[Array, ...]:
        """That of the flow."""
        return self.flow.transported(equation, u, samples, bounds, store)
