"""What a file of ours says of itself; reading that needs no JAX, so that a look into a file takes no time."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

Part = TypeVar("Part")
FORMAT = 1  # of /amr; raise it when older programs could no longer read what we write
SUFFIX = ".vtkhdf"


class FileError(OSError):
    """A file that cannot be read; the message names the file, what is wrong with it and what to do.

    **Attributes:** `path`, `problem`.
    """

    def __init__(self, path: str | os.PathLike, problem: str):
        super().__init__(f"{path}: {problem}")
        self.path = Path(path)
        self.problem = problem


def read_header(path: str | os.PathLike) -> dict[str, Any]:
    """What a file says of itself, without reading the data: a dictionary with

    - `mesh` (domain, cells, patch, max_level, capacity), `names`, `time`, `step`, `count` of patches, `capacity`;
    - `computed` and `stored`: the precision of the run and of the file;
    - `config` and `restart`, as they were given to `write`.

    Raises `FileError` as `read` does, but a damaged array is not noticed.
    """
    with reading(path) as file:
        return header_in(file)


class Contents:
    """An open file. Whatever HDF5 stumbles over in it becomes a `FileError`; errors of others stay what they are."""

    def __init__(self, path: str | os.PathLike, file: h5py.File):
        self.path, self._file = path, file

    def read(self, part: Callable[[h5py.File], Part]) -> Part:
        """What a function reads from the file; it should do nothing else. Raises `FileError` if the file is damaged."""
        with _damage_told(self.path):
            return part(self._file)

    def array(self, name: str) -> np.ndarray:
        """A whole dataset."""
        return self.read(lambda file: file[name][...])


@contextmanager
def reading(path: str | os.PathLike) -> Iterator[Contents]:
    """The contents of a file. Raises `FileError` if it cannot be opened."""
    try:
        with open(path, "rb"):
            pass  # the system's own words for a missing or forbidden file are clearer than HDF5's
    except OSError as error:
        raise FileError(path, f"cannot be opened: {error.strerror}") from error
    if not h5py.is_hdf5(path):
        raise FileError(path, f"is not an HDF5 file; expected a {SUFFIX} file written by Amrax")
    with _damage_told(path):
        file = h5py.File(path, "r")
    with file:
        yield Contents(path, file)


@contextmanager
def _damage_told(path: str | os.PathLike) -> Iterator[None]:
    """For blocks that do nothing but read."""
    try:
        yield
    except (OSError, LookupError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise FileError(path, f"is damaged; use another copy or an earlier file ({error})") from error


def header_in(file: Contents) -> dict[str, Any]:
    """The header of an open file; raises `FileError` if that is damaged, not ours, or from a newer version."""
    found = file.read(_format)
    if found is None:
        raise FileError(file.path, "was not written by Amrax: it has no group /amr with a format")
    if found > FORMAT:
        raise FileError(file.path, f"has format {found}, this Amrax reads up to {FORMAT}; install a newer one")
    return file.read(lambda file: json.loads(file["amr/header"][0]))


def _format(file: h5py.File) -> int | None:
    return int(file["amr"].attrs["format"]) if "amr" in file and "format" in file["amr"].attrs else None


def boundary_names(header: dict[str, Any]) -> list[list[str]]:
    """The kinds of the boundaries of the run that wrote a file, a pair for each dimension; of a file that holds a field
    alone, and of earlier versions, those of the domain."""
    found = (header.get("restart") or {}).get("boundaries")
    return found or [[face["kind"] for face in pair] for pair in header["mesh"]["domain"]["boundary"]]
