"""Values at points: of the cells that hold them, and interpolated between cells of one level and of several."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from meshes import CASES, LIMITED, filled_store, forest_of, level_maps, topology

import amr
import solvers
from amr.grid import values_at
from amr.mesh import finest_cell

CHOSEN = [c for c in CASES if c.name in ("1d-outflow", "2d-periodic", "2d-mixed", "3d-mixed")]
on_chosen_meshes = pytest.mark.parametrize("case", CHOSEN, ids=str)
POINTS = 40


def program(case):
    """Interpolated values at points, of a pool with the patches last."""

    @jax.jit
    def read(forest, u, finest, within):
        return values_at(case.mesh, forest, filled_store(case, topology(case, forest), u, LIMITED), finest, within)

    def at(forest, u, points):
        cells = np.stack([finest_cell(case.mesh, d, x) for d, x in enumerate(points)])
        low, size = (np.array(v)[:, None] for v in (case.mesh.domain.lower, case.mesh.cell_size(case.mesh.max_level)))
        within = jnp.asarray(np.clip((points - low) / size - cells, 0, 1))
        return np.asarray(read(forest, u, jnp.asarray(cells, jnp.int32), within))

    return at


PROGRAMS = {case.name: program(case) for case in CHOSEN}


def centres_of(mesh, forest):
    """Coordinates of all cell centres, shape `(ndim, *cells, capacity)`."""
    width = np.array(mesh.cell_size(0))[:, None] * 0.5 ** np.asarray(forest.level)
    low = np.array(mesh.domain.lower)[:, None] + np.asarray(forest.position) * mesh.patch * width
    cells = np.stack(np.meshgrid(*[np.arange(mesh.patch) + 0.5] * mesh.ndim, indexing="ij"))
    spread = (slice(None), *[None] * mesh.ndim)
    return low[spread] + cells[..., None] * width[spread]


def chosen_points(data, mesh):
    """Anywhere, on the ends of the domain too."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    share = rng.uniform(size=(mesh.ndim, POINTS))
    share[:, :4] = np.round(share[:, :4])
    low, high = (np.array(v)[:, None] for v in (mesh.domain.lower, mesh.domain.upper))
    return np.clip(low + share * (high - low), low, high)


@on_chosen_meshes
@given(data=st.data())
def test_linear_functions_are_exact(case, data):
    """Across levels, and up to the ends of the domain where it is not periodic."""
    mesh, points = case.mesh, chosen_points(data, case.mesh)
    forest = forest_of(mesh, data.draw(level_maps(case)))
    gradient = np.array(data.draw(st.tuples(*[st.integers(-3, 3)] * mesh.ndim)), float)
    slope = lambda x: 0.5 + np.tensordot(gradient, x, axes=1)  # noqa: E731
    found = PROGRAMS[case.name](forest, slope(centres_of(mesh, forest))[None], points)
    edge = 2 * np.array(mesh.cell_size(0)) * np.array(mesh.domain.periodic)
    low, high = np.array(mesh.domain.lower) + edge, np.array(mesh.domain.upper) - edge
    inside = ((low <= points.T) & (high >= points.T)).all(1)
    np.testing.assert_allclose(found[0, inside], slope(points)[inside], atol=1e-12)


@on_chosen_meshes
@given(data=st.data())
def test_data_that_do_not_vary_stay_and_centres_give_their_cells(case, data):
    mesh, points = case.mesh, chosen_points(data, case.mesh)
    forest = forest_of(mesh, data.draw(level_maps(case)))
    u = np.random.default_rng(1).normal(size=(2, *mesh.patch_shape, mesh.capacity))
    u[0] = 0.1
    assert (PROGRAMS[case.name](forest, u, points)[0] == 0.1).all()
    leaf = data.draw(st.integers(0, int(forest.count) - 1))
    cells = np.random.default_rng(2).integers(0, mesh.patch, (mesh.ndim, POINTS))
    there = centres_of(mesh, forest)[(slice(None), *cells, leaf)]
    np.testing.assert_allclose(PROGRAMS[case.name](forest, u, there)[1], u[(1, *cells, leaf)], atol=1e-11)


def test_it_is_the_interpolation_that_everybody_knows():
    """Where the grid is uniform; a periodic domain knows no end."""
    case = next(c for c in CHOSEN if c.name == "2d-periodic")
    mesh = case.mesh
    forest = forest_of(mesh, np.full([n * 2**mesh.max_level for n in mesh.roots], 0))
    rng, (nx, ny) = np.random.default_rng(3), mesh.cells
    grid, points = rng.normal(size=(nx, ny)), chosen_points_uniformly(rng, mesh)
    x, y = centres_of(mesh, forest)
    low, size = np.array(mesh.domain.lower), np.array(mesh.cell_size(0))
    i, j = (np.floor((c - low[d]) / size[d]).astype(int) for d, c in enumerate((x, y)))
    found = PROGRAMS[case.name](forest, grid[i % nx, j % ny][None], points)[0]
    place = (points.T - low) / size - 0.5
    base, share = np.floor(place).astype(int), place - np.floor(place)
    right = 0.0
    for a in (0, 1):
        for b in (0, 1):
            weight = np.abs(1 - a - share[:, 0]) * np.abs(1 - b - share[:, 1])
            right = right + weight * grid[(base[:, 0] + a) % nx, (base[:, 1] + b) % ny]
    np.testing.assert_allclose(found, right, atol=1e-12)


def chosen_points_uniformly(rng, mesh):
    low, high = (np.array(v)[:, None] for v in (mesh.domain.lower, mesh.domain.upper))
    return low + rng.uniform(size=(mesh.ndim, POINTS)) * (high - low)


def test_records_between_cells_are_of_second_order():
    """And what is derived is made of interpolated values."""
    domain = amr.Domain(0, 1, periodic=True)
    errors, at = [], [0.1234, 0.5, 0.777]
    for cells in (32, 64):
        sim = solvers.Simulation(amr.Mesh(domain, cells=cells, patch=8), solvers.Advection((1.0,)), longest=1e-9)
        points = solvers.Record(solvers.Points(at, interpolate=True))
        records = {"between": points, "of_cells": solvers.Record(solvers.Points(at))}
        found = sim.run(lambda x: jnp.sin(2 * jnp.pi * x), 1e-9, records=records).records
        between = found["between"]["phi"][0]
        errors.append(np.abs(between - np.sin(2 * np.pi * np.array(at))).max())
        assert np.abs(found["of_cells"]["phi"][0] - between).max() > 10 * errors[-1]
    assert errors[0] < 0.01
    assert errors[1] < 0.3 * errors[0]
