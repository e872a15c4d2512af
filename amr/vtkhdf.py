"""The layout of our files: leaves in Parthenon's groups (for yt), and a /VTKHDF group on the same arrays (for VTK).

Both want every patch row-major with x fastest, so `field.data[v]`, of shape `(x, y, z, patches)`, goes into the file as
its transpose. Unused dimensions have one cell; they span [-0.5, 0.5] for yt and are flat, at 0, for VTK.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import h5py
import numpy as np

from .mesh import Mesh

# VTK's wheels come without other compressors; fletcher32 makes a flipped byte an error for every reader.
FILTERS = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
CHUNK_CELLS = 65536
BLOCK_CELLS = 2**20  # geometry is made in blocks, since all of it at once takes ten times the memory of a variable
RESERVED = ("Info", "Params", "Input", "Levels", "LogicalLocations", "Locations", "VTKHDF", "amr", "level")

# VTK's cell types by dimension (line, quad, voxel) and the order of their corners, as offsets (x, y, z).
CELL_TYPE = {1: 3, 2: 9, 3: 11}
CORNERS = {
    1: ((0,), (1,)),
    2: ((0, 0), (1, 0), (1, 1), (0, 1)),
    3: tuple((n & 1, n >> 1 & 1, n >> 2) for n in range(8)),
}


@dataclass(frozen=True)
class Leaves:
    """The leaves of a mesh on the host.

    **Attributes:** `mesh`; `level`, shape `(patches,)`; `position` on the own level, shape `(patches, ndim)`.
    """

    mesh: Mesh
    level: np.ndarray
    position: np.ndarray

    @property
    def count(self) -> int:
        return len(self.level)

    @property
    def cell_axes(self) -> tuple[int, ...]:
        """Cells of a patch along z, y, x; 1 where unused."""
        return (1,) * (3 - self.mesh.ndim) + self.mesh.patch_shape

    @property
    def patches_per_chunk(self) -> int:
        return min(self.count, max(1, CHUNK_CELLS // self.mesh.cells_per_patch))

    def faces(self, d: int) -> np.ndarray:
        """Face coordinates along dimension d, shape `(patches, patch + 1)`; the same bits wherever patches touch."""
        domain = self.mesh.domain
        index = self.position[:, d, None] * self.mesh.patch + np.arange(self.mesh.patch + 1)
        scale = 2.0 ** self.level[:, None]
        inside = domain.lower[d] + index * (self.mesh.cell_size(0)[d] / scale)
        return np.where(index == self.mesh.cells[d] * scale, domain.upper[d], inside)


def write_parthenon(file: h5py.File, leaves: Leaves, arrays: Mapping[str, np.ndarray], time: float, step: int) -> None:
    """Write the leaves and cell arrays (each of shape `(patches, *cells)`, row-major z, y, x) as Parthenon does."""
    for name, array in arrays.items():
        shape = (leaves.count, 1, *leaves.cell_axes)
        chunks = (leaves.patches_per_chunk, *shape[1:])
        file.create_dataset(name, data=array.reshape(shape), chunks=chunks, **FILTERS)
    position = np.zeros((leaves.count, 3), np.int64)
    position[:, : leaves.mesh.ndim] = leaves.position
    file.create_dataset("Levels", data=leaves.level.astype(np.int32), chunks=True, **FILTERS)
    file.create_dataset("LogicalLocations", data=position, chunks=True, **FILTERS)
    for d, axis in enumerate("xyz"):
        faces = leaves.faces(d) if d < leaves.mesh.ndim else np.tile([-0.5, 0.5], (leaves.count, 1))
        file.create_dataset(f"Locations/{axis}", data=faces, chunks=True, **FILTERS)
    file.create_group("Info").attrs.update(_info(leaves, list(arrays), time, step))
    file.create_group("Params")  # yt reads its attributes


def _info(leaves: Leaves, names: list[str], time: float, step: int) -> dict:
    """Attributes of /Info; their types are what yt expects."""
    mesh, domain = leaves.mesh, leaves.mesh.domain
    unused = 3 - mesh.ndim
    sides = [*zip(domain.lower, domain.upper, strict=True), *[(-0.5, 0.5)] * unused]
    faces = [face.name.lower() for pair in domain.boundaries for face in pair]
    return {
        "OutputFormatVersion": np.int32(3),
        "NumDims": np.int32(mesh.ndim),
        "Time": np.float64(time),
        "NCycle": np.int32(step),
        "Coordinates": "UniformCartesian",
        "NumMeshBlocks": np.int32(leaves.count),
        "MeshBlockSize": np.array(leaves.cell_axes[::-1], np.int32),
        "RootGridSize": np.array(_ones(mesh.cells), np.int32),
        "RootGridDomain": np.array([(low, high, 1.0) for low, high in sides]).ravel(),  # 1: evenly spaced
        "MaxLevel": np.int32(leaves.level.max()),
        "IncludesGhost": np.int32(0),
        "NGhost": np.int32(0),
        "OutputDatasetNames": _strings(names),
        "NumComponents": np.ones(len(names), np.uint64),
        "ComponentNames": _strings(names),
        # Nothing varies along an unused dimension, so it may as well wrap around.
        "BoundaryConditions": _strings([*faces, *["periodic"] * (2 * unused)]),
    }


def _ones(sizes: Sequence[int]) -> tuple[int, ...]:
    return (*sizes, *(1,) * (3 - len(sizes)))


def _strings(values: Sequence[str]) -> np.ndarray:
    return np.array(values, dtype=h5py.string_dtype())


def write_vtk(
    file: h5py.File, leaves: Leaves, arrays: Mapping[str, np.ndarray], vectors: Mapping[str, Sequence[str]]
) -> None:
    """Write /VTKHDF, an UnstructuredGrid of all cells; its cell data are views of what `write_parthenon` wrote.

    `vectors` names the (at most three) arrays that VTK shall see as one vector.
    """
    mesh, group = leaves.mesh, file.create_group("VTKHDF")
    group.attrs["Version"] = np.array([2, 0], np.int64)
    group.attrs.create("Type", np.bytes_("UnstructuredGrid"))
    cells, corners = leaves.count * mesh.cells_per_patch, len(CORNERS[mesh.ndim])
    points = (mesh.patch + 1) ** mesh.ndim
    counts = {"Points": leaves.count * points, "Cells": cells, "ConnectivityIds": cells * corners}
    for name, number in counts.items():
        group[f"NumberOf{name}"] = np.array([number], np.int64)
    _write_rows(group, "Points", leaves, points, _points(leaves), (3,), np.float64)
    _write_rows(group, "Connectivity", leaves, corners * mesh.cells_per_patch, _connectivity(mesh), (), np.int64)
    group.create_dataset("Offsets", data=np.arange(cells + 1) * corners, chunks=True, **FILTERS)
    group.create_dataset("Types", data=np.full(cells, CELL_TYPE[mesh.ndim], np.uint8), chunks=True, **FILTERS)
    data = group.create_group("CellData")
    level = np.repeat(leaves.level.astype(np.uint8), mesh.cells_per_patch)
    data.create_dataset("level", data=level, chunks=True, **FILTERS)
    for name, array in arrays.items():
        layout = h5py.VirtualLayout((cells,), array.dtype)
        layout[:] = _source(leaves, name, array)
        data.create_virtual_dataset(name, layout)
    for name, parts in vectors.items():
        layout = h5py.VirtualLayout((cells, 3), arrays[parts[0]].dtype)
        for column, part in enumerate(parts):
            layout[:, column] = _source(leaves, part, arrays[part])
        data.create_virtual_dataset(name, layout, fillvalue=0)


def _source(leaves: Leaves, name: str, array: np.ndarray) -> h5py.VirtualSource:
    return h5py.VirtualSource(".", name, (leaves.count, 1, *leaves.cell_axes), array.dtype)


def _write_rows(
    group: h5py.Group,
    name: str,
    leaves: Leaves,
    rows: int,
    make: Callable[[int, int], np.ndarray],
    columns: tuple[int, ...],
    dtype: type,
) -> None:
    """A dataset with `rows` rows a patch; `make(start, stop)` gives those of a range of patches."""
    shape, chunk = (leaves.count * rows, *columns), (leaves.patches_per_chunk * rows, *columns)
    dataset = group.create_dataset(name, shape, dtype, chunks=chunk, **FILTERS)
    block = leaves.patches_per_chunk * max(1, BLOCK_CELLS // CHUNK_CELLS)
    for start in range(0, leaves.count, block):
        stop = min(start + block, leaves.count)
        dataset[start * rows : stop * rows] = make(start, stop)


def _points(leaves: Leaves) -> Callable[[int, int], np.ndarray]:
    """Corners of the cells, patch after patch; patches do not share points."""
    ndim, side = leaves.mesh.ndim, leaves.mesh.patch + 1

    def make(start: int, stop: int) -> np.ndarray:
        some = Leaves(leaves.mesh, leaves.level[start:stop], leaves.position[start:stop])
        points = np.zeros((some.count, *(side,) * ndim, 3))
        for d in range(ndim):
            points[..., d] = some.faces(d).reshape(-1, *(side if k == d else 1 for k in reversed(range(ndim))))
        return points.reshape(-1, 3)

    return make


def _connectivity(mesh: Mesh) -> Callable[[int, int], np.ndarray]:
    """Numbers of the points at the corners of each cell."""
    side = mesh.patch + 1
    number = np.arange(side**mesh.ndim).reshape((side,) * mesh.ndim)
    corners = [
        number[tuple(slice(o, o + mesh.patch) for o in reversed(offset))].ravel() for offset in CORNERS[mesh.ndim]
    ]
    one = np.stack(corners, axis=-1).ravel()

    def make(start: int, stop: int) -> np.ndarray:
        return (np.arange(start, stop)[:, None] * number.size + one).ravel()

    return make
