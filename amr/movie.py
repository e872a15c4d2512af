"""Movies of a run: what users import of `amr.pictures.movie`."""

from amr.pictures.movie import (
    Frames as Frames,
)
from amr.pictures.movie import (
    movie as movie,
)
from amr.pictures.movie import (
    pixels as pixels,
)
from amr.pictures.movie import (
    shared_range as shared_range,
)
