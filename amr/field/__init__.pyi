from . import profile as profile
from .describe import is_concrete as is_concrete, picture as picture, table as table
from .field import Field as Field, Patches as Patches
from .gridded import Gridded as Gridded, GriddedLevels as GriddedLevels
from .line import Line as Line
from .plane import Plane as Plane, projection as projection, slice_position as slice_position
from .profile import Profile as Profile
from .resample import centres as centres, checked_level as checked_level, coarsened as coarsened, uniform as uniform
from .units import BASE as BASE, NO_UNITS as NO_UNITS, Units as Units
