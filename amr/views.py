"""Kinds of pictures: what users import of `amr.pictures.views`."""

from amr.pictures.views import (
    AlongLine as AlongLine,
    Coarsened as Coarsened,
    Levels as Levels,
    Projected as Projected,
    ThreeSlices as ThreeSlices,
    Values as Values,
    View as View,
)
