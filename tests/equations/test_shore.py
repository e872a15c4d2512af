"""Water and land: lakes over any ground stay at rest, and waves on beaches and in bowls follow exact solutions."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from daily import daily
from scipy.special import j0

import amr
import solvers
from solvers.config.build import load

LINES = {
    "muscl-hllc": solvers.MethodOfLines(),
    "muscl-hll": solvers.MethodOfLines(solvers.MUSCL(), solvers.HLL()),
    "muscl-rusanov": solvers.MethodOfLines(solvers.MUSCL(), solvers.Rusanov()),
    "donor-cell": solvers.MethodOfLines(solvers.DonorCell(), solvers.HLL()),
    "ppm": solvers.MethodOfLines(solvers.PPM()),
    "weno5": solvers.MethodOfLines(solvers.WENO5(), solvers.HLL()),
}


class Hills(eqx.Module):
    """Random ground: waves, and a step."""

    height: jnp.ndarray
    steps: jnp.ndarray

    @classmethod
    def of(cls, seed: int) -> "Hills":
        rng = np.random.default_rng(seed)
        return cls(jnp.asarray(rng.uniform(-0.6, 0.6, 4)), jnp.asarray(rng.uniform(3, 40, (4, 2))))

    def __call__(self, *x):
        height, steps = (part.astype(x[0].dtype) for part in (self.height, self.steps))
        waves = [height[k] * jnp.sin(sum(steps[k, d] * x[d] for d in range(len(x))) + k) for k in range(4)]
        return sum(waves) + jnp.where(x[0] > 0.6, 0.5, 0)


class Sweeping(amr.Indicator):
    """Wishes for cells near a plane that moves on, so that the mesh changes while nothing else does."""

    def wishes(self, patch):
        near = jnp.abs(patch.x[0] - (0.1 + 2 * patch.time)) < 0.15
        return near, near


def basin(ndim, law, lines, levels, dtype=np.float64, cells=32):
    mesh = amr.Mesh(amr.Domain((0,) * ndim, (1,) * ndim, periodic=False), (cells // ndim,) * ndim, 8, levels)
    return solvers.Simulation(mesh, law, lines, Sweeping() if levels else None, boundary=amr.Wall(), dtype=dtype)


def still(level, ground):
    return lambda *x: (jnp.maximum(level, ground(*x)), *(0 * x[0] for _ in x))


LAKES = [(ndim, name, levels) for ndim in (1, 2) for name in LINES for levels in (0, 3 - ndim)]


@pytest.mark.parametrize(
    ("ndim", "name", "levels"), daily(LAKES, lambda ndim, name, levels: name in ("muscl-hllc", "ppm") and ndim == 1)
)
def test_a_lake_with_islands_rests_to_the_last_bit(ndim, name, levels):
    """Over any ground, for any dry depth and rest level, and while the mesh changes over the shores."""
    for seed, level, dry_depth in ((1, 0.0, 1e-6), (2, 0.3, 1e-2), (3, -0.2, 1e-14))[: 4 - ndim]:
        ground = Hills.of(seed)
        law = solvers.ShallowWater(ndim, bottom=ground, rest_level=jnp.asarray(level), dry_depth=jnp.asarray(dry_depth))
        run = basin(ndim, law, LINES[name], levels).run(still(level, ground), 0.3)
        assert run.field.minimum("eta") == run.field.maximum("eta") == level
        for variable in law.names[1:]:  # what is left of a constant that is interpolated, squared
            assert max(-run.field.minimum(variable), run.field.maximum(variable)) < 1e-30
        assert 10 < run.summary.steps < 500


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lakes_of_any_level_rest_to_rounding(dtype):
    """Also where no rest level is given, as long as levels do not meet at a shore."""
    for seed, level in ((4, -0.3), (5, 0.4)):
        ground = Hills.of(seed)
        law = solvers.ShallowWater(1, bottom=ground)
        run = basin(1, law, LINES["muscl-hllc"], 0, dtype).run(still(jnp.asarray(level, dtype), ground), 0.5)
        rounding = 2 * run.summary.steps * float(np.finfo(dtype).eps)
        assert max(abs(run.field.minimum("hu")), run.field.maximum("hu")) < rounding
        assert run.field.minimum("eta") == pytest.approx(level, abs=rounding)


def profile(run, ground, rest=None):
    """Centres of the cells of a run in 1D, depth and momentum, and widths."""
    patches = run.field.patches()
    lower, dx = (np.asarray(part).reshape(-1, 1) for part in (patches.lower, patches.dx))
    values = np.asarray(patches.values)
    x = lower + (np.arange(values.shape[-1]) + 0.5) * dx
    bed = np.asarray(ground(x)) if rest is None else np.minimum(np.asarray(ground(x)), rest)
    order = np.argsort(x.ravel())
    width = np.broadcast_to(dx, x.shape)
    return [row.ravel()[order] for row in (x, values[:, 0] - bed, values[:, 1], width)]


DEEP, WIDE, PUSH, GRAVITY = 0.5, 1.0, 0.25, 1.0
OMEGA = float(np.sqrt(2 * GRAVITY * DEEP) / WIDE)


def bowl(x):
    return DEEP * (x**2 / WIDE**2 - 1)


def swaying(x, t=0.0):
    """Thacker's plane surface in a parabolic bowl (J. Fluid Mech. 107, 1981): elevation and velocity."""
    turn = OMEGA * t
    eta = -(PUSH**2) * (1 + jnp.cos(2 * turn)) / (4 * GRAVITY) - PUSH * OMEGA * x * jnp.cos(turn) / GRAVITY
    wet = eta > bowl(x)
    return jnp.where(wet, eta, bowl(x)), jnp.where(wet, PUSH * jnp.sin(turn), 0)


def swayed(cells, lines, levels=0, dtype=np.float64, dry_depth=1e-6):
    """After five quarters of a period: errors of depth and momentum (L1), where the shores are off in cells, the run,
    and the fastest water at the end."""
    mesh = amr.Mesh(amr.Domain(-2, 2, periodic=False), cells, 8, levels)
    law = solvers.ShallowWater(1, GRAVITY, bowl, dry_depth=dry_depth)
    refine = amr.Region(0.3, 1.1, level=levels) if levels else None
    t_end = 2.5 * np.pi / OMEGA
    run = solvers.Simulation(mesh, law, lines, refine, boundary=amr.Wall(), dtype=dtype).run(swaying, t_end)
    x, depth, momentum, dx = profile(run, bowl)
    eta, u = (np.asarray(row) for row in swaying(jnp.asarray(x), t_end))
    exact = eta - bowl(x)
    shores = [[np.flatnonzero(h > 1e-3)[end] for end in (0, -1)] for h in (depth, exact)]
    fastest = np.abs(momentum / np.maximum(depth, dry_depth))[depth > dry_depth].max()
    errors = [float(np.sum(dx * np.abs(part))) for part in (depth - exact, momentum - exact * u)]
    assert depth.min() > -1e-14 if dtype == np.float64 else -1e-6
    return errors, np.abs(np.subtract(*shores)).max(), run, fastest


@pytest.mark.parametrize("name", daily([(name,) for name in LINES], lambda name: name in ("muscl-hllc", "weno5")))
def test_water_sways_in_a_bowl(name):
    coarse, fine = (swayed(cells, LINES[name]) for cells in (96, 192))
    ratio, most = (0.6, 0.012) if name == "donor-cell" else (0.42, 1e-3)
    assert all(b < ratio * a for a, b in zip(coarse[0], fine[0], strict=True))
    assert max(fine[0]) < most
    assert fine[1] <= 2
    for _, _, run, fastest in (coarse, fine):
        eta = run.summary.variables["eta"]
        assert abs(eta.integral["final"] - eta.integral["initial"]) < 1e-14 * run.summary.steps
        assert fastest < 4 * PUSH
    assert fine[2].summary.steps < 2.2 * coarse[2].summary.steps  # no step is cut by films


@pytest.mark.parametrize(
    ("levels", "dtype", "dry_depth"),
    [(1, np.float64, 1e-6), (0, np.float32, 1e-5), (0, np.float64, 1e-3), (0, np.float64, 1e-13)],
)
def test_water_sways_with_levels_in_single_precision_and_for_any_dry_depth(levels, dtype, dry_depth):
    errors, off, run, fastest = swayed(96, LINES["muscl-hllc"], levels, dtype, dry_depth)
    assert max(errors) < 6e-3
    assert off <= 2
    assert fastest < 4 * PUSH
    assert run.summary.steps < 2000
    assert np.isfinite(run.summary.variables["hu"].highest)


SWING = 0.5  # waves break from 1 on


def standing(turn, ends=(0.0, 12.0)):
    """Carrier and Greenspan's standing wave on a beach of slope 1 with g = 1 (J. Fluid Mech. 4, 1958) when all water
    rests: furthest down (turn = 1) or up (-1) the beach. Places and elevations, from the shore outwards."""
    sigma = np.linspace(*ends, 20_001)
    eta = -turn * SWING * j0(sigma) / 4
    return eta - sigma**2 / 16, eta


def test_a_wave_runs_up_a_beach():
    """From its lowest to its highest position, a quarter of the beach's length apart; the solution is compared where
    nothing can have come from the wall."""
    errors = []
    for cells in (144, 288):
        mesh = amr.Mesh(amr.Domain(-4, 0.5, periodic=False), cells, 8, 0)
        law = solvers.ShallowWater(1, 1.0, bottom=lambda x: x, rest_level=0.0)
        place, height = (jnp.asarray(part[::-1]) for part in standing(1))

        def lowest(x, place=place, height=height):
            return jnp.where(x < place[-1], jnp.interp(x, place, height), x), 0 * x

        run = solvers.Simulation(mesh, law, boundary=amr.Wall()).run(lowest, np.pi / 2)
        x, depth, momentum, dx = profile(run, lambda x: x, rest=0.0)
        place, height = (part[::-1] for part in standing(-1))
        exact = np.where(x < place[-1], np.interp(x, place, height) - x, 0)
        near = x > -1.4
        errors.append([np.sum((dx * np.abs(part))[near]) for part in (depth - exact, momentum)])
        assert abs(x[depth > 1e-3].max() - SWING / 4) < 2 * dx[0]
        assert depth.min() >= 0
    assert np.all(np.array(errors[1]) < 0.55 * np.array(errors[0]))
    assert max(errors[1]) < 1.5e-3


def island():
    """A wave around an island in 2D, refined where the water moves."""
    ground = lambda x, y: -0.4 + 1.2 * jnp.exp(-((x - 0.55) ** 2 + (y - 0.45) ** 2) / 0.04)  # noqa: E731
    law = solvers.ShallowWater(2, 1.0, ground, rest_level=0.0)
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (32, 32), 8, 1)
    refine = amr.Difference(0.02, variable="eta")

    def wave(x, y):
        return jnp.maximum(ground(x, y), 0.15 * jnp.exp(-((x / 0.12) ** 2))), 0 * x, 0 * x

    return solvers.Simulation(mesh, law, None, refine, boundary=amr.Wall()).run(wave, 1.5), ground


@pytest.mark.slow
def test_a_wave_runs_around_an_island():
    run, ground = island()
    eta = run.summary.variables["eta"]
    assert abs(eta.integral["final"] - eta.integral["initial"]) < 1e-15 * run.summary.steps
    assert run.summary.steps < 500
    patches = run.field.patches()
    for values, lower, dx in zip(patches.values, np.asarray(patches.lower), np.asarray(patches.dx), strict=True):
        x, y = np.meshgrid(*(lower[d] + (np.arange(8) + 0.5) * dx[d] for d in (0, 1)), indexing="ij")
        depth = values[0] - np.minimum(np.asarray(ground(x, y)), 0.0)
        assert depth.min() > -1e-6  # what cells where levels meet at the shore may owe
        assert np.hypot(*values[1:]).max() < 1.0


BEACH = """
[domain]
lower = 0
upper = 10
boundary = "wall"

[mesh]
cells = 128
patch = 16

[equation]
type = "shallow_water"
bottom = "-1.0 + max(0.0, x - 6.0)*0.5"

[initial]
eta = "max(0.0, -1.0 + max(0.0, x - 6.0)*0.5)"
u = 0

[time]
end = 1
"""


@pytest.mark.parametrize("more", [[], ["equation.rest_level=0"], ["scheme.reconstruction=ppm", "scheme.riemann=hll"]])
def test_a_beach_in_a_config_rests(tmp_path, more):
    """As reported: time stood still at t = 0.0375."""
    (tmp_path / "beach.toml").write_text(BEACH)
    case = load(tmp_path / "beach.toml", more)
    run = case.simulation.run(case.initial, case.config.time.end)
    assert run.summary.steps < 100
    assert max(-run.field.minimum("hu"), run.field.maximum("hu")) < 1e-15
    assert run.field.minimum("eta") == pytest.approx(0, abs=1e-15)
