"""What a file holds, in numbers: read from its header and its list of leaves, without JAX."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .header import boundary_names, header_in, reading

BLOCK = 2**22  # numbers that are looked at at once


@dataclass(frozen=True)
class FileInfo:
    """What a file of ours holds.

    **Attributes:**

    - `path`, `bytes`: the file and its size.
    - `time`, `step`: of the run that wrote it.
    - `names`, `derived`, `vectors`: variables of the equation, those computed from them, and what VTK sees as vectors.
    - `lower`, `upper`, `boundaries`: the domain; names of the boundaries, a pair for each dimension.
    - `cells`, `patch`, `max_level`, `capacity`: the root grid, the side of a patch, the highest level that there may
      be, the room of the pool.
    - `levels`: how many leaves there are of each level.
    - `computed`, `stored`: the precision of the run and of the file.
    - `resumable`: whether a run can go on from the file.
    - `config`: the text of the run's config, if there is one.
    - `units`: see `amr.Units.record`.
    - `ranges`: least and largest value of each variable; `None` where the values were not read.
    """

    path: Path
    bytes: int
    time: float
    step: int
    names: tuple[str, ...]
    derived: tuple[str, ...]
    vectors: tuple[str, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    boundaries: tuple[tuple[str, str], ...]
    cells: tuple[int, ...]
    patch: int
    max_level: int
    capacity: int
    levels: tuple[int, ...]
    computed: str
    stored: str
    resumable: bool
    config: str | None
    units: dict[str, Any]
    ranges: dict[str, tuple[float, float]] | None

    @property
    def ndim(self) -> int:
        """Dimensions of the domain."""
        return len(self.cells)

    @property
    def patches(self) -> int:
        """Leaves of all levels."""
        return sum(self.levels)

    @property
    def cell_count(self) -> int:
        """Cells of all leaves."""
        return self.patches * self.patch**self.ndim

    @property
    def fraction(self) -> float:
        """Cells over those of a uniform grid of the highest level that there may be."""
        return self.cell_count / (math.prod(self.cells) * 2 ** (self.ndim * self.max_level))


def file_info(path: str | os.PathLike, ranges: bool = False) -> FileInfo:
    """Read what a file holds; `ranges`: with the extrema of the variables, for which all values are read.

    Raises `FileError` if there is no such file, or it is damaged, not ours or from a newer version.
    """
    with reading(path) as file:
        header = header_in(file)
        mesh, domain = header["mesh"], header["mesh"]["domain"]
        names = tuple(header["names"])
        shown = file.read(_listed)
        return FileInfo(
            path=Path(path),
            bytes=os.stat(path).st_size,
            time=header["time"],
            step=header["step"],
            names=names,
            derived=tuple(name for name in shown if name not in names),
            vectors=file.read(lambda file: tuple(k for k, v in file["VTKHDF/CellData"].items() if v.ndim == 2)),
            lower=tuple(domain["lower"]),
            upper=tuple(domain["upper"]),
            boundaries=tuple((low.lower(), high.lower()) for low, high in boundary_names(header)),
            cells=tuple(mesh["cells"]),
            patch=mesh["patch"],
            max_level=mesh["max_level"],
            capacity=header["capacity"],
            levels=tuple(np.bincount(file.array("Levels")).tolist()),
            computed=header["computed"],
            stored=header["stored"],
            resumable=bool(header.get("restart")) and header["stored"] == header["computed"],
            config=header["config"],
            units=header.get("units", {}),
            ranges=file.read(lambda file: {name: _range(file[name]) for name in shown}) if ranges else None,
        )


def _listed(file: h5py.File) -> list[str]:
    """All variables, derived ones among them."""
    found = file["Info"].attrs["OutputDatasetNames"]
    return [str(name, "utf-8") if isinstance(name, bytes) else name for name in found]


def _range(data: h5py.Dataset) -> tuple[float, float]:
    """Least and largest value; NaN where there is one."""
    rows = max(1, BLOCK // max(1, math.prod(data.shape[1:])))
    blocks = (data[start : start + rows] for start in range(0, data.shape[0], rows))
    low, high = zip(*((block.min(), block.max()) for block in blocks), strict=True)
    return float(np.min(low)), float(np.max(high))
