"""Files as pictures need them: with the derived variables in them, and in whatever precision there is."""

import functools
import os

import h5py
import jax
import jax.numpy as jnp
import numpy as np

from amr.field import Field

from .header import reading
from .io import read
from .vtkhdf import RESERVED


def load(field: Field | str | os.PathLike) -> Field:
    """A field as it is, or read from its file, with the derived variables that were written there behind its own.

    Where JAX's float64 is off, values are rounded; so are those of files of reduced precision. Raises `FileError`.
    """
    if isinstance(field, Field):
        return field
    made = read(field, dtype=str(jax.dtypes.canonicalize_dtype(np.float64)))
    with reading(field) as file:
        derived = file.read(functools.partial(_derived, names=made.names))
    if not derived:
        return made
    rows = np.zeros((len(derived), *made.data.shape[1:]), made.data.dtype)
    for row, values in zip(rows, derived.values(), strict=True):
        row[..., : made.count] = values.reshape(-1, *made.mesh.patch_shape).T
    data = jnp.concatenate([made.data, jnp.asarray(rows)])
    return Field(made.mesh, made.forest, data, (*made.names, *derived), made.time, made.step, made.units)


def _derived(file: h5py.File, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The variables that are none of those names."""
    found = {name: item for name, item in file.items() if name not in (*names, *RESERVED)}
    return {name: item[...] for name, item in found.items() if isinstance(item, h5py.Dataset)}
