"""Elliptic problems on their own."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from daily import daily
from meshes import balanced_levels, forest_of

import amr
import solvers
from amr.errors import InvalidSettingError

TAU = 2 * math.pi
GROUNDED = amr.Dirichlet(0.0)


def box(ndim, cells=16, levels=1, patch=4, periodic=False):
    domain = amr.Domain((0.0,) * ndim, (1.0,) * ndim, periodic=periodic)
    return amr.Mesh(domain, (cells,) * ndim, patch, levels)


def middle(ndim):
    """Refines half of the domain in each dimension."""
    return amr.Region((0.26,) * ndim, (0.74,) * ndim, 1)


@functools.cache
def middle_of(mesh):
    """A field on the leaves that `middle` wishes, on each level, without the program that asks an indicator."""
    refined = []
    for level in range(mesh.max_level):
        marks = np.zeros([n * 2**level for n in mesh.roots], bool)
        marks[tuple(slice(n // 4, 3 * n // 4) for n in marks.shape)] = True
        refined.append(marks)
    levels = balanced_levels(mesh, refined)
    count = sum(int((levels == n).sum()) // mesh.children ** (mesh.max_level - n) for n in range(mesh.max_level + 1))
    data = jnp.zeros((1, *mesh.patch_shape, count))
    return amr.Field(mesh, forest_of(mesh, levels, count), data, ("u",))


def one(*x):
    return 1 + 0 * x[0]


def difference(field, exact):
    """What lies between the field and a function, at the cell centres."""
    patches, ndim = field.patches(), field.mesh.ndim
    x = [
        patches.centres(d).reshape(-1, *(patches.values.shape[2] if k == d else 1 for k in range(ndim)))
        for d in range(ndim)
    ]
    return np.asarray(patches.values[:, 0] - exact(*x)), patches.dx.prod(1)


def errors(field, exact):
    found, volume = difference(field, exact)
    return float((np.abs(found).mean(tuple(range(1, found.ndim))) * volume).sum() / volume.sum()), np.abs(found).max()


def waves(*x):
    return math.prod((jnp.sin(TAU * xi) for xi in x), start=1.0)


@pytest.mark.parametrize("base", daily([16, 32], (16).__eq__))
def test_published_errors(base):
    """V16: a square refined once, the errors of Basilisk in VERIFICATION.md."""
    published = {16: (6.98e-3, 1.91e-2), 32: (1.75e-3, 5.14e-3)}[base]
    problem = solvers.Elliptic(box(2, base), boundary=GROUNDED)
    found = problem.solve(lambda x, y: 2 * TAU**2 * waves(x, y), refine=middle(2))
    assert found.field.cells == base**2 + 3 * (base // 2) ** 2
    assert found.field.cells == middle_of(problem.mesh).cells
    for ours, theirs in zip(errors(found.field, waves), published, strict=True):
        assert ours <= theirs


@pytest.mark.parametrize("ndim", daily([1, 3], (1).__eq__))
def test_second_order_in_other_dimensions(ndim):
    found = []
    for cells in (16, 32):
        # Of four patches along each dimension, since many small ones take longer.
        mesh = box(ndim, cells, patch=cells // 4)
        problem = solvers.Elliptic(mesh, alpha=3.0, boundary=GROUNDED)
        solution = problem.solve(lambda *x: (3 + ndim * TAU**2) * waves(*x), on=middle_of(mesh))
        assert bool(solution.converged)
        found.append(errors(solution.field, waves))
    orders = np.log2(np.divide(*found))
    assert orders[0] > 1.95
    assert orders[1] > 1.8


def test_nothing_fixes_values():
    """Poisson's equation with given slopes has a solution up to a constant, if the source balances what flows in."""

    def exact(x, y):
        return jnp.cos(math.pi * x) * jnp.cos(2 * math.pi * y) + 0.5 * x

    boundary = [(amr.Neumann(-0.5), amr.Neumann(0.5)), amr.Neumann(0.0)]
    mesh = box(2, 32, patch=8)
    found = solvers.Elliptic(mesh, boundary=boundary).solve(
        lambda x, y: 5 * math.pi**2 * jnp.cos(math.pi * x) * jnp.cos(2 * math.pi * y) + 0.25, on=middle_of(mesh)
    )
    assert bool(found.converged)
    assert float(found.imbalance[0]) == pytest.approx(0.25, abs=1e-10)
    assert found.field.integral() == pytest.approx(0.0, abs=1e-12)
    inner, _ = difference(found.field, exact)
    assert np.abs(inner - inner.mean()).max() < 1e-2
    assert "solved on" in str(found)


def test_what_fixes_values_is_noticed():
    for alpha, boundary in ((1e-3, amr.Neumann(0.0)), (0.0, [amr.Neumann(0.0), (amr.Robin(1.0, 1.0), amr.Wall())])):
        problem = solvers.Elliptic(box(2, levels=0), alpha=alpha, boundary=boundary)
        found = problem.solve(lambda x, y: 1 + x * y)
        assert float(found.imbalance[0]) == 0
        assert found.field.integral() > 0.1


@pytest.mark.slow
def test_cycles_do_not_grow():
    counts = []
    for cells, levels in ((16, 0), (64, 0), (32, 2)):
        mesh = box(2, cells, levels, 8)
        problem = solvers.Elliptic(mesh, boundary=GROUNDED)
        counts.append(int(problem.solve(lambda x, y: 1 + x, on=middle_of(mesh)).iterations))
    assert max(counts) <= min(counts) + 3
    assert max(counts) <= 11


def smooth(contrast, x, y):
    return contrast ** (0.5 * (1 + jnp.sin(TAU * x) * jnp.cos(TAU * y)))


@pytest.mark.parametrize("contrast", daily([10.0, 1000.0], (1000.0).__eq__))
def test_coefficients_that_vary(contrast):
    """A factor of four or more in a cycle, whatever the contrast, where the coefficient varies over several cells."""
    mesh = box(2, 32, patch=8)
    # Both contrasts by one program.
    problem = solvers.Elliptic(mesh, jax.tree_util.Partial(smooth, jnp.asarray(contrast)), boundary=GROUNDED)
    found = problem.solve(one, on=middle_of(mesh), tolerance=1e-8)
    assert bool(found.converged)
    assert int(found.iterations) <= 8 * math.log(10) / math.log(4)


def test_jumps_of_the_coefficient():
    """Slower at jumps (see docs/diffusion.md), but it gets there."""
    mesh = box(2, 32, patch=8)
    jumping = lambda x, y: jnp.where((x < 0.5) ^ (y < 0.5), 100.0, 1.0)  # noqa: E731
    problem = solvers.Elliptic(mesh, jumping, mean=solvers.Harmonic(), boundary=GROUNDED)
    found = problem.solve(one, on=middle_of(mesh), tolerance=1e-6)
    assert bool(found.converged)


def test_a_coefficient_that_depends_on_the_solution():
    """(u u')' = 0 from 1 to 2 is u = sqrt(1 + 3 x)."""
    ends, own = [(amr.Dirichlet(1.0), amr.Dirichlet(2.0))], solvers.NonlinearDiffusivity(lambda u, x, t: u[0])
    problem = solvers.Elliptic(box(1, 64, patch=8), own, boundary=ends)
    found = problem.solve(lambda x: 0 * x, refine=amr.Region(0.3, 0.6, 1), guess=lambda x: 1 + 0 * x)
    assert bool(found.converged)
    _, largest = errors(found.field, lambda x: jnp.sqrt(1 + 3 * x))
    assert largest < 1e-4


def test_several_variables_on_the_mesh_of_a_field():
    mesh, walls = box(2), amr.Dirichlet((0.0, 0.0))
    on = solvers.Elliptic(mesh, boundary=GROUNDED).solve(lambda x, y: 1 + x, on=middle_of(mesh)).field
    both = solvers.Elliptic(mesh, (1.0, 4.0), names=("a", "b"), boundary=walls).solve(
        lambda x, y: (1 + x, 1 + x), on=on
    )
    np.testing.assert_allclose(both.field.data[0], on.data[0], atol=1e-9)
    np.testing.assert_allclose(4 * both.field.data[1], on.data[0], atol=1e-9)


def test_derivative_of_a_solution():
    mesh = box(2)
    forest = middle_of(mesh).forest

    def total(diffusivity):
        problem = solvers.Elliptic(mesh, diffusivity, boundary=GROUNDED)
        return problem.on_forest(forest, lambda x, y: 1 + x, None, 1e-12, 50).field.data.sum()

    value, slope = jax.jit(lambda d: jax.jvp(total, (d,), (1.0,)))(0.5)
    assert float(slope) == pytest.approx(-float(value) / 0.5, rel=1e-9)


def test_it_says_when_it_did_not_converge():
    found = solvers.Elliptic(box(2), boundary=GROUNDED).solve(lambda x, y: 1 + x, iterations=2)
    assert not bool(found.converged)
    assert int(found.iterations) == 2
    assert "NOT solved" in str(found)
    with pytest.raises(InvalidSettingError, match="source"):
        solvers.Elliptic(box(2), boundary=GROUNDED).solve(1.0)


@functools.cache
def scaled_problem():
    """Two variables: a source times a number, with its solution, its derivative by the number, and how it was found;
    and one whose source vanishes, times another number as a guess."""
    mesh = box(1)
    forest = middle_of(mesh).forest
    problem = solvers.Elliptic(mesh, 2.0, names=("u", "v"), boundary=amr.Dirichlet((0.0, 0.0)))

    @jax.jit
    def solved(amount, guessed):
        def values(amount):
            source = lambda x: (amount * (1 + x), 0.0 * x)  # noqa: E731
            guess = lambda x: (0.0 * x, guessed * waves(x))  # noqa: E731
            found = problem.on_forest(forest, source, guess, 1e-9, 50)
            cells = jnp.where(found.field.forest.active, found.field.data, 0)
            return cells, (found.iterations, found.residual, found.converged)

        value, slope, how = jax.jvp(values, (amount,), (amount,), has_aux=True)
        return value, slope, how

    return solved


@pytest.mark.parametrize("power", [-820, -400, -66, 63, 400, 820])
def test_sources_of_any_size(power):
    values, slopes, (iterations, residual, converged) = scaled_problem()(1.0, 1.0)
    assert bool(converged)
    assert iterations > 1
    np.testing.assert_allclose(slopes[0], values[0], rtol=1e-7)
    np.testing.assert_allclose(values[1], 0, atol=1e-8 * np.abs(values[0]).max())
    found, found_slopes, how = scaled_problem()(2.0**power, 2.0**-power)  # two variables with nothing in common
    np.testing.assert_array_equal(found[0], values[0] * 2.0**power)
    np.testing.assert_array_equal(found[1], values[1] * 2.0**-power)
    np.testing.assert_array_equal(found_slopes[0], slopes[0] * 2.0**power)
    assert how == (iterations, residual, converged)
