"""Meshes to test on, random forests on them, and the compiled functions that all tests share.

A forest is described here by its level map: the level of the leaf that covers each patch of the finest grid. All
of this is NumPy, and knows of the code under test only the arrays that it checks.
"""

import dataclasses
import functools
from dataclasses import dataclass
from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from daily import daily
from hypothesis import strategies as st

import amr
from amr.grid import Conditions, Grid, Variables, totals
from amr.grid.halo import cells_of, fill_ring, ghosted_part, stored
from amr.grid.leaves import Topology
from amr.grid.pool import Layout, from_pool, to_pool
from amr.grid.reflux import corrections, means_of, sides_of
from amr.grid.topology import build_topology, cell_centres, cell_sizes
from amr.mesh.forest import Forest
from amr.refine.regridding import near_halves, regrid, wished_levels


@dataclass(frozen=True)
class Case:
    """A mesh whose pool holds every forest that it can have (and some empty slots), with a number of ghost layers, and
    of coarse cells that the prolongations read."""

    name: str
    mesh: amr.Mesh
    ghost: int
    layout: Layout
    margin: int = 1

    def __str__(self):
        return self.name


def case(name, patch: int, roots: tuple, max_level: int, periodic, ghost: int, margin=1, sweeps=1, lanes=1) -> Case:
    ndim = len(roots)
    domain = amr.Domain((0.0, -1.0, 0.5)[:ndim], (1.5, 2.0, 1.0)[:ndim], periodic=periodic)
    needed = int(np.prod(roots)) * 2 ** (ndim * max_level) + 5
    layout = Layout(sweeps, -(-needed // (sweeps * lanes)), lanes)
    mesh = amr.Mesh(domain, [patch * n for n in roots], patch, max_level, layout.capacity)
    return Case(name, mesh, ghost, layout, margin)


CASES = [
    case("1d-periodic", 8, (3,), 3, True, ghost=3, lanes=4),
    case("1d-outflow", 4, (2,), 4, False, ghost=2, sweeps=5),
    case("2d-periodic", 8, (3, 1), 3, True, ghost=3, sweeps=3, lanes=2),
    case("2d-outflow", 4, (2, 3), 2, False, ghost=2),
    case("2d-mixed", 6, (1, 2), 3, (True, False), ghost=1, sweeps=2),
    case("3d-periodic", 4, (2, 1, 1), 2, True, ghost=2, sweeps=4, lanes=8),
    case("3d-mixed", 8, (1, 2, 1), 2, (False, True, False), ghost=3, sweeps=7),
]
WIDE = [
    case("1d-wide-periodic", 8, (3,), 3, True, ghost=3, margin=2, lanes=4),
    case("1d-wide-outflow", 6, (2,), 4, False, ghost=1, margin=2),
    case("2d-wide-mixed", 6, (1, 2), 3, (True, False), ghost=2, margin=2, sweeps=2),
    case("2d-wide-periodic", 8, (2, 1), 3, True, ghost=3, margin=2, sweeps=3, lanes=2),
    case("3d-wide-mixed", 6, (1, 2, 1), 2, (False, True, True), ghost=2, margin=2, sweeps=4, lanes=8),
]
FEW = [c for c in CASES if c.name in ("1d-periodic", "2d-mixed", "3d-periodic")]
TWO = FEW[:2]
on_every_case = pytest.mark.parametrize("case", CASES, ids=str)
on_three_cases_a_day = pytest.mark.parametrize("case", daily(CASES, FEW.__contains__), ids=str)
on_few_cases = pytest.mark.parametrize("case", FEW, ids=str)
on_two_cases = pytest.mark.parametrize("case", TWO, ids=str)
LIMITED, QUADRATIC, QUARTIC, LIMITED_QUARTIC = amr.LimitedLinear(), amr.Quadratic(), amr.Quartic(), amr.LimitedQuartic()


def layout_for(case: Case, capacity: int) -> Layout:
    """The layout of a case, or a plain one for a pool of another size."""
    return case.layout if capacity == case.layout.capacity else Layout(1, capacity, 1)


def topology(case: Case, forest: Forest) -> Topology:
    return build_topology(case.mesh, forest, case.ghost, case.margin, layout_for(case, forest.capacity))


def grid_of(case: Case, topology: Topology, prolongation) -> Grid:
    return Grid(case.mesh, topology, Conditions((), Variables(())), prolongation)


def filled_store(case: Case, topology: Topology, u, prolongation):
    """A store with the cells of patches, averages and rings."""
    mesh, count = case.mesh, topology.forest.count
    store = stored(mesh, case.ghost, count, to_pool(topology.layout, u))
    return fill_ring(mesh, topology, store, prolongation)


def ghosts(case: Case, topology: Topology, u, prolongation):
    """All patches with their ghost cells filled."""
    store = filled_store(case, topology, u, prolongation)
    sweeps = [jnp.int32(i) for i in range(topology.layout.sweeps)]
    return from_pool(jnp.stack([ghosted_part(topology, store, i) for i in sweeps], axis=1))


def refluxed(case: Case, topology: Topology, fluxes: tuple) -> tuple:
    """All fluxes, with those at the sides of patches corrected."""
    mesh, layout = case.mesh, topology.layout
    pools = [to_pool(layout, flux) for flux in fluxes]
    sides = [sides_of(tuple(pool[:, i] for pool in pools)) for i in range(layout.sweeps)]
    means = jnp.stack([means_of(mesh, part) for part in sides], axis=1)
    across = (layout.blocks, *(mesh.patch,) * (mesh.ndim - 1), layout.lanes)
    for i, part in enumerate(sides):
        lacking = corrections(topology.reflux[i], part, 2 * means)  # fluxes per area
        for number in range(2 * mesh.ndim):
            d, end = divmod(number, 2)
            faces = (slice(None), i, *(slice(None),) * (1 + d), end * mesh.patch)
            pools[d] = pools[d].at[faces].add(lacking[:, :, number].reshape(-1, *across))
    return tuple(map(from_pool, pools))


def regrid_once(case: Case, topology: Topology, u, wishes, prolongation, buffer) -> tuple:
    mesh, forest = case.mesh, topology.forest
    near = near_halves(mesh, wished_levels(mesh, forest.level, wishes), buffer)
    store = filled_store(case, topology, u, prolongation)
    scratch = jnp.full_like(to_pool(topology.layout, u), jnp.nan)
    grid = grid_of(case, topology, prolongation)
    done, work = regrid(grid, dataclasses.replace(grid.work(scratch), store=store, outflow=scratch), near)
    return done.forest, from_pool(cells_of(mesh, work.store, done.forest.count)), done.needed, done.changed


@functools.cache
def compiled(case: Case) -> SimpleNamespace:
    """The functions under test, each compiled once for a case. Their arrays have the patches last."""
    mesh = case.mesh
    return SimpleNamespace(
        topology=jax.jit(functools.partial(topology, case)),
        ghosts=jax.jit(functools.partial(ghosts, case)),
        reflux=jax.jit(functools.partial(refluxed, case)),
        regrid=jax.jit(functools.partial(regrid_once, case)),
        integral=jax.jit(functools.partial(totals.integral, mesh)),
        norms=jax.jit(functools.partial(totals.norms, mesh)),
        centres=jax.jit(functools.partial(cell_centres, mesh), static_argnames=("dtype", "ghost")),
        sizes=jax.jit(functools.partial(cell_sizes, mesh), static_argnames="dtype"),
    )


class Regridded(NamedTuple):
    forest: Forest
    u: jax.Array
    needed: jax.Array
    changed: jax.Array


def run_regrid(case: Case, forest: Forest, u, wishes, buffer, prolongation=LIMITED) -> Regridded:
    run = compiled(case)
    buffer = jnp.asarray(buffer, jnp.int32)
    return Regridded(*run.regrid(run.topology(forest), u, wishes, prolongation, buffer))


def finest(mesh) -> tuple:
    """Patches of the finest grid in each dimension."""
    return tuple(n * 2**mesh.max_level for n in mesh.roots)


def padded(array: np.ndarray, mesh, width: int, skip: int = 0) -> np.ndarray:
    """An array over the whole domain (behind `skip` other axes) continued beyond its boundaries."""
    for d, periodic in enumerate(mesh.domain.periodic):
        around = [(0, 0)] * array.ndim
        around[skip + d] = (width, width)
        array = np.pad(array, around, mode="wrap" if periodic else "edge")
    return array


def blocks(array: np.ndarray, factor: int, reduce, skip: int = 0) -> np.ndarray:
    """Reduce blocks of `factor` entries along each axis behind the first `skip`."""
    for axis in range(skip, array.ndim):
        array = np.moveaxis(array, axis, -1)
        array = reduce(array.reshape(*array.shape[:-1], -1, factor), axis=-1)
        array = np.moveaxis(array, -1, axis)
    return array


def repeated(array: np.ndarray, factor: int, skip: int = 0) -> np.ndarray:
    for axis in range(skip, array.ndim):
        array = array.repeat(factor, axis)
    return array


def dilated(marks: np.ndarray, mesh, width: int) -> np.ndarray:
    """Marks spread by `width` entries in all directions, diagonals included."""
    if width == 0:
        return marks
    spread = padded(marks, mesh, width)
    for axis in range(marks.ndim):
        spread = np.lib.stride_tricks.sliding_window_view(spread, 2 * width + 1, axis).any(-1)
    return spread


def balanced_levels(mesh, refined: list) -> np.ndarray:
    """The level map of the smallest balanced forest in which the given patches are refined.

    `refined[l]` marks patches of level l. If a patch is refined, so are the parents of all its neighbours: then
    its children touch no leaf that is coarser than itself.
    """
    levels = np.zeros(finest(mesh), int)
    refined = [np.array(marks) for marks in refined]
    for level in reversed(range(mesh.max_level)):
        if level > 0:
            refined[level - 1] |= blocks(dilated(refined[level], mesh, 1), 2, np.any)
        levels += repeated(refined[level], 2 ** (mesh.max_level - level))
    return levels


def forest_of(mesh, levels: np.ndarray, capacity: int | None = None) -> Forest:
    """The one forest that has a level map, made leaf by leaf."""
    leaves = []
    for level in range(mesh.max_level + 1):
        side = 2 ** (mesh.max_level - level)
        for position in np.argwhere(blocks(levels, side, np.min) == level):
            leaves.append((morton_key(position * side), level, tuple(position)))
    leaves.sort()
    capacity = capacity or mesh.capacity
    level, position = np.zeros(capacity, np.int32), np.zeros((mesh.ndim, capacity), np.int32)
    for slot, leaf in enumerate(leaves):
        level[slot], position[:, slot] = leaf[1:]
    return Forest(jnp.asarray(level), jnp.asarray(position), jnp.asarray(len(leaves), jnp.int32))


def morton_key(position) -> int:
    """Bits of the coordinates interleaved, the first dimension lowest."""
    ndim = len(position)
    return sum((int(p) >> bit & 1) << (bit * ndim + d) for d, p in enumerate(position) for bit in range(31))


def leaves_of(forest: Forest) -> list:
    """(slot, level, position) of every leaf."""
    level, position = np.asarray(forest.level), np.asarray(forest.position)
    return [(slot, int(level[slot]), tuple(map(int, position[:, slot]))) for slot in range(int(forest.count))]


def window(position, size: int) -> tuple:
    return tuple(slice(p * size, (p + 1) * size) for p in position)


@st.composite
def level_maps(draw, case: Case):
    """Balanced forests: a few points of the domain, each refined to some level."""
    mesh = case.mesh
    shape = finest(mesh)
    point = st.tuples(st.integers(0, int(np.prod(shape)) - 1), st.integers(1, mesh.max_level))
    refined = [np.zeros([n * 2**level for n in mesh.roots], bool) for level in range(mesh.max_level)]
    for number, level in draw(st.lists(point, max_size=6)):
        place = np.unravel_index(number, shape)
        refined[level - 1][tuple(p >> (mesh.max_level - level + 1) for p in place)] = True
    return balanced_levels(mesh, refined)


@st.composite
def pools(draw, case: Case, variables: int = 2, empty: float = 0.0):
    """A forest and random data on it (steps between patches, and small integers, to make limiters work)."""
    forest = forest_of(case.mesh, draw(level_maps(case)))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    u = rng.normal(size=(variables, *case.mesh.patch_shape, case.mesh.capacity))
    u = np.round(u) if draw(st.booleans()) else u + 10 * rng.integers(0, 2, case.mesh.capacity)
    u[..., int(forest.count) :] = empty
    return forest, u


@st.composite
def wishes(draw, case: Case, forest: Forest):
    """Cells that wish to be refined, and cells that wish to be kept (the former among them)."""
    count = int(forest.count) * case.mesh.cells_per_patch
    flags = np.zeros((2, count), bool)
    for cell, kind in draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, 1)), max_size=12)):
        flags[kind, cell] = True
    keep_all, refine_all = draw(st.sampled_from([(False, False), (False, False), (True, False), (True, True)]))
    refine = flags[0] | refine_all
    pair = (refine, flags[1] | refine | keep_all)
    full = [np.zeros((*case.mesh.patch_shape, case.mesh.capacity), bool) for _ in pair]
    for array, marks in zip(full, pair, strict=True):
        array[..., : int(forest.count)] = np.moveaxis(marks.reshape(-1, *case.mesh.patch_shape), 0, -1)
    return tuple(map(jnp.asarray, full))


@st.composite
def buffers(draw, case: Case):
    """A number of cells for each patch: none, one, the most, or all mixed."""
    most, capacity = case.mesh.patch // 2, case.mesh.capacity
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    same = [np.full(capacity, cells) for cells in (0, 1, most)]
    return draw(st.sampled_from([*same, rng.integers(0, most + 1, capacity)]))
