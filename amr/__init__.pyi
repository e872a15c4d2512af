from . import (
    charts as charts,
    dumps as dumps,
    io as io,
    movie as movie,
    plot as plot,
    profile as profile,
    render as render,
    views as views,
)
from .errors import InvalidSettingError as InvalidSettingError
from .field import Field as Field, Gridded as Gridded, Patches as Patches, Units as Units
from .files import read as read
from .grid import (
    Boundary as Boundary,
    ByVariable as ByVariable,
    Dirichlet as Dirichlet,
    GhostFunction as GhostFunction,
    LimitedLinear as LimitedLinear,
    LimitedQuartic as LimitedQuartic,
    Neumann as Neumann,
    Outflow as Outflow,
    Periodic as Periodic,
    Prolongation as Prolongation,
    Quadratic as Quadratic,
    Quartic as Quartic,
    Robin as Robin,
    Split as Split,
    Symmetry as Symmetry,
    Wall as Wall,
)
from .mesh import Domain as Domain, Mesh as Mesh
from .refine import (
    AllOf as AllOf,
    AnyOf as AnyOf,
    AtMost as AtMost,
    Curvature as Curvature,
    Custom as Custom,
    Detail as Detail,
    Difference as Difference,
    Gradient as Gradient,
    Indicator as Indicator,
    Loehner as Loehner,
    PatchView as PatchView,
    Region as Region,
    UpTo as UpTo,
    Value as Value,
)
