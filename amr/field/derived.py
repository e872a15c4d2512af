"""New variables, computed cell by cell from a field's variables and from positions."""

import inspect
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from amr.errors import InvalidSettingError
from amr.names import AXES, did_you_mean

from .field import Field


def with_variable(field: Field, name: str, values: Any) -> Field:
    """A field with one more variable: see `Field.with_variable`."""
    made = evaluate(field, values) if callable(values) else np.asarray(values)
    pool = np.zeros(field.data.shape[1:], field.data.dtype)
    count = made.shape[-1] if made.shape == pool.shape else field.count
    try:
        pool[..., : field.count] = np.broadcast_to(made, (*field.mesh.patch_shape, count))[..., : field.count]
    except ValueError:
        expected = f"{pool.shape} or {(*field.mesh.patch_shape, field.count)}"
        raise InvalidSettingError(name, f"expected values of shape {expected}, got {made.shape}") from None
    others = {old: data for old, data in zip(field.names, np.asarray(field.data), strict=True) if old != name}
    arrays = np.stack([*others.values(), pool])
    return Field(field.mesh, field.forest, jnp.asarray(arrays), (*others, name), field.time, field.step, field.units)


def evaluate(field: Field, function: Callable) -> np.ndarray:
    """What a function of variables and positions, given by the names of its arguments, gives in all cells."""
    known = available(field)
    wanted = [p for p in inspect.signature(function).parameters.values() if p.default is inspect.Parameter.empty]
    for parameter in wanted:
        if parameter.name not in known:
            hint = did_you_mean(parameter.name, known) or f"; there are {', '.join(known)}"
            raise InvalidSettingError("function", f"no variable or coordinate {parameter.name!r} here{hint}")
    return np.asarray(function(**{p.name: known[p.name] for p in wanted}))


def available(field: Field) -> dict[str, Any]:
    """What a function may name: variables, shape `(*cells, patches)`, coordinates that broadcast with them, `t`."""
    variables = dict(zip(field.names, np.asarray(field.data)[..., : field.count], strict=True))
    positions = dict(zip(AXES, cell_positions(field), strict=False))
    return {"t": float(field.time)} | positions | variables


def cell_positions(field: Field) -> list[np.ndarray]:
    """Cell centres along each dimension, of shapes that broadcast to `(*cells, patches)`."""
    patches, ndim = field.patches(), field.mesh.ndim
    return [patches.centres(d).T.reshape(*(-1 if k == d else 1 for k in range(ndim)), field.count) for d in range(ndim)]
