"""Laws, random states of theirs, and the Riemann solvers that fit each."""

import jax.numpy as jnp
import numpy as np

from solvers.equations.acoustics import Acoustics
from solvers.equations.burgers import Burgers
from solvers.equations.euler import Euler
from solvers.equations.shallow_water import ShallowWater
from solvers.schemes.riemann import HLL, HLLC, Rusanov, Upwind


def bottom(x, *y):
    return -2 + jnp.sin(x) * (jnp.cos(y[0]) if y else 1)


# Each with its number of dimensions; Burgers fits any.
LAWS = (
    (Burgers(), 1),
    (Burgers(("u", "w")), 2),
    *((Acoustics(ndim, density=0.7, sound_speed=1.9), ndim) for ndim in (1, 2, 3)),
    *((ShallowWater(ndim), ndim) for ndim in (1, 2)),
    *((ShallowWater(ndim, 1.3, bottom, rest_level=0.3), ndim) for ndim in (1, 2)),
    *((Euler(ndim, gamma), ndim) for ndim, gamma in ((1, 1.4), (2, 1.1), (3, 5 / 3))),
)
SOLVERS = (Rusanov(), HLL(), HLLC(), Upwind())
FITS = {
    Burgers: (Rusanov, HLL),
    Acoustics: (Rusanov, HLL, Upwind),
    ShallowWater: (Rusanov, HLL, HLLC),
    Euler: (Rusanov, HLL, HLLC),
}
PAIRS = tuple((law, ndim, solver) for law, ndim in LAWS for solver in SOLVERS if type(solver) in FITS[type(law)])


def name_of(*choices) -> str:
    """A name for a test's parameter."""
    law, ndim, *solver = choices
    bed = "-bottom" if getattr(law, "bottom", None) else ""
    return "-".join([f"{type(law).__name__}{ndim}{bed}", *(type(s).__name__ for s in solver)])


def random_primitive(law, seed: int, shape=(16,), dtype=np.float64):
    """Primitive states, with the law's coefficients behind them."""
    rng = np.random.default_rng(seed)
    w = rng.uniform(-2, 2, (len(law.given), *shape))
    if isinstance(law, Euler):
        w[0], w[-1] = np.exp(w[0]), np.exp(w[-1])
    if isinstance(law, ShallowWater):
        depth = np.exp(w[0])
        bed = rng.uniform(-3, 0, shape) if law.bottom else 0 * depth
        w[0] = bed + depth
        w = np.stack([*w, bed]) if law.bottom else w
    return jnp.asarray(w, dtype)


def random_states(law, seed: int, shape=(16,), dtype=np.float64):
    """Conserved states, with the law's coefficients behind them."""
    return law.conserved(random_primitive(law, seed, shape, dtype))


def random_sides(law, seed: int, shape=(16,), dtype=np.float64):
    """Conserved states to both sides of faces; coefficients are the same on both sides."""
    left, right = (random_primitive(law, seed + k, shape, dtype) for k in range(2))
    if isinstance(law, ShallowWater) and law.bottom:
        right = right.at[0].add(left[-1] - right[-1]).at[-1].set(left[-1])
    return law.conserved(left), law.conserved(right)


def exchanged(law, u, d: int):
    """States with dimensions 0 and d exchanged."""
    order = list(range(len(u)))
    for vector in law.vectors:
        order[vector[0]], order[vector[d]] = vector[d], vector[0]
    return u[np.array(order)]


def mirrored(law, u, d: int):
    """States as a mirror across dimension d shows them."""
    sign = np.ones(len(u), u.dtype)
    for vector in law.vectors:
        sign[vector[d]] = -1
    return u * jnp.asarray(sign).reshape(-1, *[1] * (u.ndim - 1))
