"""What lies beyond a wall where a source pushes against it.

No momentum crosses a wall and none is there, so at the wall `d flux(momentum across it)/dn = source`: the pressure
rises towards a floor that bears the weight of what is above. Mirrored values have no slope at all, which is an error of
first order in the velocity of gas at rest.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .transport import Place

Rows = Float[Array, "rows ..."]


def beyond_wall(law: Any, w: Rows, d: int, step: Array, place: Place) -> Rows:
    """Mirrored values `w` (primitive) beyond a wall across d, moved such that the flux of momentum changes as the
    source asks for from the cells inside, which are `step` away along d; as they are where that makes no sense.

    Of several variables that the flux depends on in a state at rest, those move most on which it depends most.
    """
    new = w
    for vector in law.vectors:
        row = vector[d]
        still = w.at[row].set(0)
        push = law.source(law.conserved(still), place)

        def flux(w, row=row):
            return law.flux(law.conserved(w), d)[row]

        slopes = [jax.jvp(flux, (still,), (jnp.zeros_like(w).at[k].set(1),))[1] for k in range(len(law.names))]
        total = sum(slope * slope for slope in slopes)
        share = jnp.where(total > 0, push[row] * step / jnp.where(total > 0, total, 1), 0)
        new = new + jnp.stack([slope * share for slope in slopes])
    good = law.admissible(law.conserved(new))
    return new if good is None else jnp.where(good, new, w)
