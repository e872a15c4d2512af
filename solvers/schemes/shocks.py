"""Faces along which a strong shock stands.

A solver that keeps contacts sharp does not damp what differs along a shock that runs with the mesh: the shock buckles
(the carbuncle), and along walls and axes of symmetry it runs ahead. On the faces that stand across such a shock, and on
no others, a solver without contact wave is taken (Quirk, Int. J. Numer. Methods Fluids 18, 1994). A face has a shock
along it if one of its two cells and the neighbour of that across another dimension do: see `Euler.strong_shock`.

           |     |
        ---+=====+---    = a strong shock along y
           |     |
           |     #       # a face across x that stands on it
           |     |
"""

import functools
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool

from amr.grid import Keep, lower, others, trim, upper

Faces = Bool[Array, "blocks ... lanes"]


def beside_shocks(law: Any, u: Array, ndim: int, store: Keep) -> list[Faces]:
    """For each dimension which faces across it have a strong shock along them; `u` has one layer around the patch."""
    dims = range(ndim)
    # Kept, or each would be found anew for all the faces around.
    strong = store(lambda: [law.strong_shock(lower(u, 2 + k), upper(u, 2 + k), k) for k in dims])
    marked = [_either(faces, k) for k, faces in enumerate(strong)]

    def beside(d):
        return _either(
            functools.reduce(jnp.logical_or, [_trimmed(marked[k], dims, (k, d)) for k in others(d, dims)]), d
        )

    return store(lambda: [beside(d) for d in dims])


def _either(marks: Faces, d: int) -> Faces:
    """Which entries between two along d have a marked one beside them."""
    return lower(marks, 1 + d) | upper(marks, 1 + d)


def _trimmed(marks: Faces, dims: range, kept: tuple[int, int]) -> Faces:
    return trim(marks, [1 + j for j in dims if j not in kept])
