"""Try the conservation law of a config on the values that it will meet first."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from amr.names import told_place
from solvers.equations import ConservationLaw, try_law

from .trial import Points

MOST = 64  # points at which a law is tried


def not_admissible(law: ConservationLaw, rows: jax.Array, *place: Any) -> tuple[str | None, str]:
    """The variable to blame (if one can be told) and a sentence about the first state that makes no sense; the
    sentence is empty if all do. `place` has the coordinates of the points, and perhaps the time.
    """
    good = law.admissible(law.conserved(law.sensible(rows)))
    if good is None or bool(jnp.all(good)):
        return None, ""
    first, ndim = int(jnp.argmin(good)), len([x for x in place if np.ndim(x)])
    state = {name: float(row[first]) for name, row in zip(law.given, rows, strict=False)}
    told = ", ".join(f"{name} = {value:.6g}" for name, value in state.items())
    where = told_place([float(x[first]) for x in place[:ndim]], place[ndim:])
    return _suspect(law, state), f"gives a state that makes no sense at {where}: {told}"


def _suspect(law: ConservationLaw, state: dict[str, float]) -> str | None:
    """The only scalar there is, or the only one that is not positive."""
    components = {n for vector in law.vectors for n in vector}
    scalars = [name for n, name in enumerate(law.given) if n not in components]
    suspects = scalars if len(scalars) == 1 else [name for name in scalars if state[name] <= 0]
    return suspects[0] if len(suspects) == 1 else None


def check_methods(law: ConservationLaw, values: Sequence, points: Points) -> None:
    """Raise `InvalidSettingError` unless the methods of a user's law make sense of the initial values."""
    law.verify(len(points))
    shape = points[0].shape
    some = np.unique(np.linspace(0, shape[0] - 1, MOST).round().astype(int))
    try_law(law, [np.broadcast_to(value, shape)[some] for value in values], [x[some] for x in points])
