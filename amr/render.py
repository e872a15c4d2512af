"""Pictures in three dimensions: what users import of `amr.pictures.render`."""

from amr.pictures.render import (
    Contours as Contours,
    Planes as Planes,
    Scene as Scene,
    Volume as Volume,
    render as render,
    to_pyvista as to_pyvista,
)
