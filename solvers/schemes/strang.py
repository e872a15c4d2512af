"""Symmetric splitting of flow, diffusion and reaction."""

import equinox as eqx

from amr.errors import InvalidSettingError
from solvers.equations import Equation
from solvers.integrators import RKL2, Splitting, Stepper

from .ctu import CTU
from .lines import MethodOfLines


class Strang(eqx.Module):
    """Symmetric splitting: half a step of reaction and of diffusion, a step of the flow, and the halves in reverse.

    Second order (Strang, SIAM J. Numer. Anal. 5, 1968), and each part by a method that suits it; a stiff reaction
    (`Reaction(.., stiff=True)`) by a linearly implicit one.

    **Arguments:**

    - `flow`: the scheme for the flow; default `CTU()`.
    - `diffusion`: the integrator of diffusion; default `RKL2()`.
    """

    flow: CTU | MethodOfLines
    diffusion: Stepper

    def __init__(self, flow: CTU | MethodOfLines | None = None, diffusion: Stepper | None = None):
        self.flow = CTU() if flow is None else flow
        self.diffusion = RKL2() if diffusion is None else diffusion
        if not isinstance(self.flow, CTU | MethodOfLines):
            raise InvalidSettingError("flow", f"expected a scheme such as solvers.CTU(), got {flow!r}")
        if self.flow.integrator.of_diffusion or self.flow.integrator.splits:
            raise InvalidSettingError("flow", "expected an explicit scheme; what diffuses is split off")
        if not isinstance(self.diffusion, Stepper) or self.diffusion.splits:
            raise InvalidSettingError("diffusion", f"expected an integrator such as solvers.RKL2(), got {diffusion!r}")

    @property
    def space(self) -> CTU | MethodOfLines:
        """What finds the fluxes of the flow."""
        return self.flow

    @property
    def integrator(self) -> Splitting:
        """What takes the steps."""
        return Splitting(self.flow.integrator, self.diffusion)

    @property
    def default_cfl(self) -> float:
        """That of the flow."""
        return self.flow.default_cfl

    def check(self, equation: Equation) -> None:
        """Raise `InvalidSettingError` if there is nothing to split."""
        _, diffusion, reaction = equation.terms
        if diffusion is None and reaction is None:
            raise InvalidSettingError("scheme", "Strang splits diffusion and reactions off, and there are none")
        if equation.terms.law is not None:
            self.flow.check(equation)
        if reaction is not None and not hasattr(reaction, "reacted"):
            raise InvalidSettingError("scheme", "Strang needs reactions of single cells, such as solvers.Reaction")
