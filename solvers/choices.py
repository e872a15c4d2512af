"""Names of what can be chosen, and where the classes are: for configs and what is made of them. Read without JAX."""

import importlib
from typing import Any

CHOICES: dict[str, dict[str, str]] = {
    "limiter": {
        "mc": "solvers:MonotizedCentral",
        "van_leer": "solvers:VanLeer",
        "minmod": "solvers:Minmod",
        "superbee": "solvers:Superbee",
        "none": "solvers:Unlimited",
    },
    "reconstruction": {
        "donor_cell": "solvers:DonorCell",
        "muscl": "solvers:MUSCL",
        "koren": "solvers:Koren",
        "upwind3": "solvers:Upwind3",
        "upwind5": "solvers:Upwind5",
        "ppm": "solvers:PPM",
        "weno5": "solvers:WENO5",
    },
    "riemann": {
        "rusanov": "solvers:Rusanov",
        "hll": "solvers:HLL",
        "hllc": "solvers:HLLC",
        "upwind": "solvers:Upwind",
    },
    "integrator": {
        "forward_euler": "solvers:ForwardEuler",
        "ssprk2": "solvers:SSPRK2",
        "ssprk3": "solvers:SSPRK3",
        "ssprk54": "solvers:SSPRK54",
        "rk4": "solvers:RK4",
    },
    "diffusion": {
        "rkl2": "solvers:RKL2",
        "backward_euler": "solvers:BackwardEuler",
        "crank_nicolson": "solvers:CrankNicolson",
        "sdirk2": "solvers:SDIRK2",
    },
    "indicator": {
        "value": "amr:Value",
        "difference": "amr:Difference",
        "gradient": "amr:Gradient",
        "curvature": "amr:Curvature",
        "detail": "amr:Detail",
        "loehner": "amr:Loehner",
    },
}


# What all of a kind are, also those of a user's own, which configs name as "module:name".
BASES = {
    "limiter": "solvers:Limiter",
    "reconstruction": "solvers:Reconstruction",
    "riemann": "solvers:RiemannSolver",
    "integrator": "solvers:Stepper",
    "diffusion": "solvers:Stepper",
}


def class_of(kind: str, name: str) -> Any:
    """The class of that name."""
    return _found(CHOICES[kind][name])


def base_of(kind: str) -> Any:
    """The class that all of a kind are derived from."""
    return _found(BASES[kind])


def _found(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def name_of(kind: str, made: Any) -> str:
    """The name of the class of an object."""
    return next(name for name in CHOICES[kind] if class_of(kind, name) is type(made))
