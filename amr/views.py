"""Kinds of pictures: what users import of `amr.pictures.views`."""

from amr.pictures.views import (
    AlongLine as AlongLine,
)
from amr.pictures.views import (
    Coarsened as Coarsened,
)
from amr.pictures.views import (
    Levels as Levels,
)
from amr.pictures.views import (
    Projected as Projected,
)
from amr.pictures.views import (
    ThreeSlices as ThreeSlices,
)
from amr.pictures.views import (
    Values as Values,
)
from amr.pictures.views import (
    View as View,
)
