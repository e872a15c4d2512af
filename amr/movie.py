"""Movies of a run: what users import of `amr.pictures.movie`."""

from amr.pictures.movie import (
    Frames as Frames,
    movie as movie,
    pixels as pixels,
    shared_range as shared_range,
)
