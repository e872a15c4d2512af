"""Movies of a run: one picture a field, all with the same scale of values and the same size.

Files are read one after the other, and twice: for the range of values, then for the pictures.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from amr.errors import InvalidSettingError
from amr.field import Field
from amr.files import dumps_in, load, replacing

from .encode import encoder
from .views import Values, View


def movie(
    fields: Any,
    path: str | os.PathLike,
    name: str | int = 0,
    *,
    fps: Any = 10,
    dpi: Any = 100,
    vmin: Any = None,
    vmax: Any = None,
    view: View | None = None,
    on_frame: Callable[[int, int], None] | None = None,
    **options,
) -> Path:
    """Make a movie of fields, of files that hold them, or of the dumps in a folder: `movie("runs/a", "a.gif")`.

    **Arguments:**

    - `path`: ends in `.gif`, or in `.mp4`, which needs ffmpeg (`pip install 'amrax[movie]'` brings it).
    - `name`: the variable; `options` are those of `amr.plot.plot`: `cmap`, `norm`, `patches`, `axis`, `at`, `title`,
      `contours`, ...
    - `view`: another kind of picture, of `amr.views`, instead of `name` and `options`.
    - `fps`: pictures a second; `dpi`: pixels an inch, for a longer side of about 5 inches.
    - `vmin`, `vmax`: the range of values; by default that of all fields.
    - `on_frame`: called with the number of pictures made and their total, to show progress.

    Returns the path. Raises `InvalidSettingError` for settings that cannot work, `FileError` for files that cannot be
    read; without ffmpeg `ImportError`. The movie is there whole or not at all.
    """
    path, fields = Path(path), _several(fields)
    if not fields:
        raise InvalidSettingError("fields", "expected at least one field or file, got none")
    if not fps > 0 or not dpi > 0:
        raise InvalidSettingError("fps" if dpi > 0 else "dpi", f"expected more than 0, got {dpi if fps > 0 else fps}")
    encode = encoder(path)
    view = view or Values(name, **options)
    vmin, vmax = shared_range(fields, view, vmin, vmax)
    with replacing(path) as temporary:
        encode(temporary, Frames(fields, view, vmin, vmax, dpi, on_frame), fps)
    return path


def _several(fields: Any) -> tuple:
    """The fields or files; of a folder, its dumps."""
    if isinstance(fields, Field):
        return (fields,)
    if not isinstance(fields, str | os.PathLike):
        return tuple(fields)
    if not Path(fields).is_dir():
        return (fields,)
    return tuple(dumps_in(Path(fields)))


def shared_range(fields: Sequence, view: View, vmin: Any, vmax: Any) -> tuple[float, float]:
    """The ends of a scale that suits all fields, where they are not given."""
    if vmin is not None and vmax is not None:
        return float(vmin), float(vmax)
    ends = np.array([view.range(load(field)) for field in fields])
    low, high = ends[:, 0].min(), ends[:, 1].max()
    return float(low if vmin is None else vmin), float(high if vmax is None else vmax)


class Frames:
    """Pictures as arrays of shape `(rows, columns, 3)`, 8 bits, made when they are asked for; all of the same size."""

    def __init__(self, fields: Sequence, view: View, vmin: Any, vmax: Any, dpi: Any, on_frame: Callable | None):
        self.fields, self.view, self.vmin, self.vmax, self.dpi = fields, view, vmin, vmax, dpi
        self.on_frame = on_frame
        self._shape: tuple[int, ...] | None = None  # of the first picture that was made

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns and colours of every picture."""
        return self._shape or self[0].shape

    def __len__(self) -> int:
        return len(self.fields)

    def __getitem__(self, number: int) -> np.ndarray:
        frame = pixels(self.view.draw(load(self.fields[number]), self.vmin, self.vmax), self.dpi)
        self._shape = self._shape or frame.shape
        if self._shape != frame.shape:
            message = f"picture {number} has another size than the first; are all fields of the same domain?"
            raise InvalidSettingError("fields", message)
        return frame

    def __iter__(self) -> Iterator[np.ndarray]:
        for number in range(len(self)):
            yield self[number]
            if self.on_frame is not None:
                self.on_frame(number + 1, len(self))


def pixels(figure: Figure, dpi: Any) -> np.ndarray:
    """A figure as an array of shape `(rows, columns, 3)`; both even, as MP4 needs them."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3]
    return np.pad(image, [(0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)], constant_values=255)
