from .criteria import (
    Curvature as Curvature,
    Custom as Custom,
    Detail as Detail,
    Difference as Difference,
    Gradient as Gradient,
    Loehner as Loehner,
    Value as Value,
)
from .indicator import (
    AllOf as AllOf,
    AnyOf as AnyOf,
    Indicator as Indicator,
    PatchView as PatchView,
    UpTo as UpTo,
)
from .regions import AtMost as AtMost, Region as Region
from .regridding import Regridded as Regridded, regrid as regrid, wishes_near as wishes_near
