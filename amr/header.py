"""What a file of ours says of itself; reading that needs no JAX, so that a look into a file takes no time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from .errors import InvalidSettingError

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
        return header_in(path, file)


@contextmanager
def reading(path: str | os.PathLike) -> Iterator[h5py.File]:
    """The open file. Whatever HDF5 stumbles over in the block becomes a `FileError`."""
    try:
        with open(path, "rb"):
            pass  # the system's own words for a missing or forbidden file are clearer than HDF5's
    except OSError as error:
        raise FileError(path, f"cannot be opened: {error.strerror}") from error
    if not h5py.is_hdf5(path):
        raise FileError(path, f"is not an HDF5 file; expected a {SUFFIX} file written by Amrax")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (FileError, InvalidSettingError):
        raise
    except (OSError, LookupError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise FileError(path, f"is damaged; use another copy or an earlier file ({error})") from error


def header_in(path: str | os.PathLike, file: h5py.File) -> dict[str, Any]:
    """The header of an open file; raises `FileError` if that is not ours, or from a newer version."""
    if "amr" not in file or "format" not in file["amr"].attrs:
        raise FileError(path, "was not written by Amrax: it has no group /amr with a format")
    found = int(file["amr"].attrs["format"])
    if found > FORMAT:
        raise FileError(path, f"has format {found}, this Amrax reads up to {FORMAT}; install a newer one")
    return json.loads(file["amr/header"][0])


def boundary_names(header: dict[str, Any]) -> list[list[str]]:
    """The kinds of the boundaries of the run that wrote a file, a pair for each dimension; of a file that holds a field
    alone, and of earlier versions, those of the domain."""
    found = (header.get("restart") or {}).get("boundaries")
    return found or [[face["kind"] for face in pair] for pair in header["mesh"]["domain"]["boundary"]]
