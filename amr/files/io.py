"""Fields on disk: one HDF5 file each, which `read` restarts from and which yt, ParaView, VTK and PyVista open.

`vtkhdf` has the layout. This module adds the group /amr, with what only we need, and sees to it that a file is either
whole or not there, and that a damaged one is found out. yt's `covering_grid` gives 0 where the data are finer than the
level asked for (parents are not stored); use its `arbitrary_grid`.
"""

import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from amr.errors import InvalidSettingError
from amr.field import Field, Units
from amr.mesh import Domain, Forest, Mesh

from .header import FORMAT, SUFFIX, Contents, FileError, header_in, read_header, reading
from .vtkhdf import FILTERS, RESERVED, GeometryCache, LeavesOnHost, write_parthenon, write_vtk
from .whole import replacing, write_whole

PRECISIONS = ("float32", "float64")
__all__ = ["SUFFIX", "FileError", "read", "read_config", "read_header", "write", "write_series"]


def write(
    field: Field,
    path: str | os.PathLike,
    *,
    config: str | None = None,
    precision: str | None = None,
    derived: Mapping[str, Float[Array | np.ndarray, "*cells patches"]] | None = None,
    vectors: Mapping[str, Sequence[str]] | None = None,
    restart: Mapping[str, Any] | None = None,
    compression: Any = 1,
    geometry: GeometryCache | None = None,
) -> None:
    """Write a field to one HDF5 file, `*.vtkhdf`, for a restart and for yt, ParaView, VTK and PyVista.

    The file appears under its name only when it is complete; after an error, what was there before is still there.
    Missing folders are made.

    **Arguments:**

    - `config`: text kept in the file, say the config of the run; `read_config` gives it back.
    - `precision`: `"float32"` to save space, otherwise that of the data. What was rounded is good for pictures, but
      no run goes on exactly from it, and `read` asks for consent.
    - `derived`: more variables for the other programs, each of shape `(*cells, capacity)`; `read` ignores them.
    - `vectors`: variables (of the field or derived) that VTK shall see as the components of one vector:
      `{"velocity": ("u", "v")}`. They take no room, but VTK needs seconds to read a million of them.
    - `compression`: of the variables, from 0 (none: four times as fast to write) to 9 (gzip's best).
    - `geometry`: kept from one file of a run to the next, an `amr.files.vtkhdf.GeometryCache()` saves compressing it
      again.
    - `restart`: what a run needs besides the field to go on, as JSON can say it; `read_header` gives it back.

    Raises `InvalidSettingError` for names or precisions that cannot be written, `OSError` if the disk says no.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise InvalidSettingError("path", f"{str(path)!r} must end in {SUFFIX}, or ParaView and yt do not know it")
    derived, vectors = derived or {}, vectors or {}
    _check_names((*field.names, *derived, *vectors), vectors)
    filters = _filters(compression)
    arrays = _file_arrays(field, derived, _stored_dtype(field, precision))
    leaves = LeavesOnHost.of(field.mesh, field.forest)
    # In memory first: where a disk is full, HDF5 does not always survive it.
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        write_parthenon(file, leaves, arrays, float(field.time), int(field.step), filters)
        file.create_group("Input").attrs["File"] = config or ""
        write_vtk(file, leaves, arrays, vectors, float(field.time), geometry or GeometryCache())
        _write_header(file, field, arrays, config, restart)
        file.flush()
        image = file.id.get_file_image()
    with replacing(path) as temporary:
        temporary.write_bytes(image)


def read(path: str | os.PathLike, *, dtype: str | None = None) -> Field:
    """Read a field that `write` wrote: the same mesh, leaves, capacity, names, time, step and bits of data.

    `dtype` (`"float32"` or `"float64"`) converts the data. Only with it are files read that cannot give the exact
    state: float64 files while JAX's float64 is off, and files written with reduced precision.

    Raises `FileError` if there is no such file, or it is damaged, not ours, or from a newer version, or not exact.
    """
    with reading(path) as file:
        header = header_in(file)
        stored, wanted = np.dtype(header["stored"]), np.dtype(dtype or header["stored"])
        _check_exact(path, header, dtype)
        mesh = _mesh_from(header["mesh"])
        forest = _read_forest(file, header, mesh)
        data = np.zeros((len(header["names"]), *mesh.patch_shape, header["capacity"]), wanted)
        for v, name in enumerate(header["names"]):
            values = _checked(file, header, name, stored)
            data[v, ..., : header["count"]] = values.reshape(-1, *mesh.patch_shape).T
    units = Units(**header.get("units", {}))
    return Field(mesh, forest, jnp.asarray(data), tuple(header["names"]), header["time"], header["step"], units)


def read_config(path: str | os.PathLike) -> str | None:
    """The text that was given to `write` as `config`. Raises `FileError` as `read` does."""
    with reading(path) as file:
        return header_in(file)["config"]


def write_series(path: str | os.PathLike, entries: Iterable[tuple[str | os.PathLike, float]]) -> None:
    """Write the list of a run's files, `*.vtkhdf.series`, that ParaView opens as one animation with times.

    `entries` are pairs of a file's path and its time. The names are stored relative to the list, so that the folder
    can be moved.
    """
    path = Path(path)
    if not path.name.endswith(f"{SUFFIX}.series"):
        raise InvalidSettingError("path", f"{str(path)!r} must end in {SUFFIX}.series, or ParaView does not know it")
    files = [{"name": os.path.relpath(name, path.parent), "time": float(time)} for name, time in entries]
    text = json.dumps({"file-series-version": "1.0", "files": files}, indent=1, allow_nan=False)
    write_whole(path, text + "\n")


def _check_names(names: tuple[str, ...], vectors: Mapping[str, Sequence[str]]) -> None:
    for name in names:
        if not name or "/" in name or name in RESERVED or name == ".":
            raise InvalidSettingError("names", f"{name!r} cannot name a variable in a file; rename it")
    if len(set(names)) < len(names):
        raise InvalidSettingError("names", f"each name may come once only, got {', '.join(names)}")
    for vector, parts in vectors.items():
        if not 1 <= len(parts) <= 3 or not set(parts) <= set(names) - set(vectors):
            raise InvalidSettingError("vectors", f"{vector!r} needs one to three variables, got {list(parts)}")


def _filters(compression: Any) -> dict[str, Any]:
    """HDF5's filters: none of them can be read by fewer programs than the others."""
    if isinstance(compression, bool) or not isinstance(compression, int) or not 0 <= compression <= 9:
        raise InvalidSettingError("compression", f"expected a whole number from 0 to 9, got {compression!r}")
    return FILTERS | {"compression_opts": compression} if compression else {"fletcher32": True}


def _stored_dtype(field: Field, precision: str | None) -> np.dtype:
    name = precision or str(field.data.dtype)
    if name not in PRECISIONS:
        raise InvalidSettingError("precision", f"expected {' or '.join(PRECISIONS)}, got {name}")
    return np.dtype(name)


def _file_arrays(field: Field, derived: Mapping[str, Array | np.ndarray], dtype: np.dtype) -> dict[str, np.ndarray]:
    """All variables of the active patches as they lie in the file, each of shape `(patches, *cells)`, z, y, x."""
    n, shape = field.count, field.mesh.patch_shape
    # Cut on the host: on the device, every new number of patches would be compiled for.
    pools = dict(zip(field.names, np.asarray(field.data), strict=True)) | {k: np.asarray(v) for k, v in derived.items()}
    for name, pool in pools.items():
        if pool.shape[:-1] != shape or pool.shape[-1] < n:
            raise InvalidSettingError("derived", f"{name!r} needs the shape {(*shape, n)}, got {pool.shape}")
    return {name: np.ascontiguousarray(pool[..., :n].T, dtype) for name, pool in pools.items()}


def _write_header(
    file: h5py.File,
    field: Field,
    arrays: Mapping[str, np.ndarray],
    config: str | None,
    restart: Mapping[str, Any] | None,
) -> None:
    """Everything small that a restart needs, as JSON.

    Its checksums find what fletcher32 cannot see: chunks that HDF5 no longer finds read as zeros. The text has a fixed
    length, because a flipped byte in the heap of variable-length strings can make HDF5 read for ever.
    """
    sums = {name: zlib.crc32(arrays[name].data) for name in field.names}
    sums |= {name: zlib.crc32(file[name][...].data) for name in ("Levels", "LogicalLocations")}
    header = {
        "mesh": _mesh_record(field.mesh),
        "names": field.names,
        "time": float(field.time),
        "step": int(field.step),
        "count": field.count,
        "capacity": field.forest.capacity,
        "computed": str(field.data.dtype),
        "stored": str(arrays[field.names[0]].dtype),
        "config": config,
        "restart": restart,
        **({"units": units} if (units := field.units.record()) else {}),
        "crc32": sums,
    }
    group = file.create_group("amr")
    group.attrs["format"] = FORMAT
    group.create_dataset("header", data=np.array([json.dumps(header).encode()]), chunks=True, **FILTERS)


def _checked(file: Contents, header: dict, name: str, dtype: np.dtype) -> np.ndarray:
    """A whole dataset whose checksum is right."""
    values = file.array(name)
    if values.dtype != dtype or zlib.crc32(values.data) != header["crc32"][name]:
        message = f"is damaged: the checksum of {name!r} is wrong; use another copy or an earlier file"
        raise FileError(file.path, message)
    return values


def _check_exact(path: str | os.PathLike, header: dict, dtype: str | None) -> None:
    if dtype not in (None, *PRECISIONS):
        raise InvalidSettingError("dtype", f"expected {' or '.join(PRECISIONS)}, got {dtype}")
    stored, accept = header["stored"], 'or read it with dtype="float32" to go on with rounded values'
    if (dtype or stored) == "float64" and jax.dtypes.canonicalize_dtype(np.float64) != np.float64:
        advice = 'jax.config.update("jax_enable_x64", True)'
        raise FileError(path, f"float64 is asked for but JAX has it switched off; switch it on with {advice}, {accept}")
    if dtype is None and stored != header["computed"]:
        found = f"holds {stored} where the run had {header['computed']}"
        raise FileError(path, f"{found}: use a file of full precision, {accept}")


def _read_forest(file: Contents, header: dict, mesh: Mesh) -> Forest:
    level = _checked(file, header, "Levels", np.dtype(np.int32))
    position = _checked(file, header, "LogicalLocations", np.dtype(np.int64))
    free = (0, header["capacity"] - len(level))
    position = np.pad(position[:, : mesh.ndim].T.astype(np.int32), ((0, 0), free))
    return Forest(jnp.asarray(np.pad(level, free)), jnp.asarray(position), jnp.asarray(len(level), jnp.int32))


def _mesh_record(mesh: Mesh) -> dict:
    """A mesh as JSON can say it; floats come back with all their bits."""
    domain = mesh.domain
    # As files had it when domains had boundaries; which there are else is a matter of the run that wrote this.
    faces = [[{"kind": "Periodic" if flag else "Outflow"}] * 2 for flag in domain.periodic]
    return {
        "domain": {"lower": domain.lower, "upper": domain.upper, "boundary": faces},
        "cells": mesh.cells,
        "patch": mesh.patch,
        "max_level": mesh.max_level,
        "capacity": mesh.capacity,
    }


def _mesh_from(record: dict) -> Mesh:
    domain = record["domain"]
    periodic = [low["kind"] == "Periodic" for low, _ in domain["boundary"]]
    sizes = {key: value for key, value in record.items() if key != "domain"}
    return Mesh(Domain(domain["lower"], domain["upper"], periodic=periodic), **sizes)
