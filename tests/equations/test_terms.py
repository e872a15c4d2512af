"""Equations of terms of one's own: what the grid, the steppers and the run ask of a term is enough."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import amr
import solvers
from amr.errors import InvalidSettingError
from amr.grid import lower, trim, upper

SPEED, RATE = 0.7, 0.5


class UpwindAlongX(solvers.Term):
    """First-order transport along x with a constant speed."""

    speed: float

    def samples(self, part, time):
        return part.over_blocks(lambda block: block.widths, time.dtype)

    def limits(self, part, samples, scheme, bounded):
        return {"signal": abs(self.speed) / samples[:, 0]}

    def crossing(self, here, keep):
        mesh, fluxes = here.part.mesh, []
        for d in range(mesh.ndim):
            across = [2 + k for k in range(mesh.ndim) if k != d]
            line = trim(trim(here.u, across, here.part.ghost), [2 + d], here.part.ghost - 1)
            speed = self.speed if d == 0 else 0.0
            rate = here.moment.dt / here.part.sizes(here.u.dtype)[d]
            fluxes.append(rate * speed * (lower(line, 2 + d) if self.speed > 0 else upper(line, 2 + d)))
        return tuple(fluxes)


class Decay(solvers.Term):
    """What is there decays."""

    rate: float

    def made(self, here):
        return -self.rate * trim(here.u, range(2, 2 + here.part.mesh.ndim), here.part.ghost)


class Plume(solvers.Equation):
    """Smoke that drifts, spreads and decays."""

    diffusivity: float
    names: tuple[str, ...] = eqx.field(static=True, default=("smoke",))

    @property
    def terms(self):
        spread = solvers.Diffusion(self.diffusivity).terms.diffusion if self.diffusivity else None
        return solvers.Terms(UpwindAlongX(SPEED), spread, Decay(RATE))


def puff(x, y):
    return jnp.exp(-80 * ((x - 0.3) ** 2 + (y - 0.5) ** 2))


def simulation(equation, scheme=None, levels=1):
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (32, 32), 8, levels)
    refine = amr.Difference(0.05) if levels else None
    return solvers.Simulation(mesh, equation, scheme, refine, longest=0.005)


@pytest.mark.parametrize("integrator", [solvers.SSPRK2(), solvers.RKL2(9), solvers.SDIRK2(1e-10)], ids=str)
def test_a_sum_of_terms_of_ones_own(integrator):
    """Each term does its part: the integral decays at the rate, the middle moves with the speed, the width grows."""
    solution = simulation(Plume(0.01), solvers.MethodOfLines(integrator=integrator)).run(puff, 0.2)
    smoke = solution.summary.variables["smoke"].integral
    assert smoke["final"] / smoke["initial"] == pytest.approx(np.exp(-RATE * 0.2), rel=1e-5)
    leaves = solution.field.patches()
    x, weight = leaves.centres(0)[:, :, None], leaves.values[:, 0] * leaves.dx.prod(1)[:, None, None]
    middle = (x * weight).sum() / weight.sum()
    assert middle == pytest.approx(0.3 + SPEED * 0.2, abs=2e-3)
    width = ((x - middle) ** 2 * weight).sum() / weight.sum()
    # Upwinding spreads as a diffusivity of speed dx / 2 does, with dx of the levels there are.
    assert 1 / 160 + 2 * 0.01 * 0.2 < width < 1 / 160 + 2 * (0.01 + SPEED / 64) * 0.2 + 1e-4


def test_without_diffusion_the_default_scheme_will_do():
    solution = simulation(Plume(0.0), levels=0).run(puff, 0.05)
    smoke = solution.summary.variables["smoke"].integral
    assert smoke["final"] / smoke["initial"] == pytest.approx(np.exp(-RATE * 0.05), rel=1e-5)
    assert solution.summary.diffusion is None


class Spread(solvers.Term):
    """Explicit diffusion, without what solving for it needs."""

    rate: float

    def crossing(self, here, keep):
        dims = range(here.part.mesh.ndim)
        near = trim(here.u, [2 + d for d in dims], here.part.ghost - 1)
        lines = [trim(near, [2 + k for k in dims if k != d]) for d in dims]
        dx = here.part.sizes(here.u.dtype)
        return tuple(
            -here.moment.dt * self.rate / dx[d] ** 2 * (upper(line, 2 + d) - lower(line, 2 + d))
            for d, line in enumerate(lines)
        )


class Patina(solvers.Equation):
    """What spreads."""

    names = ("cover",)

    @property
    def terms(self):
        return solvers.Terms(diffusion=Spread(0.01))


class Careless(solvers.Stepper):
    """Forgets to give back the workspace, or only counts."""

    counts: bool = False
    order = 1

    def step(self, evolution, space, begin, dt):
        space, out = evolution.outflow(space, evolution.moment(begin, dt))
        cells = evolution.cells(space) - out
        return evolution.with_cells(space, cells).with_effort(2, False) if self.counts else cells

    def limited(self, rate, spread, cfl):
        return jnp.maximum(rate, spread)


def test_what_does_not_fit_is_told():
    implicit = solvers.MethodOfLines(integrator=solvers.SDIRK2())
    with pytest.raises(InvalidSettingError, match=r"SDIRK2 solves .* Spread would need constant, moved, on_faces"):
        simulation(Patina(), implicit)
    with pytest.raises(InvalidSettingError, match=r"Careless\.step has to give the workspace"):
        simulation(Patina(), solvers.MethodOfLines(integrator=Careless()), 0).run(puff, 0.1)
    counted = simulation(Patina(), solvers.MethodOfLines(integrator=Careless(counts=True)), 0).run(puff, 0.01).summary
    assert counted.diffusion.most == 2
    with pytest.raises(InvalidSettingError, match="Strang needs reactions of single cells"):
        simulation(Plume(0.01), solvers.Strang(solvers.MethodOfLines()))
