"""The layout of our files: leaves in Parthenon's groups (for yt), and a /VTKHDF group on the same arrays (for VTK).

Both want every patch row-major with x fastest, so `field.data[v]`, of shape `(x, y, z, patches)`, goes into the file as
its transpose. Unused dimensions have one cell; they span [-0.5, 0.5] for yt and are flat, at 0, for VTK.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import h5py
import numpy as np

from amr.mesh import Forest, Mesh

# VTK's wheels come without other compressors; fletcher32 makes a flipped byte an error for every reader.
FILTERS = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
CHUNK_CELLS = 65536
RESERVED = ("Info", "Params", "Input", "Levels", "LogicalLocations", "Locations", "VTKHDF", "amr", "level")

# VTK's cell types by dimension (line, quad, voxel) and the order of their corners, as offsets (x, y, z).
CELL_TYPE = {1: 3, 2: 9, 3: 11}
CORNERS = {
    1: ((0,), (1,)),
    2: ((0, 0), (1, 0), (1, 1), (0, 1)),
    3: tuple((n & 1, n >> 1 & 1, n >> 2) for n in range(8)),
}


@dataclass(frozen=True)
class LeavesOnHost:
    """The leaves of a mesh on the host.

    **Attributes:** `mesh`; `level`, shape `(patches,)`; `position` on the own level, shape `(patches, ndim)`; `start`:
    the number of the first one, where these are some of more.
    """

    mesh: Mesh
    level: np.ndarray
    position: np.ndarray
    start: int = 0

    @staticmethod
    def of(mesh: Mesh, forest: Forest) -> LeavesOnHost:
        """Those of a forest, cut on the host: JAX would compile a slice for every new number of patches."""
        n = int(forest.count)
        return LeavesOnHost(mesh, np.asarray(forest.level)[:n], np.asarray(forest.position).T[:n])

    def some(self, start: int, stop: int) -> LeavesOnHost:
        """Those from number `start` to `stop`."""
        return LeavesOnHost(self.mesh, self.level[start:stop], self.position[start:stop], start)

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

    def points(self) -> np.ndarray:
        """Corners of the cells, patch after patch, shape `(points, 3)`; patches do not share points."""
        ndim, side = self.mesh.ndim, self.mesh.patch + 1
        points = np.zeros((self.count, *(side,) * ndim, 3))
        for d in range(ndim):
            points[..., d] = self.faces(d).reshape(-1, *(side if k == d else 1 for k in reversed(range(ndim))))
        return points.reshape(-1, 3)

    def connectivity(self) -> np.ndarray:
        """Numbers of the points at the corners of each cell."""
        ndim, patch = self.mesh.ndim, self.mesh.patch
        number = np.arange((patch + 1) ** ndim).reshape((patch + 1,) * ndim)
        corners = [number[tuple(slice(o, o + patch) for o in reversed(offset))].ravel() for offset in CORNERS[ndim]]
        one = np.stack(corners, axis=-1).ravel()
        return (np.arange(self.start, self.start + self.count)[:, None] * number.size + one).ravel()

    def types(self) -> np.ndarray:
        """What each cell is to VTK."""
        return np.full(self.count * self.mesh.cells_per_patch, CELL_TYPE[self.mesh.ndim], np.uint8)

    def cell_levels(self) -> np.ndarray:
        """The level of each cell."""
        return np.repeat(self.level.astype(np.uint8), self.mesh.cells_per_patch)


@dataclass
class GeometryCache:
    """Chunks of geometry as they lie in a file, so that the next file of a run need not compress the same again.

    Most of what VTK wants to know, and most of the time it takes to write it, follows from the numbers of patches and
    cells alone, or from leaves that have not changed. Only chunks that the last file used are kept.
    """

    last: dict[Hashable, tuple[int, bytes]] = field(default_factory=dict)
    new: dict[Hashable, tuple[int, bytes]] = field(default_factory=dict)

    def finish(self) -> None:
        """A file is done."""
        self.last, self.new = self.new, {}

    def write(self, dataset: h5py.Dataset, start: int, stop: int, key: Hashable, make: Callable) -> None:
        """Write the chunk from row `start` to `stop`: one that is known by this key, or what `make()` gives."""
        key = (dataset.name, dataset.chunks, stop - start, key)
        place = (start,) + (0,) * (dataset.ndim - 1)
        if (known := self.last.get(key)) is not None:
            dataset.id.write_direct_chunk(place, known[1], filter_mask=known[0])
        else:
            dataset[start:stop] = make()
            dataset.flush()
            known = dataset.id.read_direct_chunk(place)
        self.new[key] = known


def write_parthenon(
    file: h5py.File,
    leaves: LeavesOnHost,
    arrays: Mapping[str, np.ndarray],
    time: float,
    step: int,
    filters: Mapping[str, object] = FILTERS,
) -> None:
    """Write the leaves and cell arrays (each of shape `(patches, *cells)`, row-major z, y, x) as Parthenon does.

    `filters` are those of the cell arrays.
    """
    for name, array in arrays.items():
        shape = (leaves.count, 1, *leaves.cell_axes)
        chunks = (leaves.patches_per_chunk, *shape[1:])
        file.create_dataset(name, data=array.reshape(shape), chunks=chunks, **filters)
    position = np.zeros((leaves.count, 3), np.int64)
    position[:, : leaves.mesh.ndim] = leaves.position
    file.create_dataset("Levels", data=leaves.level.astype(np.int32), chunks=True, **FILTERS)
    file.create_dataset("LogicalLocations", data=position, chunks=True, **FILTERS)
    for d, axis in enumerate("xyz"):
        faces = leaves.faces(d) if d < leaves.mesh.ndim else np.tile([-0.5, 0.5], (leaves.count, 1))
        file.create_dataset(f"Locations/{axis}", data=faces, chunks=True, **FILTERS)
    file.create_group("Info").attrs.update(_info(leaves, list(arrays), time, step))
    file.create_group("Params")  # yt reads its attributes


def _info(leaves: LeavesOnHost, names: list[str], time: float, step: int) -> dict:
    """Attributes of /Info; their types are what yt expects."""
    mesh, domain = leaves.mesh, leaves.mesh.domain
    unused = 3 - mesh.ndim
    sides = [*zip(domain.lower, domain.upper, strict=True), *[(-0.5, 0.5)] * unused]
    faces = [kind for flag in domain.periodic for kind in ["periodic" if flag else "outflow"] * 2]
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
    file: h5py.File,
    leaves: LeavesOnHost,
    arrays: Mapping[str, np.ndarray],
    vectors: Mapping[str, Sequence[str]],
    time: float,
    geometry: GeometryCache,
) -> None:
    """Write /VTKHDF, an UnstructuredGrid of all cells; its cell data are views of what `write_parthenon` wrote.

    `vectors` names the (at most three) arrays that VTK shall see as one vector; `geometry` serves file after file.
    """
    mesh, group = leaves.mesh, file.create_group("VTKHDF")
    group.attrs["Version"] = np.array([2, 0], np.int64)
    group.attrs.create("Type", np.bytes_("UnstructuredGrid"))
    cells, corners = leaves.count * mesh.cells_per_patch, len(CORNERS[mesh.ndim])
    points = (mesh.patch + 1) ** mesh.ndim
    counts = {"Points": leaves.count * points, "Cells": cells, "ConnectivityIds": cells * corners}
    for name, number in counts.items():
        group[f"NumberOf{name}"] = np.array([number], np.int64)
    # VTK takes no time from a group `Steps` of a single step; field data reach ParaView and PyVista as they are.
    group.create_dataset("FieldData/TimeValue", data=np.array([time]), chunks=True, **FILTERS)
    data = group.create_group("CellData")
    _write_rows(group, "Points", leaves, geometry, LeavesOnHost.points)
    _write_rows(group, "Connectivity", leaves, geometry, LeavesOnHost.connectivity)
    _write_rows(group, "Types", leaves, geometry, LeavesOnHost.types)
    _write_rows(data, "level", leaves, geometry, LeavesOnHost.cell_levels)
    _write_offsets(group, cells + 1, corners, geometry)
    geometry.finish()
    for name, array in arrays.items():
        layout = h5py.VirtualLayout((cells,), array.dtype)
        layout[:] = _source(leaves, name, array)
        data.create_virtual_dataset(name, layout)
    for name, parts in vectors.items():
        layout = h5py.VirtualLayout((cells, 3), arrays[parts[0]].dtype)
        for column, part in enumerate(parts):
            layout[:, column] = _source(leaves, part, arrays[part])
        data.create_virtual_dataset(name, layout, fillvalue=0)


def _source(leaves: LeavesOnHost, name: str, array: np.ndarray) -> h5py.VirtualSource:
    return h5py.VirtualSource(".", name, (leaves.count, 1, *leaves.cell_axes), array.dtype)


def _write_rows(
    group: h5py.Group,
    name: str,
    leaves: LeavesOnHost,
    geometry: GeometryCache,
    make: Callable[[LeavesOnHost], np.ndarray],
) -> None:
    """A dataset of the rows that `make` gives for leaves, as many for each of them, chunk by chunk: all of it at once
    takes ten times the memory of a variable."""
    one, some = make(leaves.some(0, 1)), leaves.patches_per_chunk
    rows, columns = len(one), one.shape[1:]
    shape, chunk = (leaves.count * rows, *columns), (some * rows, *columns)
    dataset = group.create_dataset(name, shape, one.dtype, chunks=chunk, **FILTERS)
    for start in range(0, leaves.count, some):
        part = leaves.some(start, start + some)
        made = functools.partial(make, part)
        geometry.write(dataset, start * rows, (start + part.count) * rows, KEYS[name](part), made)


def _write_offsets(group: h5py.Group, count: int, corners: int, geometry: GeometryCache) -> None:
    """Where the corners of each cell begin in `Connectivity`; one more than there are cells."""
    chunk = min(CHUNK_CELLS, count)
    dataset = group.create_dataset("Offsets", (count,), np.int64, chunks=(chunk,), **FILTERS)
    for start in range(0, count, chunk):
        stop = min(start + chunk, count)
        made = functools.partial(np.arange, start * corners, stop * corners, corners)
        geometry.write(dataset, start, stop, (start, corners), made)


# What rows follow from: they are equal where this is.
KEYS: dict[str, Callable[[LeavesOnHost], Hashable]] = {
    "Points": lambda leaves: (leaves.mesh, leaves.level.tobytes(), leaves.position.tobytes()),
    "Connectivity": lambda leaves: (leaves.mesh.patch_shape, leaves.start),
    "Types": lambda leaves: leaves.mesh.patch_shape,
    "level": lambda leaves: (leaves.mesh.cells_per_patch, leaves.level.tobytes()),
}
