"""Names of what can be chosen, and where the classes are: for configs and what is made of them. Read without JAX."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
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


def names(kind: str) -> Iterable[str]:
    """What there is of a kind."""
    return CHOICES[kind]


def class_of(kind: str, name: str) -> Any:
    """The class of that name."""
    module, _, attribute = CHOICES[kind][name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def name_of(kind: str, made: Any) -> str:
    """The name of the class of an object."""
    return next(name for name in CHOICES[kind] if class_of(kind, name) is type(made))
