"""Regrid: who gets which level, and what happens to the data."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from daily import daily
from hypothesis import given, strategies as st
from meshes import (
    CASES,
    FEW,
    LIMITED,
    LIMITED_QUARTIC,
    QUADRATIC,
    QUARTIC,
    TWO,
    WIDE,
    buffers,
    compiled,
    filled_store,
    finest,
    forest_of,
    grid_of,
    leaves_of,
    on_every_case,
    on_few_cases,
    on_two_cases,
    pools,
    refluxed,
    regrid_once,
    run_regrid,
    topology,
    window,
    wishes,
)
from reference import (
    composites,
    cut,
    level_map,
    limited_linear,
    limited_quartic,
    quadratic,
    quartic,
    regridded_levels,
)

import amr
from amr.grid import totals
from amr.grid.halo import ghosted_part
from amr.grid.pool import to_pool
from amr.mesh import forest as forests
from amr.refine.regridding import regrid, wishes_near


def active(forest, u) -> np.ndarray:
    return np.asarray(u)[..., : int(forest.count)]


def uniform_wishes(case, refine: bool, keep: bool) -> tuple:
    shape = (*case.mesh.patch_shape, case.mesh.capacity)
    return jnp.full(shape, refine), jnp.full(shape, keep)


def no_buffer(case):
    return np.zeros(case.mesh.capacity)


@on_every_case
@given(data=st.data())
def test_levels_are_the_least_that_grant_the_wishes(case, data):
    """Every wish is granted as far as one step goes, with its buffer; nothing else is refined but for balance;
    nothing is coarsened without its siblings; whatever need not stay fine is coarsened."""
    forest, u = data.draw(pools(case))
    marks, buffer = data.draw(wishes(case, forest)), data.draw(buffers(case))
    new = run_regrid(case, forest, u, marks, buffer)
    expected = forest_of(case.mesh, regridded_levels(case.mesh, forest, marks, buffer))
    for found, wanted in zip(jax.tree.leaves(new.forest), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert int(new.needed) == int(expected.count)
    assert bool(new.changed) == bool((level_map(case.mesh, forest) != level_map(case.mesh, expected)).any())


@on_every_case
@given(data=st.data())
def test_wishes_are_granted(case, data):
    """Read off directly: patches that wish are refined, those that wish to stay do not coarsen."""
    forest, u = data.draw(pools(case))
    refine, keep = data.draw(wishes(case, forest))
    levels = level_map(case.mesh, run_regrid(case, forest, u, (refine, keep), data.draw(buffers(case))).forest)
    for slot, level, position in leaves_of(forest):
        here = levels[window(position, 2 ** (case.mesh.max_level - level))]
        assert abs(here - level).max() <= 1
        if refine[..., slot].any():
            assert (here == min(level + 1, case.mesh.max_level)).all()
        if keep[..., slot].any():
            assert (here >= level).all()


DEEP = [case for case in WIDE if case.ghost >= case.margin]
WAYS = [
    *((case, LIMITED, limited_linear) for case in CASES),
    *((case, QUADRATIC, quadratic) for case in TWO),
    *((case, QUARTIC, quartic) for case in DEEP[:2]),
    *((case, LIMITED_QUARTIC, limited_quartic) for case in DEEP),
]


@pytest.mark.parametrize(
    ("case", "prolongation", "refine"),
    daily(WAYS, lambda case, *way: case in FEW or case in DEEP[:2]),
    ids=[f"{way[0]}-{way[2].__name__}" for way in WAYS],
)
@given(data=st.data())
def test_data_follow_the_mesh(case, prolongation, refine, data):
    """Kept bit by bit, averaged or prolonged; zero in empty slots, whatever was there before."""
    mesh = case.mesh
    forest, u = data.draw(pools(case, empty=np.nan))
    marks = data.draw(wishes(case, forest))
    new = run_regrid(case, forest, u, marks, data.draw(buffers(case)), prolongation)
    expected = cut(mesh, new.forest, composites(mesh, forest, u, refine))
    np.testing.assert_allclose(active(new.forest, new.u), expected, rtol=0, atol=1e-13)
    old = {leaf[1:]: leaf[0] for leaf in leaves_of(forest)}
    for slot, *place in leaves_of(new.forest):
        if tuple(place) in old:
            np.testing.assert_array_equal(new.u[..., slot], u[..., old[tuple(place)]])
    assert (np.asarray(new.u)[..., int(new.forest.count) :] == 0).all()


def test_there_must_be_as_many_ghost_cells_as_prolongation_reads():
    case = next(case for case in WIDE if case.ghost < case.margin)
    forest, u = forests.root_forest(case.mesh, case.mesh.capacity), np.zeros((1, case.mesh.patch, case.mesh.capacity))
    with pytest.raises(amr.InvalidSettingError, match="too few") as error:
        run_regrid(case, forest, u, uniform_wishes(case, True, True), no_buffer(case), QUARTIC)
    assert error.value.key == "ghost"


@on_every_case
@given(data=st.data())
def test_mass_and_bounds_are_kept(case, data):
    forest, u = data.draw(pools(case))
    new = run_regrid(case, forest, u, data.draw(wishes(case, forest)), data.draw(buffers(case)))
    integral = compiled(case).integral
    before, size = integral(forest, u), np.asarray(integral(forest, np.abs(u)))
    assert (np.abs(integral(new.forest, new.u) - before) <= 1e-15 * size).all()
    low, high = active(forest, u).min(), active(forest, u).max()
    roundoff = 1e-15 * max(abs(low), abs(high))
    assert active(new.forest, new.u).min() >= low - roundoff
    assert active(new.forest, new.u).max() <= high + roundoff


@on_every_case
@given(data=st.data())
def test_constant_stays_constant(case, data):
    forest, u = data.draw(pools(case))
    marks = data.draw(wishes(case, forest))
    new = run_regrid(case, forest, np.full_like(u, 0.1), marks, data.draw(buffers(case)))
    assert (active(new.forest, new.u) == 0.1).all()


@on_every_case
@given(seed=st.integers(0, 99))
def test_refining_and_coarsening_gives_the_data_back(case, seed):
    """On the way through another mesh to the same one, the arrays are the same ones, too."""
    mesh = case.mesh
    forest = forests.root_forest(mesh, mesh.capacity)
    u = np.random.default_rng(seed).normal(size=(2, *mesh.patch_shape, mesh.capacity))
    u[..., int(forest.count) :] = 0
    fine = run_regrid(case, forest, u, uniform_wishes(case, True, True), no_buffer(case))
    assert int(fine.forest.count) == mesh.root_count * mesh.children
    back = run_regrid(case, fine.forest, fine.u, uniform_wishes(case, False, False), no_buffer(case))
    np.testing.assert_array_equal(back.forest.level, forest.level)
    np.testing.assert_array_equal(back.forest.position, forest.position)
    np.testing.assert_allclose(back.u, u, rtol=0, atol=1e-15 * np.abs(u).max())


@on_few_cases
def test_wishes_reach_across_the_boundary_only_if_it_is_periodic(case):
    """One cell wishes, in a corner of a domain that is refined once everywhere."""
    mesh = case.mesh
    forest = forest_of(mesh, np.ones(finest(mesh), int))
    refine = np.zeros((*mesh.patch_shape, mesh.capacity), bool)
    refine[(0,) * (mesh.ndim + 1)] = True
    u = np.zeros((1, *mesh.patch_shape, mesh.capacity))
    keep = jnp.ones_like(refine)
    new = run_regrid(case, forest, u, (jnp.asarray(refine), keep), np.ones(mesh.capacity))
    expected = np.ones(finest(mesh), int)
    half = 2 ** (mesh.max_level - 1)
    ends = [slice(0, half), slice(-half, None)]
    for corner in np.ndindex(*[2 if periodic else 1 for periodic in mesh.domain.periodic]):
        expected[tuple(ends[c] for c in corner)] = 2
    np.testing.assert_array_equal(level_map(mesh, new.forest), expected)


@on_two_cases
@given(data=st.data())
def test_overflow_changes_nothing_and_tells_what_is_needed(case, data):
    """A pool that holds two refined root patches at most, in which all of them wish to be refined."""
    mesh = case.mesh
    capacity = mesh.root_count + mesh.children - 1
    forest = forests.root_forest(mesh, capacity)
    u = np.random.default_rng(data.draw(st.integers(0, 99))).normal(size=(2, *mesh.patch_shape, capacity))
    u[..., mesh.root_count :] = 0
    refined = data.draw(st.integers(0, mesh.root_count))
    refine = jnp.broadcast_to(jnp.arange(capacity) < refined, (*mesh.patch_shape, capacity))
    new = run_regrid(case, forest, u, (refine, refine), np.zeros(capacity))
    assert int(new.needed) == mesh.root_count + refined * (mesh.children - 1)
    if refined > 1:
        for found, before in zip(jax.tree.leaves((new.forest, new.u)), jax.tree.leaves((forest, u)), strict=True):
            np.testing.assert_array_equal(found, before)
        assert not new.changed
    else:
        assert int(new.forest.count) == int(new.needed)


@on_two_cases
@given(data=st.data())
def test_an_ensemble_equals_its_members(case, data):
    """`vmap` over two forests with two sets of wishes."""
    members = []
    for _ in range(2):
        forest, u = data.draw(pools(case))
        members.append((forest, u, data.draw(wishes(case, forest)), data.draw(buffers(case)).astype(np.int32)))
    ensemble = jax.tree.map(lambda *arrays: jnp.stack(arrays), *members)
    together = ensemble_step(case)(*ensemble)
    for number, member in enumerate(members):
        alone = run_regrid(case, *member)
        for one, other in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
            np.testing.assert_array_equal(one[number], other)


ENSEMBLE_STEPS = {}


def ensemble_step(case):
    def step(forest, u, marks, buffer):
        return regrid_once(case, topology(case, forest), u, marks, LIMITED, buffer)

    return ENSEMBLE_STEPS.setdefault(case, jax.jit(jax.vmap(step)))


@on_few_cases
def test_one_compilation_serves_all_forests(case):
    run, mesh = compiled(case), case.mesh
    forest, u = forests.root_forest(mesh, mesh.capacity), jnp.zeros((2, *mesh.patch_shape, mesh.capacity))
    counts = []
    for _ in range(mesh.max_level + 1):
        new = run_regrid(case, forest, u, uniform_wishes(case, True, True), no_buffer(case))
        forest, u = new.forest, new.u
        counts.append((int(forest.count), run.regrid._cache_size(), run.topology._cache_size()))
    assert counts[-1][0] == mesh.root_count * mesh.children**mesh.max_level
    assert counts[0][1:] == counts[-1][1:]


@on_few_cases
def test_single_precision_stays_single(case):
    """Although x64 is on, a step in float32 computes nothing in float64."""
    mesh = case.mesh

    def step(forest, u, time):
        plans = topology(case, forest)
        store = filled_store(case, plans, u, LIMITED)
        buffer = jnp.zeros(mesh.capacity, jnp.int32)
        grid = grid_of(case, plans, LIMITED)
        near = wishes_near(grid, lambda part: ghosted_part(plans, store, part.i), (indicator, ()), time, buffer)
        new, work = regrid(grid, dataclasses.replace(grid.work(to_pool(case.layout, u)), store=store), near)
        fluxes = tuple(jnp.concatenate([u, jnp.take(u, jnp.array([0]), 1 + d)], 1 + d) for d in range(mesh.ndim))
        numbers = totals.norms(mesh, forest, u)
        return new, work, refluxed(case, plans, fluxes), numbers

    box = amr.Region(mesh.domain.lower, mesh.domain.upper, 1)
    indicator = amr.AnyOf(amr.Gradient((0.1, 0.2)), amr.Difference(0.1), amr.Value(0.5), box)
    forest = forests.root_forest(mesh, mesh.capacity)
    u = jnp.zeros((2, *mesh.patch_shape, mesh.capacity), jnp.float32)
    program, shapes = jax.make_jaxpr(step, return_shape=True)(forest, u, jnp.float32(0))
    assert not [shape for shape in jax.tree.leaves(shapes) if shape.dtype == jnp.float64]
    # Scalars are left out: Python numbers come as weakly typed float64.
    assert re.search(r"f32\[\d", str(program))
    assert not re.search(r"f64\[\d", str(program))
