"""Physics on adaptive meshes: equations, schemes, time stepping, the run loop, config files and the command line.

Names are imported when they are first used, so that the command line starts before JAX does.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for type checkers, which cannot see through `__getattr__`
    from .acoustics import Acoustics as Acoustics
    from .advection import CTU as CTU
    from .burgers import Burgers as Burgers
    from .checkpoint import Checkpoint as Checkpoint
    from .checkpoints import Checkpoints as Checkpoints
    from .compiling import enable_compilation_cache as enable_compilation_cache
    from .diffusivity import Arithmetic as Arithmetic
    from .diffusivity import ConstantDiffusivity as ConstantDiffusivity
    from .diffusivity import Diagonal as Diagonal
    from .diffusivity import Diffusivity as Diffusivity
    from .diffusivity import Harmonic as Harmonic
    from .diffusivity import NonlinearDiffusivity as NonlinearDiffusivity
    from .diffusivity import VariableDiffusivity as VariableDiffusivity
    from .driver import Interrupted as Interrupted
    from .driver import RunError as RunError
    from .equations import Advection as Advection
    from .equations import Diffusion as Diffusion
    from .euler import Euler as Euler
    from .implicit import SDIRK2 as SDIRK2
    from .implicit import BackwardEuler as BackwardEuler
    from .implicit import CrankNicolson as CrankNicolson
    from .implicit import Implicit as Implicit
    from .integrator import RK4 as RK4
    from .integrator import SSPRK2 as SSPRK2
    from .integrator import SSPRK3 as SSPRK3
    from .integrator import SSPRK54 as SSPRK54
    from .integrator import ForwardEuler as ForwardEuler
    from .integrator import Integrator as Integrator
    from .law import ConservationLaw as ConservationLaw
    from .limiter import Limiter as Limiter
    from .limiter import Minmod as Minmod
    from .limiter import MonotizedCentral as MonotizedCentral
    from .limiter import Superbee as Superbee
    from .limiter import Unlimited as Unlimited
    from .limiter import VanLeer as VanLeer
    from .lines import MethodOfLines as MethodOfLines
    from .measures import Extrema as Extrema
    from .measures import Integrals as Integrals
    from .measures import Line as Line
    from .measures import Points as Points
    from .measures import Slice as Slice
    from .reaction import Reaction as Reaction
    from .reconstruction import MUSCL as MUSCL
    from .reconstruction import PPM as PPM
    from .reconstruction import WENO5 as WENO5
    from .reconstruction import DonorCell as DonorCell
    from .reconstruction import Koren as Koren
    from .reconstruction import Reconstruction as Reconstruction
    from .reconstruction import Upwind3 as Upwind3
    from .reconstruction import Upwind5 as Upwind5
    from .records import Record as Record
    from .riemann import HLL as HLL
    from .riemann import HLLC as HLLC
    from .riemann import RiemannSolver as RiemannSolver
    from .riemann import Rusanov as Rusanov
    from .riemann import Upwind as Upwind
    from .shallow_water import ShallowWater as ShallowWater
    from .simulation import Simulation as Simulation
    from .simulation import Solution as Solution
    from .stabilized import RKL2 as RKL2
    from .steady import Elliptic as Elliptic
    from .steady import Equilibrium as Equilibrium
    from .strang import Strang as Strang
    from .transport import Place as Place
    from .velocity import AtRest as AtRest
    from .velocity import ConstantVelocity as ConstantVelocity
    from .velocity import FaceVelocity as FaceVelocity
    from .velocity import StreamFunction as StreamFunction
    from .velocity import VectorPotential as VectorPotential
    from .velocity import Velocity as Velocity

_HOME = {
    "Acoustics": "acoustics",
    "Advection": "equations",
    "Arithmetic": "diffusivity",
    "AtRest": "velocity",
    "BackwardEuler": "implicit",
    "Burgers": "burgers",
    "CTU": "advection",
    "Checkpoint": "checkpoint",
    "Checkpoints": "checkpoints",
    "ConservationLaw": "law",
    "ConstantDiffusivity": "diffusivity",
    "ConstantVelocity": "velocity",
    "CrankNicolson": "implicit",
    "Diagonal": "diffusivity",
    "Diffusion": "equations",
    "Diffusivity": "diffusivity",
    "DonorCell": "reconstruction",
    "Elliptic": "steady",
    "Equilibrium": "steady",
    "Euler": "euler",
    "Extrema": "measures",
    "FaceVelocity": "velocity",
    "ForwardEuler": "integrator",
    "HLL": "riemann",
    "HLLC": "riemann",
    "Harmonic": "diffusivity",
    "Implicit": "implicit",
    "Integrals": "measures",
    "Integrator": "integrator",
    "Interrupted": "driver",
    "Koren": "reconstruction",
    "Limiter": "limiter",
    "Line": "measures",
    "MUSCL": "reconstruction",
    "MethodOfLines": "lines",
    "Minmod": "limiter",
    "MonotizedCentral": "limiter",
    "NonlinearDiffusivity": "diffusivity",
    "PPM": "reconstruction",
    "Place": "transport",
    "Points": "measures",
    "RK4": "integrator",
    "RKL2": "stabilized",
    "Reaction": "reaction",
    "Reconstruction": "reconstruction",
    "Record": "records",
    "RiemannSolver": "riemann",
    "RunError": "driver",
    "Rusanov": "riemann",
    "SDIRK2": "implicit",
    "SSPRK2": "integrator",
    "SSPRK3": "integrator",
    "SSPRK54": "integrator",
    "ShallowWater": "shallow_water",
    "Simulation": "simulation",
    "Slice": "measures",
    "Solution": "simulation",
    "Strang": "strang",
    "StreamFunction": "velocity",
    "Superbee": "limiter",
    "Unlimited": "limiter",
    "Upwind": "riemann",
    "Upwind3": "reconstruction",
    "Upwind5": "reconstruction",
    "VanLeer": "limiter",
    "VariableDiffusivity": "diffusivity",
    "VectorPotential": "velocity",
    "Velocity": "velocity",
    "WENO5": "reconstruction",
    "enable_compilation_cache": "compiling",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name in _HOME.values() or name in ("cli", "problems"):
        return importlib.import_module(f".{name}", __name__)
    if name not in _HOME:
        raise AttributeError(f"module 'solvers' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
