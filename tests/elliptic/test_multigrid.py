"""Multigrid on composite grids: how much a cycle takes off the residual, and what it must not depend on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from meshes import CASES, QUADRATIC, Case, balanced_levels, forest_of, ghosts, level_maps, refluxed

import amr
from amr.grid.hierarchy import build_nodes
from amr.grid.levels import NodeLevels
from amr.grid.pool import Layout, from_pool, room_for, to_pool
from amr.grid.topology import build_topology, cell_sizes, coordinates
from solvers.elliptic.multigrid import build_multigrid
from solvers.elliptic.uniform import build_hierarchy, cycle
from solvers.elliptic.uniform_operator import UniformGrid

DIRICHLET, NEUMANN, ROBIN = (1.0, 0.0), (0.0, 1.0), (3.0, 0.5)


@dataclass(frozen=True)
class Problem:
    """An operator: coefficients are numbers or functions of position, conditions pairs (a, b) for both ends of each
    dimension, `None` where it is periodic."""

    ends: tuple
    alpha: tuple = (0.0,)
    beta: float | tuple | Callable = 1.0
    variables: int = 1

    def relation(self, d, end, x):
        a, b = self.ends[d][end]
        found = a(*x) if callable(a) else jnp.asarray(a, x[0].dtype)
        return found, jnp.asarray(b, x[0].dtype)

    @property
    def singular(self) -> bool:
        return not any(self.alpha) and all(pair is None or pair == (NEUMANN, NEUMANN) for pair in self.ends)


def make_case(ends: tuple, base: int, patch: int, levels: int) -> Case:
    periodic = tuple(pair is None for pair in ends)
    domain = amr.Domain((0.0,) * len(ends), (1.0,) * len(ends), periodic=periodic)
    mesh = amr.Mesh(domain, (base,) * len(ends), patch, levels)
    return Case("made", mesh, 1, Layout(1, 1, 1))


def nested_squares(mesh, low: float = 0.25, high: float = 0.75) -> np.ndarray:
    """Each level covers half of the one below in each dimension."""
    refined = []
    for level in range(mesh.max_level):
        ends = [0.5 + (end - 0.5) / 2**level for end in (low, high)]
        marks = np.zeros([n * 2**level for n in mesh.roots], bool)
        marks[tuple(slice(round(ends[0] * n), round(ends[1] * n)) for n in marks.shape)] = True
        refined.append(marks)
    return balanced_levels(mesh, refined)


def placed(case: Case, levels: np.ndarray):
    """The case with room for a forest, and the forest."""
    count = int(sum((levels == n).sum() / case.mesh.children ** (case.mesh.max_level - n) for n in range(20)))
    layout = room_for(case.mesh, count + 3, np.float64)
    return Case(case.name, case.mesh, 1, layout), forest_of(case.mesh, levels, layout.capacity)


def coefficients(case: Case, problem: Problem, forest) -> tuple:
    """The coefficient on all faces, with patches last, and as the multigrid wants it."""
    mesh, found = case.mesh, []
    for d in range(mesh.ndim):
        if not callable(problem.beta):
            found.append(jnp.reshape(jnp.asarray(problem.beta, float), (-1, *(1,) * (mesh.ndim + 1))))
            continue
        offsets = [jnp.arange(mesh.patch + (k == d), dtype=float) + 0.5 * (k != d) for k in range(mesh.ndim)]
        x = coordinates(mesh, forest, tuple(offsets), jnp.float64)
        found.append(jnp.broadcast_to(problem.beta(*x), (1, *map(len, offsets), case.layout.capacity)))
    pools = [to_pool(case.layout, b) if callable(problem.beta) else b[:, None, None] for b in found]
    return tuple(found), tuple(pools)


def operator(case: Case, problem: Problem, topology, beta: tuple, u):
    """The operator on leaves, with the patches last: from ghost cells by parabolas, fluxes and their correction."""
    mesh, forest = case.mesh, topology.forest
    h = cell_sizes(mesh, forest, u.dtype)
    ghosted, fluxes = ghosts(case, topology, u, QUADRATIC), []
    for d in range(mesh.ndim):
        line = ghosted[(slice(None), *(slice(None) if k == d else slice(1, -1) for k in range(mesh.ndim)))]
        line = jnp.moveaxis(line, 1 + d, 1)
        if not mesh.domain.periodic[d]:
            for end, (outer, inner) in enumerate(((0, 1), (-1, -2))):
                last = (mesh.roots[d] << forest.level) - 1
                there = forest.position[d] == end * last
                kappa = jnp.moveaxis(ratios(mesh, problem, forest, d, end, h[d]), 1 + d, 1)[:, 0]
                line = line.at[:, outer].set(jnp.where(there, kappa * line[:, inner], line[:, outer]))
        fluxes.append(-beta[d] * jnp.moveaxis(line[:, 1:] - line[:, :-1], 1, 1 + d) / h[d])
    fluxes = refluxed(case, topology, tuple(fluxes)) if mesh.max_level > 0 else fluxes
    change = [(_upper(flux, 1 + d) - _lower(flux, 1 + d)) / h[d] for d, flux in enumerate(fluxes)]
    alpha = jnp.asarray(problem.alpha).reshape(-1, *(1,) * (mesh.ndim + 1))
    return alpha * u + sum(change)


def ratios(mesh, problem: Problem, forest, d: int, end: int, h):
    offsets = [
        jnp.full(1, 1.0 * end * mesh.patch) if k == d else jnp.arange(mesh.patch, dtype=float) + 0.5
        for k in range(mesh.ndim)
    ]
    x = coordinates(mesh, forest, tuple(offsets), jnp.float64)
    a, b = problem.relation(d, end, x)
    shape = (1, *(len(line) for line in offsets), forest.capacity)
    return jnp.broadcast_to((2 * b - a * h) / (2 * b + a * h), shape)


def _lower(values, axis):
    return jax.lax.slice_in_dim(values, 0, values.shape[axis] - 1, axis=axis)


def _upper(values, axis):
    return jax.lax.slice_in_dim(values, 1, values.shape[axis], axis=axis)


@functools.cache
def solver(case: Case, problem: Problem, cycles: int) -> Callable:
    """Compiled: the norms of the residual before and after each cycle."""
    mesh, layout = case.mesh, case.layout

    def run(forest, f):
        topology = build_topology(mesh, forest, 1, 1, layout)
        nodes = build_nodes(mesh, forest, layout)
        beta, pools = coefficients(case, problem, forest)
        alpha = jnp.asarray(problem.alpha)
        multigrid = build_multigrid(NodeLevels(mesh, nodes, forest.count, layout), alpha, pools, problem.relation)
        volume = jnp.where(forest.active, cell_sizes(mesh, forest, jnp.float64).prod(0), 0)
        if problem.singular:
            f = f - (f * volume).sum(tuple(range(1, f.ndim)), keepdims=True) / (volume.sum() * mesh.cells_per_patch)

        def one(carry, _):
            u, r = carry
            u = u + from_pool(multigrid(to_pool(layout, r)))
            r = jnp.where(forest.active, f - operator(case, problem, topology, beta, u), jnp.nan)
            return (u, r), norm(r)

        def norm(r):
            squares = jnp.where(forest.active, r**2, 0) * volume
            return jnp.sqrt(squares.sum(tuple(range(1, r.ndim))))

        (u, _), norms = jax.lax.scan(one, (jnp.zeros_like(f), f), length=cycles)
        return jnp.concatenate([norm(f)[None], norms]), u

    return jax.jit(run)


def factors(case: Case, levels, problem: Problem, cycles: int = 7) -> np.ndarray:
    """By how much each cycle divides the norm of the residual, `(cycles, vars)`."""
    case, forest = placed(case, levels)
    return factors_on(case, forest, problem, cycles)


def factors_on(case: Case, forest, problem: Problem, cycles: int) -> np.ndarray:
    f = np.random.default_rng(0).normal(size=(problem.variables, *case.mesh.patch_shape, case.layout.capacity))
    norms = np.asarray(solver(case, problem, cycles)(forest, jnp.asarray(f))[0])
    return norms[:-1] / norms[1:]


def mean(found: np.ndarray) -> np.ndarray:
    return np.exp(np.log(found).mean(0))


def wavy(*x):
    return 1 + 0.8 * functools.reduce(jnp.multiply, [jnp.sin(7 * line + d) for d, line in enumerate(x)])


BOTH = (DIRICHLET, DIRICHLET)
SQUARES = [
    ("dirichlet", 32, 8, 1, Problem((BOTH, BOTH))),
    ("twice-as-fine", 64, 8, 1, Problem((BOTH, BOTH))),
    ("two-levels", 64, 8, 2, Problem((BOTH, BOTH))),
    ("periodic", 32, 8, 2, Problem((None, None))),
    ("neumann", 32, 8, 1, Problem(((NEUMANN, NEUMANN),) * 2)),
    ("robin", 32, 8, 2, Problem(((ROBIN, (lambda *x: 2 + jnp.sin(9 * x[1]), 0.1)), (NEUMANN, ROBIN)))),
    ("wavy", 32, 8, 2, Problem((BOTH, BOTH), beta=wavy)),
    ("time-step", 32, 8, 2, Problem(((NEUMANN, NEUMANN),) * 2, alpha=(1e3,), beta=wavy)),
    ("variables", 32, 8, 1, Problem((BOTH, None), alpha=(0.0, 20.0), beta=(1.0, 0.1), variables=2)),
    ("small-patches", 32, 4, 3, Problem((BOTH, BOTH))),
    ("cubes", 16, 4, 1, Problem((BOTH, None, (NEUMANN, NEUMANN)))),
    ("cubes-wavy", 16, 8, 1, Problem(((DIRICHLET, ROBIN), BOTH, BOTH), beta=wavy)),
    ("lines", 64, 4, 3, Problem((BOTH,))),
    ("lines-wavy", 64, 8, 2, Problem(((NEUMANN, DIRICHLET),), beta=wavy)),
]


FAST = ("two-levels", "robin", "variables", "cubes", "lines")
MARKED = [pytest.param(*p[1:], id=p[0], marks=() if p[0] in FAST else pytest.mark.slow) for p in SQUARES]


@pytest.mark.parametrize(("base", "patch", "levels", "problem"), MARKED)
def test_each_cycle_reduces_the_residual(base, patch, levels, problem):
    case = make_case(problem.ends, base, patch, levels)
    found = factors(case, nested_squares(case.mesh), problem)
    assert (mean(found) > 8).all()
    assert (mean(found[-2:]) > 6).all()


@pytest.mark.slow
def test_refined_everywhere_is_like_not_refined():
    problem = Problem((BOTH, BOTH))
    flat, refined = make_case(problem.ends, 64, 8, 0), make_case(problem.ends, 32, 8, 1)
    least = [mean(factors(case, np.full([8, 8], case.mesh.max_level), problem)).min() for case in (flat, refined)]
    assert min(least) > 10


@pytest.mark.parametrize(
    "ends", [pytest.param((BOTH, None), marks=pytest.mark.slow), ((NEUMANN, NEUMANN), BOTH, None)], ids=["2d", "3d"]
)
def test_without_levels_it_is_the_dense_cycle(ends):
    problem = Problem(ends, alpha=(2.0,), beta=wavy)
    case = make_case(ends, 16, 8, 0)
    case, forest = placed(case, np.zeros(case.mesh.roots, int))
    mesh, layout = case.mesh, case.layout
    r = jnp.asarray(np.random.default_rng(1).normal(size=(1, *mesh.patch_shape, layout.capacity)))
    _, pools = coefficients(case, problem, forest)
    alpha = jnp.asarray(problem.alpha)

    def found(forest, r, pools):
        nodes = build_nodes(mesh, forest, layout)
        return from_pool(
            build_multigrid(NodeLevels(mesh, nodes, forest.count, layout), alpha, pools, problem.relation)(r)
        )

    def expected(r, beta):
        grid = UniformGrid(mesh.cells, mesh.domain.lower, mesh.cell_size(), mesh.domain.periodic)
        hierarchy = build_hierarchy(grid, alpha, beta, problem.relation)
        return cycle(hierarchy, r)

    faces = [
        [np.arange(n + 1) / n if k == d else (np.arange(n) + 0.5) / n for k, n in enumerate(mesh.cells)]
        for d in range(mesh.ndim)
    ]
    beta = tuple(wavy(*map(jnp.asarray, np.meshgrid(*x, indexing="ij", sparse=True)))[None] for x in faces)
    dense = np.zeros((1, *mesh.cells))
    windows = [tuple(slice(p * mesh.patch, (p + 1) * mesh.patch) for p in q) for q in np.asarray(forest.position).T]
    for slot in range(mesh.root_count):
        dense[(0, *windows[slot])] = r[0, ..., slot]
    one = jax.jit(found)(forest, to_pool(layout, r), pools)
    other = jax.jit(expected)(jnp.asarray(dense), beta)
    for slot in range(mesh.root_count):
        np.testing.assert_allclose(one[0, ..., slot], other[(0, *windows[slot])], rtol=0, atol=1e-12)


def test_variables_do_not_know_of_each_other():
    """Nor does anything know of what empty slots hold; and a coefficient may be a number or the same number on all
    faces."""
    ends = (BOTH, None)
    case = make_case(ends, 16, 4, 1)
    case, forest = placed(case, nested_squares(case.mesh))
    mesh, layout = case.mesh, case.layout
    rng, count = np.random.default_rng(2), int(forest.count)
    r = jnp.asarray(rng.normal(size=(2, *mesh.patch_shape, layout.capacity)))

    def correction(alpha, beta, r, full):
        problem = Problem(ends, beta=beta)
        pools = coefficients(case, problem, forest)[1]
        if full:
            pools = coefficients(case, Problem(ends, beta=lambda *x: 0.7 + 0 * x[0]), forest)[1]
        nodes = build_nodes(mesh, forest, layout)
        multigrid = build_multigrid(
            NodeLevels(mesh, nodes, forest.count, layout), jnp.asarray(alpha), pools, problem.relation
        )
        return from_pool(multigrid(to_pool(layout, r)))[..., :count]

    run = jax.jit(correction, static_argnums=(0, 1, 3))
    both = run((0.5, 30.0), (0.7, 0.2), r, False)
    garbage = jnp.where(forest.active, r, jnp.nan)
    np.testing.assert_array_equal(run((0.5, 30.0), (0.7, 0.2), garbage, False), both)
    np.testing.assert_allclose(run((0.5,), (0.7,), r[:1], True), both[:1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["1d-periodic", "2d-mixed"])
@settings(max_examples=4)
@given(data=st.data())
def test_random_forests(name, data):
    case = next(c for c in CASES if c.name == name)
    case = Case(name, case.mesh, 1, case.layout)
    ends = tuple(None if periodic else (NEUMANN, ROBIN) for periodic in case.mesh.domain.periodic)
    forest = forest_of(case.mesh, data.draw(level_maps(case)), case.layout.capacity)
    found = factors_on(case, forest, Problem(ends), cycles=5)
    assert (mean(found) > 4).all()
