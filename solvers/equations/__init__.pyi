from .acoustics import Acoustics as Acoustics
from .burgers import Burgers as Burgers
from .derived import (
    Derived as Derived,
    known_names as known_names,
    known_values as known_values,
    vectors_in as vectors_in,
)
from .diffusion import Diffusing as Diffusing, Faces as Faces, spreading as spreading
from .diffusivity import (
    Arithmetic as Arithmetic,
    ConstantDiffusivity as ConstantDiffusivity,
    Diagonal as Diagonal,
    Diffusivity as Diffusivity,
    Harmonic as Harmonic,
    Mean as Mean,
    NonlinearDiffusivity as NonlinearDiffusivity,
    VariableDiffusivity as VariableDiffusivity,
    not_negative as not_negative,
)
from .euler import Euler as Euler
from .law import ConservationLaw as ConservationLaw
from .law_trial import try_law as try_law, with_coefficients as with_coefficients
from .navier_stokes import NavierStokes as NavierStokes, NoSlip as NoSlip
from .reaction import Reaction as Reaction
from .scalars import Advection as Advection, Diffusion as Diffusion
from .shallow_water import ShallowWater as ShallowWater
from .terms import Equation as Equation, Here as Here, Limits as Limits, Term as Term, Terms as Terms
from .transport import Place as Place, Sites as Sites
from .velocity import (
    AtRest as AtRest,
    ConstantVelocity as ConstantVelocity,
    FaceVelocity as FaceVelocity,
    StreamFunction as StreamFunction,
    VectorPotential as VectorPotential,
    Velocity as Velocity,
)
from .viscous import Viscous as Viscous
