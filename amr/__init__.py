"""Block-structured adaptive meshes in JAX: forests of patches in fixed-capacity arrays. No physics in here."""

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
