"""Near vacuum: whatever the reconstruction, density and pressure stay positive, and nothing is lost."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from plain_integrator import changes, step
from schemes import CLAIMS, SCHEMES

import amr
import solvers

all_schemes = pytest.mark.parametrize("scheme", SCHEMES, ids=str)
TUBES = np.array(
    [  # density, velocity and pressure to the left, and to the right
        [(1.0, -2.0, 0.4), (1.0, 2.0, 0.4)],  # 1-2-0-3 (Einfeldt et al., J. Comput. Phys. 92, 1991)
        [(1.0, -20.0, 0.4), (1.0, 20.0, 0.4)],  # a vacuum opens
        [(1.0, 0.0, 2 / 30), (1e-3, 0.0, 2 / 3e10)],  # LeBlanc's
        [(1.0, 0.0, 1.0), (1e-7, 0.0, 1e-9)],  # gas runs into next to nothing
        [(1e-5, 30.0, 1e-6), (10.0, -1.0, 1e2)],
    ]
)


@functools.partial(jax.jit, static_argnums=0)
def opened(scheme, u):
    """The least density and pressure in tubes over 100 steps, and how many of them there were."""
    law, lines = solvers.Euler(1), solvers.MethodOfLines(scheme)

    def one(_, carry):
        u, *least = carry
        dt = lines.default_cfl / law.max_speed(u, 0).max(axis=1)
        u = step(lines.integrator, lambda u, _: changes(law, lines, u, dt, "edge"), u, 0.0, 1.0)
        return u, *(jnp.minimum(*pair) for pair in zip(least, (u[0].min(1), law.pressure(u).min(1)), strict=True))

    return jax.lax.fori_loop(0, 100, one, (u, jnp.ones(len(TUBES)), jnp.ones(len(TUBES))))


@all_schemes
def test_tubes_stay_positive(scheme):
    sides = jnp.asarray(np.moveaxis(TUBES, -1, 0))
    u = solvers.Euler(1).conserved(jnp.repeat(sides, 24, axis=2))
    end, density, pressure = opened(scheme, u)
    assert jnp.isfinite(end).all()
    assert (density > 0).all(), density
    assert (pressure > 0).all(), pressure


@functools.partial(jax.jit, static_argnums=0)
def one_step(scheme, u):
    """A forward Euler step in a periodic box, as long as is claimed to be safe."""
    law, lines = solvers.Euler(2), solvers.MethodOfLines(scheme, integrator=solvers.ForwardEuler())
    fastest = jnp.maximum(law.max_speed(u, 0), law.max_speed(u, 1)).max(axis=(1, 2))
    new = u + changes(law, lines, u, 0.5 / fastest, "wrap")
    return new, law.admissible(new)


def random_gas(seed, cells=16, boxes=8):
    """Neighbours of which one has up to ten thousand times the density or pressure of the other."""
    rng = np.random.default_rng(seed)
    density, pressure = 10 ** rng.uniform(-3, 1, (2, boxes, cells, cells))
    return solvers.Euler(2).conserved(jnp.asarray([density, *rng.normal(0, 5, (2, boxes, cells, cells)), pressure]))


@all_schemes
def test_any_states_stay_positive_in_two_dimensions(scheme):
    for seed in range(3):
        u = random_gas(seed)
        new, good = one_step(scheme, u)
        assert good.all(), (~good).sum()
        np.testing.assert_allclose(new.sum((2, 3)), u.sum((2, 3)), rtol=0, atol=1e-9)


def test_smooth_flow_is_left_alone():
    """Where nothing is near vacuum fluxes are those of the scheme, to the last bit."""
    x = jnp.linspace(0, 2 * jnp.pi, 33)[:-1]
    w = jnp.stack([1 + 0.5 * jnp.sin(x), jnp.cos(x), 1 + 0.3 * jnp.cos(2 * x)])[:, None]

    class Unjudged(solvers.Euler):
        def admissible(self, u):
            return None

    for claim in CLAIMS:
        lines = solvers.MethodOfLines(claim.scheme)
        found = [changes(law, lines, law.conserved(w), 0.2, "wrap") for law in (solvers.Euler(1), Unjudged(1))]
        np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("ndim", [2, 3])
def test_fast_smooth_flow_along_the_grid_is_left_alone(ndim):
    """At a Mach number of 20 and the longest step, along one dimension alone."""
    x = np.linspace(0, 2 * np.pi, 13)[:-1].reshape(-1, *(1,) * (ndim - 1)) + np.zeros((12,) * ndim)
    velocities = [20 + jnp.cos(x), *(jnp.sin(x) for _ in range(ndim - 1))]
    w = jnp.stack([1 + 0.3 * jnp.sin(x), *velocities, 1 / 1.4 + 0 * x])[:, None]
    law, lines = solvers.Euler(ndim), solvers.MethodOfLines()

    class Unjudged(solvers.Euler):
        def admissible(self, u):
            return None

    u = law.conserved(w)
    dt = 0.5 / sum(law.max_speed(u, d) for d in range(ndim)).max()
    found = [changes(kind, lines, u, dt, "wrap") for kind in (law, Unjudged(ndim))]
    np.testing.assert_array_equal(*found)


def test_nothing_is_lost_across_levels():
    """Gas that flies apart in a periodic box, refined where it is thin."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (16, 16), 8, 1)
    lines = solvers.MethodOfLines(solvers.WENO5())

    def burst(x, y):
        out = 4 * jnp.exp(-8 * ((x - 0.5) ** 2 + (y - 0.5) ** 2))
        return 1 + 0 * x, out * jnp.sign(x - 0.5), out * jnp.sign(y - 0.5), 0.4 + 0 * x

    refine = amr.Custom(lambda patch: -patch.cells("density"), -0.5, -0.6)
    solution = solvers.Simulation(mesh, solvers.Euler(2), lines, refine).run(burst, 0.1)
    assert solution.summary.patches["max"] > 4
    assert 0 < solution.field.minimum("density") < 0.02
    for name in ("density", "energy"):
        assert abs(solution.summary.variables[name].integral["relative_change"]) <= 1e-13
