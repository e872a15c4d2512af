"""Block-structured adaptive meshes in JAX: forests of patches in fixed-capacity arrays. No physics in here.

Names are imported when they are first used, so that what needs no JAX, such as a look into a file, starts at once.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for type checkers, which cannot see through `__getattr__`
    from . import io as io
    from . import plot as plot
    from .boundary import (
        Boundary,
        ByVariable,
        Dirichlet,
        GhostFunction,
        Neumann,
        Outflow,
        Periodic,
        Robin,
        Split,
        Symmetry,
        Wall,
    )
    from .criteria import Curvature, Detail, Difference, Gradient, Loehner, Value
    from .domain import Domain
    from .errors import InvalidSettingError
    from .field import Field, Patches
    from .indicator import AllOf, AnyOf, Custom, Indicator, PatchView, Region, UpTo
    from .io import read as read
    from .mesh import Mesh
    from .transfer import LimitedLinear, LimitedQuartic, Prolongation, Quadratic, Quartic

_HOME = {
    "AllOf": "indicator",
    "AnyOf": "indicator",
    "Boundary": "boundary",
    "ByVariable": "boundary",
    "Curvature": "criteria",
    "Custom": "indicator",
    "Detail": "criteria",
    "Difference": "criteria",
    "Dirichlet": "boundary",
    "Domain": "domain",
    "Field": "field",
    "GhostFunction": "boundary",
    "Gradient": "criteria",
    "Indicator": "indicator",
    "InvalidSettingError": "errors",
    "LimitedLinear": "transfer",
    "LimitedQuartic": "transfer",
    "Loehner": "criteria",
    "Mesh": "mesh",
    "Neumann": "boundary",
    "Outflow": "boundary",
    "PatchView": "indicator",
    "Patches": "field",
    "Periodic": "boundary",
    "Prolongation": "transfer",
    "Quadratic": "transfer",
    "Quartic": "transfer",
    "Region": "indicator",
    "Robin": "boundary",
    "Split": "boundary",
    "Symmetry": "boundary",
    "UpTo": "indicator",
    "Value": "criteria",
    "Wall": "boundary",
    "read": "io",
}

__all__ = [
    "AllOf",
    "AnyOf",
    "Boundary",
    "ByVariable",
    "Curvature",
    "Custom",
    "Detail",
    "Difference",
    "Dirichlet",
    "Domain",
    "Field",
    "GhostFunction",
    "Gradient",
    "Indicator",
    "InvalidSettingError",
    "LimitedLinear",
    "LimitedQuartic",
    "Loehner",
    "Mesh",
    "Neumann",
    "Outflow",
    "PatchView",
    "Patches",
    "Periodic",
    "Prolongation",
    "Quadratic",
    "Quartic",
    "Region",
    "Robin",
    "Split",
    "Symmetry",
    "UpTo",
    "Value",
    "Wall",
    "read",
]


MODULES = ("charts", "dumps", "io", "movie", "plot", "profile", "render", "views")


def __getattr__(name: str):
    """Public names and the modules they come from; so are files (`io`) and pictures (`plot`)."""
    if name in (*_HOME.values(), *MODULES):
        return importlib.import_module(f".{name}", __name__)
    if name not in _HOME:
        raise AttributeError(f"module 'amr' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *MODULES])
