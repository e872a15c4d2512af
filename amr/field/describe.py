"""A field in words: what `repr` and a notebook's cell show, at the cost of one look at the values."""

import base64
import io
from collections.abc import Sequence
from html import escape

import equinox as eqx
import jax
import numpy as np

from .field import Field

SHOWN = 8  # variables in a text of a few lines
SMALL_DPI = 72  # of pictures in a notebook that were not asked for


def text(field: Field) -> str:
    """Two lines: what there is of mesh and time, and the variables' ranges."""
    if not is_concrete(field):
        return eqx.tree_pformat(field)
    ranges = [f"{name} {low:.6g} to {high:.6g}" for name, (low, high) in _ranges(field).items()]
    more = f", and {len(ranges) - SHOWN} more" if len(ranges) > SHOWN else ""
    head = f"Field at t = {float(field.time):.6g}, step {int(field.step)}: {mesh(field)}"
    return f"{head}\n  {', '.join(ranges[:SHOWN])}{more}"


def mesh(field: Field) -> str:
    """The leaves in one phrase."""
    level = np.asarray(field.forest.level)[: field.count]
    patch = "x".join(map(str, field.mesh.patch_shape))
    levels = f"level {level.min()}" if level.min() == level.max() else f"levels {level.min()}-{level.max()}"
    share = field.cells / field.mesh.finest_cells
    cells = f"{field.cells:,} cells ({share:.1%} of the finest level's grid)"
    return f"{field.count:,} patches of {patch} on {levels}, {cells}"


def html(field: Field) -> str | None:
    """A table of variables and one of levels for a notebook; None where there are no values yet, as under `jit`."""
    if not is_concrete(field):
        return None
    found = {name: (low, high, field.integral(name)) for name, (low, high) in _ranges(field).items()}
    rows = [(name, *(f"{number:.6g}" for number in numbers)) for name, numbers in found.items()]
    level, count = np.unique(np.asarray(field.forest.level)[: field.count], return_counts=True)
    counts = ", ".join(f"{n:,} of level {k}" for k, n in zip(level, count, strict=True))
    head = f"<b>Field</b> at t = {float(field.time):.6g}, step {int(field.step)}<br>{mesh(field)}: {counts}"
    return f"<div>{head}{table(('variable', 'least', 'largest', 'integral'), rows)}</div>"


def is_concrete(field: Field) -> bool:
    """Whether the arrays are there to look at: not while JAX traces a function, nor for a batch of fields."""
    arrays = (field.data, field.forest.count, field.forest.level)
    here = all(isinstance(a, np.ndarray | jax.Array) and not isinstance(a, jax.core.Tracer) for a in arrays)
    return here and np.ndim(field.forest.count) == 0 and getattr(field.data, "is_fully_addressable", True)


def _ranges(field: Field) -> dict[str, tuple[float, float]]:
    values = np.asarray(field.data)[..., : field.count].reshape(len(field.names), -1)
    return {name: (float(v.min()), float(v.max())) for name, v in zip(field.names, values, strict=True)}


def picture(field: Field) -> str | None:
    """A small picture of the first variable for a notebook; None where there are no values."""
    if not is_concrete(field):
        return None
    figure, buffer = field.plot(), io.BytesIO()
    figure.savefig(buffer, format="png", dpi=SMALL_DPI)
    return f'<img src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table for a notebook, without a head if that is empty."""
    lines = ["".join(f"<th>{escape(cell)}</th>" for cell in head)] if head else []
    style = ' style="text-align: left"'
    lines += ["".join(f"<td{style}>{escape(cell)}</td>" for cell in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
