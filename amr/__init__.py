"""Block-structured adaptive meshes in JAX: forests of patches in fixed-capacity arrays. No physics in here."""

import importlib

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
from .mesh import Mesh
from .transfer import LimitedLinear, LimitedQuartic, Prolongation, Quadratic, Quartic

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
]


def __getattr__(name: str):
    """Files and pictures, imported when they are first used: h5py and matplotlib take their time."""
    if name in ("io", "plot"):
        return importlib.import_module(f".{name}", __name__)
    if name == "read":
        return importlib.import_module(".io", __name__).read
    raise AttributeError(f"module 'amr' has no attribute {name!r}")
