"""Whether a state makes sense: all numbers finite, and every cell one that the law admits; and what to say if not."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from amr.field import Field
from amr.grid import active, room_of
from amr.names import told_place
from amr.own import is_own, own_parts
from solvers.equations import try_law

from .problem import Setup, State

SOME = 32  # cells that a law of the user's is tried on
ADVICE = "check the velocity, the sources and the scheme, or try a smaller cfl"


def sound(setup: Setup, state: State) -> Bool[Array, ""]:
    """Whether it does, on the device. A law with coefficients of position is asked for finite numbers alone."""
    finite = jnp.isfinite(state.u).all() & jnp.isfinite(state.clock.time)
    good = None if setup.equation.has_coefficients(setup.mesh.ndim) else setup.equation.admissible(state.u)
    if good is None:
        return finite
    return finite & (good | ~active(room_of(state.u), state.forest.count, setup.mesh.ndim)).all()


def told_unsound(setup: Setup, field: Field, when: str) -> str:
    """What is wrong with a field: the first cell, and the user's own objects that may have done it."""
    patches = field.patches()
    rows = np.moveaxis(patches.values, 1, 0)  # (vars, patches, *cells)
    wrong = ~np.isfinite(rows).all(0)
    what = "is not finite"
    if not wrong.any():
        wrong, what = ~np.asarray(setup.equation.admissible(jnp.asarray(rows))), "makes no sense to the law"
    first = tuple(np.argwhere(wrong)[0])
    place = [float(patches.centres(d)[first[0], first[1 + d]]) for d in range(field.mesh.ndim)]
    values = ", ".join(f"{name} = {row[first]:.6g}" for name, row in zip(field.names, rows, strict=True))
    where = f"{told_place(place)} on level {patches.level[first[0]]}"
    many = f"{np.count_nonzero(wrong)} of {wrong.size} cells, the first at {where}"
    own = sorted({name for part in (setup.equation, setup.scheme, setup.faces) for name in own_parts(part)})
    yours = f"; your own are {', '.join(own)}: try them on flat, zero and odd data" if own else ""
    return f"the solution {when} {what} ({many}: {values}); {ADVICE}{yours}"


def try_own_law(setup: Setup, field: Field) -> None:
    """Raise `InvalidSettingError` where a law of the user's makes no sense of cells of the first state."""
    law: Any = setup.equation.terms.law
    if law is None or not is_own(law):
        return
    patches, ndim = field.patches(), field.mesh.ndim
    shape = patches.values.shape[:1] + patches.values.shape[2:]
    some = np.unique(np.linspace(0, np.prod(shape) - 1, SOME).round().astype(int))
    cells = np.unravel_index(some, shape)
    points = [patches.centres(d)[cells[0], cells[1 + d]] for d in range(ndim)]
    u = [jnp.asarray(patches.values[(cells[0], n, *cells[1:])]) for n in range(len(law.names))]
    extended = jnp.stack([*u, *law.coefficients(*map(jnp.asarray, points))])
    try_law(law, list(law.primitive(extended))[: len(law.names)], points)
