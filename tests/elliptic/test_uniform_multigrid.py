import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from solvers.elliptic.uniform import build_hierarchy, cycle, smoothed, started
from solvers.elliptic.uniform_operator import UniformGrid, applied

FIXED, FREE, MIXED = (1.0, 0.0), (0.0, 1.0), (2.0, 0.3)


def grid(cells, periodic=False, widths=None, lower=None):
    ndim = len(cells)
    widths = tuple(1 / n for n in cells) if widths is None else widths
    return UniformGrid(cells, (-0.5,) * ndim if lower is None else lower, widths, (periodic,) * ndim)


@functools.partial(jax.jit, static_argnums=0)
def built_for(mesh, alpha, beta, ends):
    return build_hierarchy(mesh, alpha, beta, lambda d, end, x: tuple(ends[2 * d + end]))


def built(mesh, ends=(FIXED,), alpha=0.0, beta=None):
    """For the same condition on all faces, or those of the lower and upper face of each dimension."""
    alpha = jnp.asarray(alpha, jnp.float64)
    beta = tuple(jnp.ones(()) for _ in mesh.cells) if beta is None else beta
    return built_for(mesh, alpha, beta, jnp.asarray([ends[n % len(ends)] for n in range(6)]))


def noise(cells, count=1, seed=0):
    r = np.random.default_rng(seed).normal(size=(count, *cells))
    return jnp.asarray(r - r.mean(tuple(range(1, r.ndim)), keepdims=True))


@jax.jit
def corrected(hierarchy, r, e):
    e = e + cycle(hierarchy, r - applied(hierarchy.levels[0], e))
    return e, r - applied(hierarchy.levels[0], e)


def residuals(hierarchy, r, cycles=8):
    """Norms after each cycle, one row a cycle and one column a variable, and the solution."""
    e, norms = jnp.zeros_like(r), [np.linalg.norm(r.reshape(r.shape[0], -1), axis=1)]
    for _ in range(cycles):
        e, left = corrected(hierarchy, r, e)
        norms.append(np.linalg.norm(left.reshape(r.shape[0], -1), axis=1))
    return np.array(norms), e


def once(hierarchy, r):
    """One cycle, by the program that counts several."""
    return corrected(hierarchy, r, 0 * r)[0]


def factor(hierarchy, r):
    """By which a cycle reduces the residual of the worst variable, on average."""
    norms, _ = residuals(hierarchy, r)
    return float(((norms[-1] / norms[0]) ** (1 / (len(norms) - 1))).max())


def blob(cells, inside, outside):
    """Coefficients on faces: means of those of cells, which jump at a circle or sphere."""
    x = np.meshgrid(*[(np.arange(n) + 0.5) / n - 0.5 for n in cells], indexing="ij")
    values = np.where(sum(line**2 for line in x) < 0.09, inside, outside)
    faces = []
    for d in range(len(cells)):
        wide = np.pad(values, [(1, 1) if k == d else (0, 0) for k in range(len(cells))], mode="edge")
        faces.append(jnp.asarray(0.5 * (np.delete(wide, 0, d) + np.delete(wide, -1, d)))[None])
    return tuple(faces)


# --- convergence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("periodic", [False, True])
def test_cycles_in_two_dimensions_divide_residuals_by_ten(periodic):
    mesh, r = grid((64, 64), periodic), noise((64, 64))
    for ends in [(FREE,)] if periodic else [(FIXED,), (FREE,), (FIXED, FREE, MIXED, FREE)]:
        assert factor(built(mesh, ends), r) < 0.09


@pytest.mark.parametrize("periodic", [False, True])
def test_cycles_in_three_dimensions_divide_residuals_by_ten(periodic):
    mesh, r = grid((16, 16, 16), periodic), noise((16, 16, 16))
    for ends in [(FREE,)] if periodic else [(FIXED,), (FREE,)]:
        assert factor(built(mesh, ends), r) < 0.1


@pytest.mark.parametrize("periodic", [False, True])
def test_cycles_converge_in_one_dimension(periodic):
    mesh, r = grid((256,), periodic), noise((256,))
    for ends in [(FREE,)] if periodic else [(FIXED,), (FREE,)]:
        assert factor(built(mesh, ends), r) < 0.45


@pytest.mark.parametrize(("cells", "bound"), [((64, 64), 0.075), ((256, 256), 0.075), ((32, 32, 32), 0.08)])
def test_convergence_does_not_depend_on_resolution(cells, bound):
    assert factor(built(grid(cells)), noise(cells)) < bound


def test_smooth_problem_of_v19_converges():
    mesh = grid((64, 64))
    x, y = np.meshgrid(*[(np.arange(n) + 0.5) / n - 0.5 for n in mesh.cells], indexing="ij")
    r = jnp.asarray(18 * np.pi**2 * np.cos(3 * np.pi * x) * np.cos(3 * np.pi * y))[None]
    norms, _ = residuals(built(mesh), r)
    assert (norms[1:] < 0.15 * norms[:-1]).all()
    assert norms[-1] < 1e-8 * norms[0]


@pytest.mark.parametrize("cells", [(48, 80), (12, 8, 20), (96, 6)])
def test_grids_of_all_shapes(cells):
    mesh = grid(cells, widths=(1 / cells[0],) * len(cells))
    assert factor(built(mesh), noise(cells)) < 0.1
    assert factor(built(mesh, (FREE,)), noise(cells)) < 0.1


def test_cells_that_are_not_cubes():
    mesh = grid((64, 32), widths=(1 / 64, 1 / 16))
    assert factor(built(mesh), noise(mesh.cells)) < 0.35


def test_grids_become_cubes_before_they_coarsen_everywhere():
    mesh = grid((64, 64), widths=(1.0, 4.0))
    assert mesh.coarser().widths == (2.0, 4.0)
    assert mesh.coarser().coarser().widths == (4.0, 4.0)
    assert mesh.coarser().coarser().coarser().cells == (8, 32)
    assert grid((8, 8)).coarser() is None
    assert grid((81, 3)).coarser() is None


@pytest.mark.parametrize("periodic", [False, True])
def test_coarsest_grids_of_odd_numbers_of_cells(periodic):
    mesh = grid((90, 70), periodic=periodic, widths=(0.1, 0.1))
    hierarchy = built(mesh)
    assert hierarchy.levels[-1].grid.cells == (45, 35)
    assert factor(hierarchy, noise(mesh.cells)) < 0.1


def test_tiny_grids_are_solved_exactly():
    hierarchy, r = built(grid((8, 4)), (FIXED, FREE)), noise((8, 4))
    norms, _ = residuals(hierarchy, r, cycles=1)
    assert norms[1] < 1e-12 * norms[0]


@pytest.mark.parametrize("cells", [(64, 64), (16, 16, 16)])
def test_coefficients_that_jump(cells):
    for inside, outside, bound in [(1.0, 10.0, 0.25), (1.0, 1000.0, 0.7), (1000.0, 1.0, 0.7)]:
        hierarchy = built(grid(cells), beta=blob(cells, inside, outside))
        norms, _ = residuals(hierarchy, noise(cells), cycles=12)
        assert ((norms[-1] / norms[4]) ** (1 / 8)).max() < bound


def test_smooth_coefficients_and_varying_alpha():
    cells = (64, 96)
    x, y = np.meshgrid(*[(np.arange(n) + 0.5) / n for n in cells], indexing="ij")
    alpha = jnp.asarray(50 * (1 + np.sin(7 * x) * y))[None]
    beta = tuple(
        jnp.asarray(1.5 + np.random.default_rng(d).uniform(size=s)) for d, s in enumerate([(65, 96), (64, 97)])
    )
    assert factor(built(grid(cells), (FIXED, FREE), alpha, beta), noise(cells)) < 0.15


def test_diffusion_in_small_steps_converges_at_once():
    cells = (64, 64)
    assert factor(built(grid(cells), (FREE,), alpha=1e5), noise(cells)) < 0.04


def test_variables_of_their_own():
    cells = (16, 32)
    mesh = grid(cells, widths=(1 / 16, 1 / 16))
    alpha = jnp.asarray([0.0, 10.0, 1e4]).reshape(3, 1, 1)
    beta = tuple(jnp.asarray([1.0, 0.1, 5.0]).reshape(3, 1, 1) for _ in cells)
    together, r = built(mesh, (FREE,), alpha, beta), noise(cells, 3)
    assert factor(together, r) < 0.1
    e = once(together, r)
    for n in range(3):
        one = built(mesh, (FREE,), alpha[n], tuple(b[n] for b in beta))
        np.testing.assert_allclose(once(one, r[n : n + 1])[0], e[n], rtol=1e-8, atol=1e-12)


def test_conditions_that_differ_between_variables():
    cells, a = (32, 32), jnp.asarray([1.0, 0.0]).reshape(2, 1, 1)
    one = jnp.ones(())
    hierarchy = jax.jit(lambda: build_hierarchy(grid(cells), 0 * one, (one, one), lambda d, end, x: (a, 1 - a)))()
    for n, ends in enumerate([FIXED, FREE]):
        r = noise(cells, 2)
        alone = once(built(grid(cells), (ends,)), r[n : n + 1])
        np.testing.assert_allclose(once(hierarchy, r)[n], alone[0], rtol=1e-8, atol=1e-12)


def test_conditions_that_vary_along_a_face():
    mesh = grid((64, 64))
    seen = []

    def rule(d, end, x):
        along = x[1 - d]
        seen.append((d, end, x[d].shape, along.shape))
        return jnp.where(along > 0, 1.0, 3 * along**2), jnp.where(along > 0, 0.0, 1.0)

    one = jnp.ones(())
    hierarchy = jax.jit(lambda: build_hierarchy(mesh, 0 * one, (one, one), rule))()
    assert factor(hierarchy, noise(mesh.cells)) < 0.25
    assert seen[:2] == [(0, 0, (1, 1), (1, 64)), (0, 1, (1, 1), (1, 64))]
    assert seen[2:4] == [(1, 0, (1, 1), (64, 1)), (1, 1, (1, 1), (64, 1))]


def test_coordinates_of_faces():
    mesh = grid((4, 2), lower=(1.0, 2.0), widths=(0.5, 1.0))
    x, y = mesh.face(0, 1, jnp.float64)
    assert (x.tolist(), y.tolist()) == ([[3.0]], [[2.5, 3.5]])
    x, y = mesh.face(1, 0, jnp.float64)
    assert (x.tolist(), y.tolist()) == ([[1.25], [1.75], [2.25], [2.75]], [[2.0]])


def test_ensembles():
    cells = (32, 32)
    hierarchy, r = built(grid(cells)), noise(cells, 3)[:, None]
    e = jax.vmap(once, (None, 0))(hierarchy, r)
    for one, alone in zip(e, r, strict=True):
        np.testing.assert_allclose(one, once(hierarchy, alone), atol=1e-14)


def test_single_precision_stays():
    cells, one = (32, 32), jnp.ones((), jnp.float32)
    hierarchy = jax.jit(lambda: build_hierarchy(grid(cells), 0 * one, (one, one), lambda d, end, x: FREE))()
    r = noise(cells).astype(jnp.float32)
    e, left = corrected(hierarchy, r, 0 * r)
    assert e.dtype == jnp.float32
    assert jnp.linalg.norm(left) < 0.1 * jnp.linalg.norm(r)


# --- the operator -----------------------------------------------------------------------------------------------------


def plain_operator(mesh, alpha, beta, ends, e):
    """The equation as it is written, for one variable, with cells beyond the domain."""
    total = alpha * e
    for d, (h, b) in enumerate(zip(mesh.widths, beta, strict=True)):
        if mesh.periodic[d]:
            wide = np.pad(e, [(1, 1) if k == d else (0, 0) for k in range(e.ndim)], mode="wrap")
        else:
            factors = [(2 * q - p * h) / (2 * q + p * h) for p, q in ends[2 * d : 2 * d + 2]]
            beyond = [k * np.take(e, [n], d) for k, n in zip(factors, (0, -1), strict=True)]
            wide = np.concatenate([beyond[0], e, beyond[1]], d)
        flux = b * np.diff(wide, axis=d) / h
        total = total - np.diff(flux, axis=d) / h
    return total


@pytest.mark.parametrize(
    ("cells", "constant"), [((10,), False), ((6, 4), False), ((4, 6, 2), False), ((4, 6, 2), True)]
)
@pytest.mark.parametrize("periodic", [False, True])
def test_operator_is_that_of_the_equation(cells, periodic, constant):
    rng, ndim = np.random.default_rng(1), len(cells)
    shapes = [tuple(n + (k == d) for k, n in enumerate(cells)) for d in range(ndim)]
    beta = [rng.uniform(1, 2, (1,) * ndim if constant else s) for s in shapes]
    if periodic:
        for d, b in enumerate(beta):
            np.moveaxis(b, d, 0)[-1] = np.moveaxis(b, d, 0)[0]
    mesh = grid(cells, periodic, widths=(0.1, 0.2, 0.15)[:ndim])
    ends, e = [FIXED, FREE, MIXED, FREE, (1.0, 1.0), FIXED][: 2 * ndim], rng.normal(size=cells)
    wide = [np.broadcast_to(b, s) for b, s in zip(beta, shapes, strict=True)]
    level = built(mesh, ends, 0.7, tuple(map(jnp.asarray, beta))).levels[0]
    found = applied(level, jnp.asarray(e)[None])[0]
    np.testing.assert_allclose(found, plain_operator(mesh, 0.7, wide, ends, e), rtol=1e-12, atol=1e-10)


@jax.jit
def products(level, a, b):
    forth, back = jnp.vdot(a, applied(level, b)), jnp.vdot(applied(level, a), b)
    return forth, back, jnp.vdot(a, applied(level, a))


@pytest.mark.parametrize("cells", [(80,), (12, 8), (4, 8, 4)])
def test_operator_is_symmetric_on_all_levels(cells):
    ends = (FIXED, FREE, MIXED, MIXED, FREE, FIXED)
    for periodic, beta in ((False, None), (False, blob(cells, 1.0, 30.0)), (True, blob(cells, 1.0, 30.0))):
        levels = built(grid(cells, periodic), ends, 0.3, beta).levels
        assert len(levels) >= 2
        for level in levels:
            forth, back, scale = products(level, noise(level.grid.cells, 1, 2), noise(level.grid.cells, 1, 3))
            np.testing.assert_allclose(forth, back, atol=1e-12 * scale)


ROBIN = (2 * math.tan(1.0), 1.0)


@pytest.mark.parametrize(
    ("ndim", "end", "wave"), [(1, ROBIN, 2.0), (2, FIXED, math.pi), (2, ROBIN, 2.0), (3, ROBIN, 2.0)]
)
def test_solutions_are_of_second_order(ndim, end, wave):
    """Products of cosines on [-1/2, 1/2]: of waves that fulfil the condition at the ends."""
    errors = []
    for n in (8, 16):
        x = np.meshgrid(*[(np.arange(n) + 0.5) / n - 0.5] * ndim, indexing="ij")
        exact = np.prod([np.cos(wave * line) for line in x], 0)
        r = jnp.asarray((1 + ndim * wave**2) * exact)[None]
        norms, e = residuals(built(grid((n,) * ndim), (end,), 1.0), r, 30 if ndim == 1 else 12)
        assert norms[-1] < 1e-9 * norms[0]
        errors.append(np.abs(e[0] - exact).max())
    assert 3.6 < errors[0] / errors[1] < 4.4


def test_null_space_solution_has_the_differences_of_the_exact_one():
    errors = []
    for n in (16, 32):
        x, y = np.meshgrid(*[(np.arange(n) + 0.5) / n - 0.5] * 2, indexing="ij")
        exact = np.sin(3 * np.pi * x) * np.sin(3 * np.pi * y)
        norms, e = residuals(built(grid((n, n)), (FREE,)), jnp.asarray(18 * np.pi**2 * exact)[None], cycles=10)
        assert norms[-1] < 1e-8 * norms[0]
        errors.append(np.abs(e[0] - e.mean() - exact).max())
    assert 3.6 < errors[0] / errors[1] < 4.4


def test_smoothing_alone_reduces_what_oscillates():
    cells = (64, 64)
    level, parity = built(grid(cells)).levels[0], np.indices(cells)[1] % 2
    e = jnp.asarray(1.0 - 2 * parity)[None]
    found = jax.jit(lambda e: functools.reduce(lambda e, _: smoothed(level, e, 0 * e), range(3), e))(e)
    assert jnp.linalg.norm(found) < 0.1 * jnp.linalg.norm(e)


def test_starting_from_zero_is_smoothing_zero():
    cells = (16, 12)
    level, r = built(grid(cells), (FIXED, FREE)).levels[0], noise(cells)
    found, expected = jax.jit(lambda r: (started(level, r), smoothed(level, 0 * r, r)))(r)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("cells", [(64,), (1031,)])  # solved on the coarsest grid by a matrix, and by iterations
@pytest.mark.parametrize("power", [-600, 600])
def test_residuals_of_any_size(cells, power):
    hierarchy, r = built(grid(cells)), noise(cells)
    np.testing.assert_array_equal(once(hierarchy, 2.0**power * r), 2.0**power * once(hierarchy, r))
