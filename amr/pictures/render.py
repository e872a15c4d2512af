"""Fields in PyVista (an extra, `pip install 'amrax[pyvista]'`): meshes, and pictures of 3D fields without a window."""

import os
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from PIL import Image

from amr.errors import InvalidSettingError
from amr.field import Field, checked_level, uniform
from amr.files import CELL_TYPE, LeavesOnHost

from .canvas import colour_map, data_range

TINY = 1e-6
BAR = {
    "vertical": True,
    "position_x": 0.88,
    "position_y": 0.25,
    "height": 0.5,
    "width": 0.06,
    "color": "black",
    "fmt": "%.3g",
    "title_font_size": 18,
    "label_font_size": 15,
}


def to_pyvista(field: Field):
    """All leaf cells as a `pyvista.UnstructuredGrid`, with the variables and `level` as cell data.

    Patches do not share points: call `clean()` on the grid before contours, or there are gaps between patches. The
    time is in `grid.field_data["time"]`. Raises `ImportError` without PyVista.
    """
    pyvista, leaves, mesh = _pyvista(), LeavesOnHost.of(field.mesh, field.forest), field.mesh
    corners = leaves.connectivity().reshape(-1, 2**mesh.ndim)
    grid = pyvista.UnstructuredGrid({CELL_TYPE[mesh.ndim]: corners}, leaves.points())
    grid.cell_data["level"] = leaves.cell_levels()
    values = np.asarray(field.data)[..., : field.count]
    for name, variable in zip(field.names, values, strict=True):
        grid.cell_data[name] = variable.T.ravel()  # patch after patch, in each x fastest
    grid.field_data["time"] = [float(field.time)]
    grid.set_active_scalars(field.names[0], "cell")
    return grid


@runtime_checkable
class Scene(Protocol):
    """What a picture in 3D shows of a variable."""

    def add(self, plotter: Any, field: Field, name: str, style: dict[str, Any]) -> None:
        """Put it into PyVista's plotter."""
        ...


@dataclass(frozen=True)
class Contours:
    """Surfaces of equal values.

    **Arguments:** `values`: numbers, or how many surfaces evenly spaced between the ends; `opacity`: 1 is opaque.
    """

    values: Any = 5
    opacity: float | int = 0.6

    def add(self, plotter: Any, field: Field, name: str, style: dict[str, Any]) -> None:
        low, high = style["clim"]
        if isinstance(self.values, int):
            values = np.linspace(low, high, self.values + 2)[1:-1]
        else:
            values = np.atleast_1d(self.values).astype(np.float64)
        surfaces = to_pyvista(field).clean().cell_data_to_point_data().contour(list(values), scalars=name)
        if not surfaces.n_points:
            found = f"{field.minimum(name):g} to {field.maximum(name):g}"
            raise InvalidSettingError("values", f"no surface at {values.tolist()}: {name} has {found}")
        plotter.add_mesh(surfaces, scalars=name, opacity=self.opacity, smooth_shading=True, **style)


@dataclass(frozen=True)
class Volume:
    """Glowing gas: what has larger values is brighter and hides more.

    **Arguments:** `level`: of the uniform grid it is resampled to, by default the finest; `opacity`: as PyVista has it.
    """

    level: Any = None
    opacity: Any = "linear"

    def add(self, plotter: Any, field: Field, name: str, style: dict[str, Any]) -> None:
        level, mesh = checked_level(field.mesh, self.level), field.mesh
        dx = np.asarray(mesh.cell_size(level))
        values = uniform(field, name, level)
        grid = _pyvista().ImageData(dimensions=values.shape, spacing=dx, origin=mesh.domain.lower + dx / 2)
        grid.point_data[name] = values.ravel(order="F")
        plotter.add_volume(grid, scalars=name, opacity=self.opacity, **style)


@dataclass(frozen=True)
class Planes:
    """Three slices through a point (default: the middle), with the cells as they are.

    **Arguments:** `at`: the point; `edges`: whether to draw the cells' edges.
    """

    at: Any = None
    edges: bool = False

    def add(self, plotter: Any, field: Field, name: str, style: dict[str, Any]) -> None:
        domain = field.mesh.domain
        x, y, z = np.add(domain.lower, domain.upper) / 2 if self.at is None else self.at
        slices = to_pyvista(field).slice_orthogonal(x=x, y=y, z=z)
        plotter.add_mesh(slices, scalars=name, show_edges=self.edges, lighting=False, **style)


def render(
    field: Field,
    name: str | int = 0,
    scene: Scene | None = None,
    *,
    path: str | os.PathLike | None = None,
    cmap: Any = "viridis",
    vmin: Any = None,
    vmax: Any = None,
    camera: Any = "iso",
    size: tuple[int, int] = (1024, 768),
    background: str = "white",
) -> Image.Image:
    """A picture of a field in 3D, made without a window: `render(field, "phi", Contours((0.2, 0.5)))`.

    **Arguments:**

    - `scene`: `Contours`, `Volume`, `Planes`, or what has such an `add`; by default `Contours()`.
    - `path`: where to save the picture as well, say `"phi.png"`.
    - `cmap`, `vmin`, `vmax`: colours and the range of values.
    - `camera`: `"iso"`, `"xy"`, ..., or any camera position of PyVista's; `size`: pixels; `background`: a colour.

    Returns a picture of Pillow's, which notebooks show. Raises `ImportError` without PyVista, `InvalidSettingError`
    in 1D and 2D, for unknown variables and colour maps, and for contours where there are none.
    """
    if field.mesh.ndim != 3:
        raise InvalidSettingError("field", f"rendering needs a field in 3D, this one has {field.mesh.ndim}D; use plot")
    pyvista, index = _pyvista(), field.index(name)
    low, high = data_range(field.patches().values[:, index])
    low = 0.0 if 0 < low < TINY * high else low  # a label of 3e-75 tells nobody anything
    clim = (low if vmin is None else vmin, high if vmax is None else vmax)
    label = field.names[index]
    plotter = pyvista.Plotter(off_screen=True, window_size=list(size))
    try:
        style = {"cmap": colour_map(cmap), "clim": clim, "scalar_bar_args": BAR | {"title": label}}
        plotter.set_background(background)
        (scene or Contours()).add(plotter, field, label, style)
        _frame(plotter, field)
        plotter.camera_position = camera
        plotter.camera.zoom(0.95)  # or the nearest corner is cut off
        picture = Image.fromarray(plotter.screenshot(return_img=True))
    finally:
        plotter.close()
    if path is not None:
        picture.save(path)
    return picture


def _frame(plotter: Any, field: Field) -> None:
    """The edges of the domain, its axes, and the time."""
    domain = field.mesh.domain
    bounds = [end for side in zip(domain.lower, domain.upper, strict=True) for end in side]
    plotter.add_mesh(_pyvista().Box(bounds).outline(), color="gray")
    plotter.add_axes(color="black")
    plotter.add_text(field.units.instant(f"t = {float(field.time):.4g}"), font_size=10, color="black")


def _pyvista():
    try:
        import pyvista
    except ImportError as error:
        raise ImportError("this needs PyVista: pip install 'amrax[pyvista]'") from error
    return pyvista
