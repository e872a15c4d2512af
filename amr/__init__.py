"""Block-structured adaptive meshes in JAX: forests of patches in fixed-capacity arrays. No physics in here."""

import importlib

from .domain import Boundary, Domain, Outflow, Periodic
from .errors import InvalidSettingError
from .field import Field, Patches
from .indicator import AnyOf, Custom, Difference, Gradient, Indicator, PatchView, Region, Value
from .mesh import Mesh
from .transfer import LimitedLinear, Linear, Prolongation

__all__ = [
    "AnyOf",
    "Boundary",
    "Custom",
    "Difference",
    "Domain",
    "Field",
    "Gradient",
    "Indicator",
    "InvalidSettingError",
    "LimitedLinear",
    "Linear",
    "Mesh",
    "Outflow",
    "PatchView",
    "Patches",
    "Periodic",
    "Prolongation",
    "Region",
    "Value",
]


def __getattr__(name: str):
    """Files and pictures, imported when they are first used: h5py and matplotlib take their time."""
    if name in ("io", "plot"):
        return importlib.import_module(f".{name}", __name__)
    if name == "read":
        return importlib.import_module(".io", __name__).read
    raise AttributeError(f"module 'amr' has no attribute {name!r}")
