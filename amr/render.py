"""Pictures in three dimensions: what users import of `amr.pictures.render`."""

from amr.pictures.render import (
    Contours as Contours,
)
from amr.pictures.render import (
    Planes as Planes,
)
from amr.pictures.render import (
    Scene as Scene,
)
from amr.pictures.render import (
    Volume as Volume,
)
from amr.pictures.render import (
    render as render,
)
from amr.pictures.render import (
    to_pyvista as to_pyvista,
)
