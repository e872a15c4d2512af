"""Ghost cells against a lookup that knows nothing of plans: the domain on a uniform grid of each level.

The fill shifts and reshapes much as the pattern that XLA's CPU compiler got wrong (openxla/xla issue 49176): these
comparisons with NumPy are the guard against it.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from daily import daily
from hypothesis import given, strategies as st
from meshes import (
    CASES,
    LIMITED,
    LIMITED_QUARTIC,
    QUADRATIC,
    QUARTIC,
    WIDE,
    case,
    compiled,
    forest_of,
    level_maps,
    pools,
    topology,
)
from reference import cell_levels, composites, cut, limited_linear, limited_quartic, quadratic, quartic

import amr
from amr.grid.halo import finer_cells, half_reach
from amr.grid.pool import Layout
from amr.grid.topology import build_topology
from amr.mesh.forest import root_forest

A_DAY = [case for case in CASES + WIDE if case.name in ("1d-outflow", "2d-mixed", "3d-mixed", "2d-wide-mixed")]
WAYS = [
    *((case, *way) for case in CASES for way in ((LIMITED, limited_linear), (QUADRATIC, quadratic))),
    *((case, *way) for case in WIDE for way in ((QUARTIC, quartic), (LIMITED_QUARTIC, limited_quartic))),
]
on_every_mesh = pytest.mark.parametrize("case", daily(CASES + WIDE, A_DAY.__contains__), ids=str)
ONE_LEVEL = case("2d-uniform", 8, (2, 3), 0, (True, False), ghost=2)


def ghosted(case, forest, u, prolongation=None):
    run = compiled(case)
    limited = LIMITED if case.margin == 1 else LIMITED_QUARTIC
    filled = run.ghosts(run.topology(forest), u, prolongation or limited)
    return np.asarray(filled)[..., : int(forest.count)]


@pytest.mark.parametrize(
    ("case", "prolongation", "refine"),
    daily(WAYS, lambda case, *way: case in A_DAY),
    ids=[f"{way[0]}-{way[2].__name__}" for way in WAYS],
)
@given(data=st.data())
def test_ghosts_equal_brute_force(case, prolongation, refine, data):
    """Same level, finer and coarser neighbours, periodic and outflow boundaries, with edges and corners."""
    forest, u = data.draw(pools(case))
    expected = cut(case.mesh, forest, composites(case.mesh, forest, u, refine), case.ghost)
    np.testing.assert_allclose(ghosted(case, forest, u, prolongation), expected, rtol=0, atol=1e-13)


def test_ghosts_of_a_uniform_grid():
    mesh = ONE_LEVEL.mesh
    forest = root_forest(mesh, mesh.capacity)
    u = np.random.default_rng(0).normal(size=(3, *mesh.patch_shape, mesh.capacity))
    expected = cut(mesh, forest, composites(mesh, forest, u, quadratic), ONE_LEVEL.ghost)
    np.testing.assert_array_equal(ghosted(ONE_LEVEL, forest, u), expected)


@on_every_mesh
@given(data=st.data())
def test_garbage_in_empty_slots_never_shows(case, data):
    forest, u = data.draw(pools(case, empty=np.nan))
    assert np.isfinite(ghosted(case, forest, u)).all()
    np.testing.assert_array_equal(ghosted(case, forest, u), ghosted(case, forest, np.nan_to_num(u)))


@on_every_mesh
@given(data=st.data())
def test_constant_stays_constant(case, data):
    forest = forest_of(case.mesh, data.draw(level_maps(case)))
    u = np.full((2, *case.mesh.patch_shape, case.mesh.capacity), 0.1)
    assert (ghosted(case, forest, u) == 0.1).all()


@on_every_mesh
@given(data=st.data())
def test_linear_functions_are_exact_inside(case, data):
    """Away from the boundaries of the domain, where a linear function is continued neither periodically nor flat."""
    mesh = case.mesh
    forest = forest_of(mesh, data.draw(level_maps(case)))
    gradient = data.draw(st.tuples(*[st.integers(-3, 3)] * mesh.ndim))
    x = compiled(case).centres(forest, dtype=jnp.float64, ghost=case.ghost)
    values = np.asarray(sum((g * coordinate for g, coordinate in zip(gradient, x, strict=True)), 0.5))[None]
    inside = True
    for d, coordinate in enumerate(x):
        # Some coarse cells from the boundary: the cell that is prolonged and those around it.
        width = mesh.cell_size(0)[d] * 0.5 ** np.asarray(forest.level) * (np.asarray(forest.level) > 0)
        margin = 2 * (1 + case.margin) * width
        low, high = mesh.domain.lower[d] + margin, mesh.domain.upper[d] - margin
        inside = inside & (np.asarray(coordinate) > low) & (np.asarray(coordinate) < high)
    inner = (slice(None), *[slice(case.ghost, -case.ghost)] * mesh.ndim)
    found = ghosted(case, forest, values[inner])
    count = int(forest.count)
    assert (np.abs(found - values[..., :count]) < 1e-13)[inside[None, ..., :count]].all()


@on_every_mesh
@given(data=st.data())
def test_finer_cells_are_those_in_finer_leaves(case, data):
    mesh = case.mesh
    forest = forest_of(mesh, data.draw(level_maps(case)))
    found = finer_cells(mesh, compiled(case).topology(forest).leaves.all(), case.ghost)
    levels = cut(mesh, forest, [grid[None] for grid in cell_levels(mesh, forest)], case.ghost)[0]
    expected = levels > np.asarray(forest.level)[: int(forest.count)]
    np.testing.assert_array_equal(found[..., : int(forest.count)], expected)


SIZES = [
    (4, 2, 1, True), (4, 3, 1, False), (6, 4, 1, True), (6, 5, 1, False), (6, 2, 2, True), (4, 1, 2, False),
    (6, 3, 2, False),
]  # fmt: skip


@pytest.mark.parametrize(("patch", "ghost", "margin", "works"), SIZES)
def test_a_patch_must_be_large_enough_for_the_ghost_cells(patch, ghost, margin, works):
    mesh = amr.Mesh(amr.Domain(0, 1), 2 * patch, patch, max_level=1)
    if works:
        half_reach(mesh, ghost, margin)
        return
    with pytest.raises(amr.InvalidSettingError, match="ghost cells") as error:
        build_topology(mesh, root_forest(mesh, 4), ghost, margin, Layout(1, 4, 1))
    assert error.value.key == "patch"


def test_one_compilation_serves_all_forests():
    case, traces = CASES[2], []

    @jax.jit
    def centre(forest):
        traces.append(forest)
        return topology(case, forest).fill

    for level in (0, 1, 3):
        centre(forest_of(case.mesh, np.full((24, 8), level)))
    assert len(traces) == 1
