"""Strong shocks along the grid stay straight, and nothing else is treated as one."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from plain_integrator import changes, step

import solvers
from solvers.schemes.shocks import beside_shocks

LAW = solvers.Euler(2)
MACH, GAMMA = 7.0, 1.4
DENSER, PRESSED = 6 * MACH**2 / (MACH**2 + 5), (7 * MACH**2 - 1) / 6  # behind a shock, for gamma = 1.4
BEFORE = (1.0, MACH * GAMMA**0.5, 0.0, 1.0)
BEHIND = (DENSER, MACH * GAMMA**0.5 / DENSER, 0.0, PRESSED)


def jump(left, right, shape=(24, 12)):
    """Two states that meet in the middle, as primitive variables of one patch."""
    states = np.where(np.arange(shape[0]) < shape[0] // 2, np.array(left)[:, None], np.array(right)[:, None])
    return np.broadcast_to(states[:, None, :, None], (4, 1, *shape))


@functools.partial(jax.jit, static_argnums=0)
def advanced(lines, u, t_end):
    def one(carry):
        u, t = carry
        dt = jnp.minimum(lines.default_cfl / sum(LAW.max_speed(u, d) for d in (0, 1)).max(), t_end - t)
        return step(lines.integrator, lambda u, _: changes(LAW, lines, u, dt, "edge"), u, 0.0, 1.0), t + dt

    return jax.lax.while_loop(lambda carry: carry[1] < t_end, one, (u, 0.0))[0]


@pytest.mark.parametrize("scheme", [solvers.DonorCell(), solvers.MUSCL(solvers.VanLeer())], ids=str)
def test_a_standing_shock_stays_straight(scheme):
    """Noise of a thousandth in the density before and behind it; with the contact wave alone the shock breaks up."""
    w = np.array(jump(BEFORE, BEHIND))
    w[0] *= 1 + 1e-3 * np.random.default_rng(0).uniform(-1, 1, w[0].shape)
    u = LAW.conserved(jnp.asarray(w))

    def uneven(riemann):
        density = advanced(solvers.MethodOfLines(scheme, riemann), u, 60.0)[0]
        return jnp.ptp(density, axis=2).max()

    assert uneven(solvers.HLLC()) < 0.2
    assert uneven(solvers.HLLC(beside_shocks=None)) > 1


def marks(left, right, d):
    """Where faces across each dimension are marked, of a jump along d; `left` and `right` are along x."""
    w = jnp.asarray(jump(left, right, (8, 8)))
    u = LAW.conserved(w if d == 0 else w.swapaxes(2, 3)[jnp.array([0, 2, 1, 3])])
    return beside_shocks(LAW, u[..., None], 2, lambda stage: stage())


@pytest.mark.parametrize("d", [0, 1])
def test_faces_that_stand_on_a_shock_are_marked(d):
    """The jump lies between the cells 2 and 3 of the patch: both have faces along it, none across is marked."""
    found = marks(BEFORE, BEHIND, d)
    assert not found[d].any()
    along = np.zeros(6, bool)
    along[2:4] = True
    np.testing.assert_array_equal(np.moveaxis(found[1 - d][0, ..., 0], d, 0), along[:, None].repeat(7, 1))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((1.0, 0.3, 0.2, 1.0), (0.01, 0.3, 0.2, 1.0)),  # a contact
        ((1.0, 0.3, -5.0, 1.0), (1.0, 0.3, 5.0, 1.0)),  # shear
        ((1.0, -2.0, 0.0, 1.0), (0.1, 2.0, 0.0, 0.1)),  # gas that flies apart
        ((1.2, 1.1, 0.0, 1.3), (1.0, 1.0, 0.0, 1.0)),  # a weak shock
    ],
)
def test_nothing_else_is(left, right):
    assert not any(mark.any() for mark in marks(left, right, 0))
