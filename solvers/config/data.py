"""Data files that a config names: what a run begins with, and functions of position."""

from pathlib import Path
from typing import Any

import jax

import amr
from amr.errors import InvalidSettingError
from solvers.equations import Equation
from solvers.run import as_initial

ARRAYS = (".npy", ".npz")
DATASETS = (".nc", ".nc4", ".h5netcdf")
KINDS = "a dump (.vtkhdf), arrays (.npy, .npz) or a dataset (.nc)"


def is_data(text: object) -> bool:
    """Whether a formula names a file of arrays; no expression ends like that."""
    return isinstance(text, str) and text.strip().endswith(ARRAYS)


def function_of(path: Path, folder: Path, mesh: amr.Mesh) -> amr.Gridded:
    """One variable on a grid, as a function of position. Raises `InvalidSettingError` where it cannot be one."""
    if not path.resolve().is_relative_to(folder):
        advice = "expected a file in the folder of the config or below, which is copied to the results"
        raise InvalidSettingError("file", f"found {path}, {advice}")
    found = _arrays(path, mesh)
    if len(found.names) > 1:
        raise InvalidSettingError("file", f"{path} has {', '.join(found.names)}, expected one array beside the corners")
    found.on(mesh)  # which covers the domain
    return found


def begun_with(path: Path, mesh: amr.Mesh, equation: Equation) -> Any:
    """What a run begins with that takes its initial values from a file. Raises `InvalidSettingError` for what cannot
    be read, lacks a variable or does not cover the domain."""
    return as_initial(mesh, equation, _read(path, mesh))


def not_read(*x: Any) -> Any:
    """Stands for the initial values of a run that has begun."""
    raise AssertionError("initial values were asked for in a run that has begun")


def _read(path: Path, mesh: amr.Mesh) -> Any:
    if not path.exists():
        raise InvalidSettingError("file", f"there is no {path}; expected {KINDS}")
    if path.suffix in ARRAYS:
        return _arrays(path, mesh)
    if path.suffix == amr.io.SUFFIX:
        try:
            return amr.read(path, dtype="float64" if jax.config.read("jax_enable_x64") else "float32")
        except amr.io.FileError as error:
            raise InvalidSettingError("file", str(error)) from error
    if path.suffix in DATASETS:
        return _dataset(path)
    raise InvalidSettingError("file", f"found {path.name!r}, expected {KINDS}")


def _arrays(path: Path, mesh: amr.Mesh) -> amr.Gridded:
    return amr.Gridded.load(path, mesh.domain.lower, mesh.domain.upper)


def _dataset(path: Path) -> Any:
    try:
        import xarray
    except ImportError as error:
        raise InvalidSettingError("file", f"{path.name} needs xarray: pip install 'amrax[xarray]'") from error
    try:
        with xarray.open_dataset(path) as dataset:
            return dataset.load()
    except (OSError, ValueError) as error:
        raise InvalidSettingError("file", f"{path} cannot be read: {error}") from error
