"""Boundaries of the domain: ghost values against NumPy's padding, and what whole runs make of them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from meshes import forest_of

import amr
import solvers
from amr.errors import InvalidSettingError
from amr.files.info import file_info
from amr.grid.boundary import Beyond
from amr.grid.conditions import Conditions, Variables, boundaries_of
from amr.grid.ghosts import fill_boundaries
from amr.grid.halo import ghosted_part, stored
from amr.grid.pool import Layout, from_pool, to_pool
from amr.grid.topology import build_topology

LEVEL = 0.7  # of inflow, and slope
KINDS = {
    "wall": amr.Wall(),
    "outflow": amr.Outflow(),
    "inflow": amr.Dirichlet((LEVEL, 2 * LEVEL, -LEVEL)),
    "slope": amr.Neumann((LEVEL, 0.0, -LEVEL)),
    "periodic": amr.Periodic(),
}


def padded(array, pairs, ghost: int, dx, vectors) -> np.ndarray:
    """What ghost cells around the whole domain hold: one dimension after the other, as `np.pad` does it."""
    for d, pair in enumerate(pairs):
        axis = 1 + d
        ends = []
        for end, kind in enumerate(pair):
            width = [(0, 0)] * array.ndim
            width[axis] = (0, ghost) if end else (ghost, 0)
            cut = slice(-ghost, None) if end else slice(0, ghost)

            def pad(mode, array=array, width=width, cut=cut, axis=axis):
                return np.moveaxis(np.moveaxis(np.pad(array, width, mode=mode), axis, 0)[cut], 0, axis)

            mirror = pad("symmetric")
            rows = np.array([LEVEL, 2 * LEVEL, -LEVEL])[: len(array)].reshape(-1, *[1] * (array.ndim - 1))
            slopes = np.array([LEVEL, 0, -LEVEL])[: len(array)].reshape(rows.shape)
            sign = np.array([-1.0 if n == vectors[d] else 1.0 for n in range(len(array))]).reshape(rows.shape)
            away = np.arange(ghost) + 0.5 if end else ghost - np.arange(ghost) - 0.5
            away = (away * dx[d]).reshape([-1 if k == axis else 1 for k in range(array.ndim)])
            made = {
                "wall": lambda mirror=mirror, sign=sign: sign * mirror,
                "outflow": lambda pad=pad: pad("edge"),
                "inflow": lambda mirror=mirror, rows=rows: 0 * mirror + rows,
                "slope": lambda mirror=mirror, away=away, slopes=slopes: mirror + 2 * away * slopes,
                "periodic": lambda pad=pad: pad("wrap"),
            }
            ends.append(made[kind]())
        array = np.concatenate([ends[0], array, ends[1]], axis=axis)
    return array


@functools.cache
def filler(pairs, ghost: int, patch: int):
    """Compiled: the ghosted patches of a uniform mesh with these boundaries."""
    ndim = len(pairs)
    domain = amr.Domain([0.0] * ndim, [1.5] * ndim, periodic=[low == "periodic" for low, _ in pairs])
    faces = boundaries_of(domain, [tuple(KINDS[kind] for kind in pair) for pair in pairs])
    mesh = amr.Mesh(domain, [3 * patch, 2 * patch, patch][:ndim], patch)
    layout = Layout(1, -(-mesh.root_count // 2), 2)
    conditions = Conditions(faces, Variables(("a", "b", "c"), vectors=(tuple(range(ndim)),)))

    def fill(forest, u):
        topology = build_topology(mesh, forest, ghost, 1, layout, conditions.mirrors)
        store = stored(mesh, ghost, forest.count, to_pool(layout, u))
        i = jnp.int32(0)
        ghosted = ghosted_part(topology, store, i)
        filled = fill_boundaries(mesh, topology.part(i), ghosted, ghost, jnp.float64(0), conditions)
        return from_pool(filled[:, None])

    return mesh, layout, jax.jit(fill)


@st.composite
def faces(draw):
    """A pair of kinds for each of one to three dimensions."""
    kinds = [kind for kind in KINDS if kind != "periodic"]
    pair = st.one_of(st.just(("periodic", "periodic")), st.tuples(st.sampled_from(kinds), st.sampled_from(kinds)))
    return tuple(draw(st.lists(pair, min_size=1, max_size=3)))


@given(pairs=faces(), ghost=st.integers(1, 3), seed=st.integers(0, 99))
def test_ghost_cells_and_their_corners(pairs, ghost, seed):
    patch, ndim = 6, len(pairs)
    mesh, layout, fill = filler(pairs, ghost, patch)
    levels = np.zeros(mesh.roots, int)
    forest = forest_of(mesh, levels, layout.capacity)
    whole = np.random.default_rng(seed).normal(size=(3, *mesh.cells))
    u = np.zeros((3, *mesh.patch_shape, layout.capacity))
    position = np.asarray(forest.position)
    for slot in range(mesh.root_count):
        window = tuple(slice(p * patch, (p + 1) * patch) for p in position[:, slot])
        u[..., slot] = whole[(slice(None), *window)]
    found = np.asarray(fill(forest, jnp.asarray(u)))
    expected = padded(whole, pairs, ghost, mesh.cell_size(), tuple(range(ndim)))
    for slot in range(mesh.root_count):
        window = tuple(slice(p * patch, (p + 1) * patch + 2 * ghost) for p in position[:, slot])
        np.testing.assert_allclose(found[..., slot], expected[(slice(None), *window)], rtol=0, atol=1e-14)


def test_a_wall_is_a_plane_of_symmetry():
    """Half of a symmetric problem with a wall is half of the whole problem."""

    def burst(x, y):
        inside = x**2 + (y - 0.5) ** 2 < 0.1
        return jnp.where(inside, 1.0, 0.5), 0 * x + 0.1 * x, 0 * x, jnp.where(inside, 2.0, 0.5)

    def run(lower, cells):
        domain = amr.Domain((lower, 0), (1, 1), periodic=(False, True))
        mesh = amr.Mesh(domain, (cells, 32), 8, 1)
        simulation = solvers.Simulation(mesh, solvers.Euler(2), refine=amr.Difference(0.05), boundary=amr.Wall())
        return simulation.run(burst, 0.3)

    half, whole = run(0, 32), run(-1, 64)
    assert half.summary.steps == whole.summary.steps
    assert 0.3 < half.summary.cells["fraction_of_uniform_finest"] < 1
    for name in half.field.names:
        np.testing.assert_allclose(half.field.uniform(name), whole.field.uniform(name)[64:], rtol=0, atol=1e-12)
    for name in ("density", "energy"):
        assert abs(half.summary.variables[name].integral["relative_change"]) <= 1e-13


@pytest.mark.parametrize(
    ("scheme", "exit_", "order"),
    [
        (solvers.CTU(solvers.Unlimited()), "outflow", 1.8),
        (solvers.MethodOfLines(solvers.MUSCL(solvers.Unlimited())), "outflow", 1.8),
        (solvers.MethodOfLines(solvers.Upwind5()), "exact", 3.8),
    ],
    ids=["ctu", "muscl", "upwind5"],
)
def test_waves_enter_and_leave_with_the_order_of_the_scheme(scheme, exit_, order):
    def wave(x, y, t=0.0):
        return jnp.sin(2 * jnp.pi * (x - t)) * jnp.cos(2 * jnp.pi * (y - 0.5 * t))

    def run(n):
        through = (amr.Dirichlet(wave), amr.Outflow() if exit_ == "outflow" else amr.Dirichlet(wave))
        mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (n, n), 8)
        simulation = solvers.Simulation(mesh, solvers.Advection((1.0, 0.5)), scheme, boundary=[through, through])
        return simulation.run(wave, 0.5, exact=wave).summary.variables["phi"].error["l1"]

    coarse, fine = run(16), run(32)
    assert np.log2(coarse / fine) >= order


@pytest.mark.parametrize("scheme", [None, solvers.MethodOfLines(bounded=True)], ids=["ctu", "lines"])
def test_what_flows_in_may_lie_beyond_what_was_there(scheme):
    sides = [(amr.Dirichlet(1.0), amr.Outflow())]
    mesh = amr.Mesh(amr.Domain(0, 1, periodic=False), 32, 8, 1)
    simulation = solvers.Simulation(mesh, solvers.Advection(1.0), scheme, amr.Difference(0.1), boundary=sides)
    field = simulation.run(lambda x: 0 * x, 0.5).field
    assert field.integral() == pytest.approx(0.5, abs=1e-12)
    assert field.maximum() == pytest.approx(1, abs=1e-12)


def test_time_steps_know_what_comes_in():
    """Nothing moves at first, but what enters is fast."""
    mesh = amr.Mesh(amr.Domain(0, 1, periodic=False), 64, 8, 1)
    law, sides = solvers.ShallowWater(1, gravity=1.0), [(amr.Dirichlet((1.0, 5.0)), amr.Outflow())]
    simulation = solvers.Simulation(mesh, law, refine=amr.Difference(0.1), boundary=sides)
    solution = simulation.run(lambda x: (0 * x + 0.01, 0 * x), 0.1)
    assert solution.summary.variables["eta"].highest <= 1.01
    assert solution.field.integral("eta") == pytest.approx(0.01 + 0.5, rel=1e-3)


def test_indicators_see_ghost_cells_of_laws_with_coefficients():
    state = (1.0, 1 / 3)
    sides = [(amr.Neumann((0.0, 0.0)), amr.Dirichlet(state))]
    mesh = amr.Mesh(amr.Domain(0, 1, periodic=False), 32, 8, 1)
    law = solvers.ShallowWater(1, bottom=lambda x: -2 + 0 * x, rest_level=1.0)
    refine = amr.Difference(0.1, variable="hu")
    simulation = solvers.Simulation(mesh, law, refine=refine, boundary=sides)
    field = simulation.run(lambda x: (0 * x + 1, 0 * x + 1 / 3), 0.1).field
    assert field.count == 4  # nothing is refined: the momentum is one everywhere, beyond the faces too
    assert field.minimum("hu") == pytest.approx(1, abs=1e-13)


def beyond(names=("a", "b")) -> Beyond:
    rows = jnp.arange(2.0 * len(names)).reshape(len(names), 2)
    x = (jnp.array([0.5, 1.5]),)
    dx = (jnp.ones(2),)
    return Beyond(rows, rows[:, :1], x, dx, jnp.array([0.5, 1.5]), jnp.asarray(2.0), (1.0,) * len(names), names)


def test_values_may_be_functions_of_position_and_time():
    single = amr.Dirichlet(lambda x, t: (x + t, x - t)).ghosts(beyond())
    each = amr.Dirichlet((lambda x, t: x + t, 3.0)).ghosts(beyond())
    np.testing.assert_array_equal(single, [[2.5, 3.5], [-1.5, -0.5]])
    np.testing.assert_array_equal(each, [[2.5, 3.5], [3, 3]])


def test_a_face_may_be_split():
    split = amr.Split(lambda x, t: x < 1, amr.Dirichlet((7.0, 8.0)), amr.Outflow())
    np.testing.assert_array_equal(split.ghosts(beyond()), [[7, 0], [8, 2]])


def test_variables_may_have_boundaries_of_their_own():
    parts = amr.ByVariable({"b": amr.Dirichlet(7.0)}, rest=amr.Wall())
    np.testing.assert_array_equal(parts.ghosts(beyond()), [[0, 1], [7, 7]])


def test_a_function_may_use_what_a_mirror_shows():
    found = amr.GhostFunction(lambda mirrored, x, t: -mirrored + t).ghosts(beyond())
    np.testing.assert_array_equal(found, [[2, 1], [0, -1]])
    single = amr.GhostFunction(lambda mirrored, x, t: -mirrored[0]).ghosts(beyond(("a",)))
    np.testing.assert_array_equal(single, [[0, -1]])


@pytest.mark.parametrize(
    ("boundary", "key", "message"),
    [
        (amr.Dirichlet(1.0), "boundary", "value has 1 entries, expected one for each of density, velocity_x"),
        (amr.Neumann((1.0, 2.0)), "boundary", "slope has 2 entries"),
        (amr.ByVariable({"presure": amr.Outflow()}), "boundary", "no variable 'presure'"),
        (amr.Split(lambda x, y, t: x < 1, amr.Wall(), amr.Dirichlet(1.0)), "boundary", "value has 1 entries"),
        ([amr.Wall()], "boundary", "expected one entry for each of 2 dimensions, got 1"),
        ([(amr.Wall(),) * 3, amr.Wall()], "boundary", "expected a boundary such as"),
        (["wall", amr.Wall()], "boundary", "expected a boundary such as"),
        ("wall", "boundary", "expected amr.Wall"),
        ([amr.Periodic(), amr.Wall()], "boundary", "the domain is not periodic along x"),
        ([(amr.Wall(), amr.Periodic()), amr.Wall()], "boundary", "the domain is not periodic along x"),
    ],
)
def test_boundaries_that_do_not_fit(boundary, key, message):
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (16, 16), 8)
    with pytest.raises(InvalidSettingError, match=message) as caught:
        solvers.Simulation(mesh, solvers.Euler(2), boundary=boundary)
    assert caught.value.key == key


@pytest.mark.parametrize("value", ["warm", "1.0", float("nan"), None])
def test_values_that_make_no_sense(value):
    with pytest.raises(InvalidSettingError, match="expected a finite number"):
        amr.Dirichlet(value)


def test_walls_of_a_periodic_domain_are_refused():
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (16, 16), 8)
    with pytest.raises(InvalidSettingError, match="the domain is periodic along x"):
        solvers.Simulation(mesh, solvers.Euler(2), boundary=amr.Wall())


def test_the_old_place_of_boundaries_says_where_they_belong():
    with pytest.raises(InvalidSettingError, match=r"solvers\.Simulation\(mesh, equation, boundary=") as caught:
        amr.Domain(0, 1, boundary=amr.Wall())
    assert caught.value.key == "boundary"


def test_one_boundary_is_for_all_faces_that_are_not_periodic():
    domain = amr.Domain((0, 0), (1, 1), periodic=(True, False))
    wraps, walls = (amr.Periodic(),) * 2, (amr.Wall(),) * 2
    for boundary in (amr.Wall(), [None, amr.Wall()], [amr.Periodic(), (amr.Wall(), amr.Wall())]):
        assert boundaries_of(domain, boundary) == (wraps, walls)
    assert boundaries_of(domain) == (wraps, (amr.Outflow(),) * 2)


def test_a_file_keeps_the_kinds_of_boundaries(tmp_path):
    pair = (amr.Dirichlet(1.0), amr.Wall())
    mesh = amr.Mesh(amr.Domain(0, 1, periodic=False), 16, 8)
    solution = solvers.Simulation(mesh, solvers.Burgers(), boundary=[pair]).run(jnp.ones_like, 0.1)
    solution.save(tmp_path / "a.vtkhdf")
    assert file_info(tmp_path / "a.vtkhdf").boundaries == (("dirichlet", "wall"),)
    other = solvers.Simulation(mesh, solvers.Burgers(), boundary=[pair[::-1]])
    with pytest.raises(InvalidSettingError, match="the run has Wall, Dirichlet, the file Dirichlet, Wall"):
        other.resume(tmp_path / "a.vtkhdf", 0.2)


@pytest.mark.parametrize(
    ("law", "scheme", "start", "boundary"),
    [
        (solvers.Advection(1.0), None, lambda x: 0 * x, lambda v: [(amr.Dirichlet(v), amr.Outflow())]),
        (
            solvers.Diffusion(0.1),
            solvers.MethodOfLines(integrator=solvers.SDIRK2(1e-12, ratio=20.0)),
            lambda x: 0 * x,
            lambda v: [(amr.Robin(v, 1.0, 1.0), amr.Neumann(v))],
        ),
        (
            solvers.ShallowWater(1, gravity=1.0),
            None,
            lambda x: (1 + 0 * x, 0 * x),
            lambda v: [
                (amr.ByVariable({"eta": amr.Dirichlet(v)}), amr.Split(lambda x, t: x > 2, amr.Wall(), amr.Outflow()))
            ],
        ),
    ],
    ids=["advection", "implicit", "law"],
)
def test_derivatives_with_respect_to_what_is_given_at_faces(law, scheme, start, boundary):
    """Of what is inside at the end, against a difference; a new value is no new program."""
    mesh = amr.Mesh(amr.Domain(0, 1, periodic=False), 16, 8)

    @jax.jit
    def inside(value):
        simulation = solvers.Simulation(mesh, law, scheme, boundary=boundary(value))
        return simulation.advance(simulation.start(start, 0.2, capacity=2), 0.2).values[0].sum()

    value, step = 1.2, 1e-5
    _, slope = jax.jit(lambda v: jax.jvp(inside, (v,), (1.0,)))(value)
    ends = float(inside(value - step)), float(inside(value + step))
    assert float(slope) == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=1e-5)
    assert abs(float(slope)) > 0.1
    assert inside._cache_size() == 1
