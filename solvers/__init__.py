"""Physics on adaptive meshes: equations, schemes, time stepping, the run loop, config files and the command line.

Names are imported when they are first used, so that the command line starts before JAX does.
"""

import importlib

_HOME = {
    "Advection": "equations",
    "CTU": "advection",
    "ConstantVelocity": "velocity",
    "FaceVelocity": "velocity",
    "Limiter": "limiter",
    "Minmod": "limiter",
    "MonotizedCentral": "limiter",
    "RunError": "driver",
    "Simulation": "simulation",
    "Solution": "simulation",
    "StreamFunction": "velocity",
    "Superbee": "limiter",
    "Unlimited": "limiter",
    "VanLeer": "limiter",
    "VectorPotential": "velocity",
    "Velocity": "velocity",
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
