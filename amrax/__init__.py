"""All of Amrax in one import: `amrax.Mesh` is `amr.Mesh`, and `amrax.Simulation` is `solvers.Simulation`.

Names are imported when they are first used, as in these two packages.
"""

import importlib.metadata
from typing import Any

import amr
import solvers

__all__ = [*amr.__all__, *solvers.__all__]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.metadata.version("amrax")
    for package in (amr, solvers):
        if name in package.__all__:
            return getattr(package, name)
    raise AttributeError(f"No amrax attribute {name}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
