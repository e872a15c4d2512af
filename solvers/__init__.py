"""Physics on adaptive meshes: equations, schemes, time stepping, the run loop, config files and the command line.

Names are imported when they are first used, so that the command line starts before JAX does.
"""

import importlib

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
    "Strang": "splitting",
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
