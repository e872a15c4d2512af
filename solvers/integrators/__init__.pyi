from .base import (
    Effort as Effort,
    Evolution as Evolution,
    Moment as Moment,
    Stepper as Stepper,
    Weights as Weights,
    Workspace as Workspace,
)
from .explicit import (
    RK4 as RK4,
    SSPRK2 as SSPRK2,
    SSPRK3 as SSPRK3,
    SSPRK54 as SSPRK54,
    ForwardEuler as ForwardEuler,
    Integrator as Integrator,
    Stage as Stage,
)
from .implicit import (
    SDIRK2 as SDIRK2,
    BackwardEuler as BackwardEuler,
    CrankNicolson as CrankNicolson,
    Implicit as Implicit,
)
from .pointwise import jacobian as jacobian, linearly_implicit as linearly_implicit, midpoint as midpoint
from .splitting import Splitting as Splitting
from .stabilized import RKL2 as RKL2
