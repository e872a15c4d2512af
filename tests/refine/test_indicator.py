"""Indicators against the same formulas in NumPy, cell by cell."""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from meshes import CASES, compiled, forest_of, leaves_of, on_few_cases, pools, run_regrid

import amr
import solvers
from amr.refine.indicator import PatchView
from amr.refine.regridding import wishes_of

INDICATORS = {
    "value": amr.Value(above=(0.5, 1.5), variable=1),
    "value-below": amr.Value(above=1.0, below=-0.5),
    "difference": amr.Difference(above=(0.5, 1.0, 2.0)),
    "gradient": amr.Gradient(above=(1.0, 4.0), below=(0.3, 2.0), variable=1),
    "curvature": amr.Curvature(above=(0.9, 2.9), variable=1),
    "loehner": amr.Loehner(above=(0.713, 0.831), below=0.4, filter=0.013),
    "region": amr.Region((0.2, -0.7, 0.5), (0.6, 1.2, 0.8), level=2),
    "custom": amr.Custom(lambda patch: jnp.abs(patch.cells(1) * patch.cells(0)) + patch.time, above=1.0),
}
RATIOS = {
    amr.Value: 1.0,
    amr.Difference: 0.5,
    amr.Gradient: 0.5,
    amr.Curvature: 0.25,
    amr.Detail: 0.25,
    amr.Loehner: 0.25,
}
with_every_indicator = pytest.mark.parametrize("name", INDICATORS)


class OneMask(amr.Indicator):
    """Gives what wishes to be refined and forgets what to keep."""

    def wishes(self, patch):
        return patch.cells(0) > 0.5


def test_what_is_no_indicator_is_told():
    mesh = amr.Mesh(amr.Domain(0, 1), 16, 8, 1)
    with pytest.raises(amr.InvalidSettingError, match=r"OneMask\.wishes has to give two arrays"):
        solvers.Simulation(mesh, solvers.Advection((1.0,)), refine=OneMask()).run(lambda x: x, 0.1)


def numbers(name: str, values, dx, time) -> np.ndarray:
    """The number that each indicator compares with its thresholds; `values` have one ghost layer."""
    inner = tuple(slice(1, -1) for _ in dx)
    if name in ("value", "value-below"):
        return values[1 if name == "value" else 0][inner]
    if name == "custom":
        return np.abs(values[0] * values[1])[inner] + time
    if name == "curvature":
        return np.max([np.abs(second_difference(values[1], d, d)) for d in range(len(dx))], axis=0)
    if name == "loehner":
        return loehner(values[0], 0.013)
    rises = []
    for d in range(len(dx)):
        quantity = values[1 if name == "gradient" else 0]
        rises.append((np.roll(quantity, -1, d) - np.roll(quantity, 1, d))[inner])
    if name == "difference":
        return np.max(np.abs(rises), axis=0)
    return np.sqrt(sum((rise / (2 * h)) ** 2 for rise, h in zip(rises, dx, strict=True)))


def moved(u: np.ndarray, **by: int) -> np.ndarray:
    """The inner cells of an array with one ghost layer, moved along some dimensions: `moved(u, d0=1, d1=-1)`."""
    return u[tuple(slice(1 + by.get(f"d{k}", 0), n - 1 + by.get(f"d{k}", 0)) for k, n in enumerate(u.shape))]


def second_difference(u: np.ndarray, d: int, e: int, signs=(1, -1), around: int = -2) -> np.ndarray:
    """With other signs and weight of the centre: the sum of the absolute values in it, if `u` is one."""
    plus, minus = signs
    if d == e:
        return moved(u, **{f"d{d}": 1}) + around * moved(u) + moved(u, **{f"d{d}": -1})
    corners = {(i, j): moved(u, **{f"d{d}": i, f"d{e}": j}) for i in (-1, 1) for j in (-1, 1)}
    return (plus * (corners[1, 1] + corners[-1, -1]) + minus * (corners[1, -1] + corners[-1, 1])) / 4


def first_differences(u: np.ndarray, d: int, e: int) -> np.ndarray:
    """Along d, on both sides in direction e."""
    corners = [[moved(u, **{f"d{d}": i, f"d{e}": j}) for i in (-1, 1)] for j in (-1, 1)]
    return sum(np.abs(high - low) for low, high in corners) / 4


def loehner(u: np.ndarray, filter: float) -> np.ndarray:
    """The formula of the docstring, as sums over all pairs of directions."""
    above = below = 0.0
    for d in range(u.ndim):
        for e in range(u.ndim):
            if d == e:
                first = np.abs(moved(u, **{f"d{d}": 1}) - moved(u)) + np.abs(moved(u) - moved(u, **{f"d{d}": -1}))
            else:
                first = np.minimum(first_differences(u, d, e), first_differences(u, e, d))
            size = second_difference(np.abs(u), d, e, (1, 1), 2)
            above = above + second_difference(u, d, e) ** 2
            below = below + (first + filter * size) ** 2
    return np.sqrt(np.divide(above, below, out=np.zeros_like(above), where=below > 0))


def expected(name: str, mesh, values, level, position, time) -> tuple:
    """Which cells of one patch refine and which are kept."""
    dx = np.asarray(mesh.cell_size(0)) / 2**level
    indicator = indicator_for(name, mesh)
    if name == "region":
        inside = np.ones(mesh.patch_shape, bool)
        for d in range(mesh.ndim):
            low = mesh.domain.lower[d] + (position[d] * mesh.patch + np.arange(mesh.patch)) * dx[d]
            tiny = 1e-4 * dx[d]
            within = (indicator.lower[d] < low + dx[d] - tiny) & (low + tiny < indicator.upper[d])
            inside &= within.reshape([-1 if k == d else 1 for k in range(mesh.ndim)])
        return inside & (level < indicator.level), inside & (level <= indicator.level)
    number = numbers(name, values, dx, time)
    above = indicator.above[min(level, len(indicator.above) - 1)]
    below = indicator.below[min(max(level - 1, 0), len(indicator.below) - 1)]
    return number > above, (number > above) | (number > below)


def indicator_for(name: str, mesh):
    indicator = INDICATORS[name]
    if name == "region":
        return amr.Region(indicator.lower[: mesh.ndim], indicator.upper[: mesh.ndim], indicator.level)
    return indicator


@functools.cache
def ask(case, name: str):
    return jax.jit(functools.partial(wishes_of, case.mesh, asked=(indicator_for(name, case.mesh), ())))


def without_outer_ghosts(ghosted, ghost: int, slot: int) -> np.ndarray:
    drop = ghost - 1
    inner = slice(drop, ghosted.shape[1] - drop)
    return np.asarray(ghosted)[(slice(None), *[inner] * (ghosted.ndim - 2), slot)]


@with_every_indicator
@on_few_cases
@given(data=st.data())
def test_indicators_equal_brute_force(case, name, data):
    mesh, run, time = case.mesh, compiled(case), 0.25
    forest, u = data.draw(pools(case))
    ghosted = run.ghosts(run.topology(forest), u, amr.LimitedLinear())
    found = ask(case, name)(forest=forest, ghosted=ghosted, time=jnp.float64(time))
    for slot, level, position in leaves_of(forest):
        values = without_outer_ghosts(ghosted, case.ghost, slot)
        wanted = expected(name, mesh, values, level, position, time)
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(one[..., slot], other)


@pytest.mark.parametrize(("kind", "ratio"), RATIOS.items(), ids=str)
def test_default_thresholds(kind, ratio):
    assert kind((1.0, 2.0)).below == (ratio, 2 * ratio)
    assert kind(3.0, 1.0).below == (1.0,)
    assert kind([1.0, 2.0], 0.5).below == (0.5, 0.5)


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: amr.Value(1.0, 2.0), "below"),
        (lambda: amr.Gradient((1.0, 2.0), (0.5, 2.5)), "below"),
        (lambda: amr.Difference((1.0, 2.0), (0.5,)), "below"),
        (lambda: amr.Custom(abs, 1.0, 1.5), "below"),
        (lambda: amr.Region((0.0, 0.0), (1.0,), 1), "upper"),
        (lambda: amr.Detail(()), "above"),
        (lambda: amr.Loehner(0.1, 0.2), "below"),
        (lambda: amr.Loehner(filter=-0.1), "filter"),
        (lambda: amr.UpTo(-1, amr.Loehner()), "level"),
        (lambda: amr.AllOf(), "refine"),
    ],
)
def test_settings_that_cannot_work(make, key):
    with pytest.raises(amr.InvalidSettingError) as error:
        make()
    assert error.value.key == key


# ---- patches by themselves


def patch_of(values, level: int = 0, ghost: int = 2, dx: float = 0.5, names: tuple = ()) -> PatchView:
    """A patch with two ghost layers that starts at the origin."""
    values = jnp.asarray(values)
    n, ndim = values.shape[1] - 2 * ghost, values.ndim - 1
    centres = (jnp.arange(n, dtype=values.dtype) + 0.5) * dx
    x = tuple(centres.reshape([-1 if k == d else 1 for k in range(ndim)]) for d in range(ndim))
    widths = jnp.full(ndim, dx, values.dtype)
    return PatchView(values, x, widths, jnp.asarray(level), jnp.zeros((), values.dtype), ghost, names)


@eqx.filter_jit
def number_on(indicator, values):
    return indicator.number(patch_of(values))


def number(indicator, values) -> np.ndarray:
    return np.asarray(number_on(indicator, jnp.asarray(values)))


def on_grid(function, ndim: int, n: int = 8, ghost: int = 2) -> np.ndarray:
    """Values of a function of the cell numbers on a ghosted patch, with an axis for the variables."""
    return function(*np.meshgrid(*[np.arange(-ghost, n + ghost) + 0.5] * ndim, indexing="ij"))[None]


@st.composite
def arrays(draw, ndim: int, n: int = 6, dtype=np.float64):
    """One variable on a patch with two ghost layers, smooth or rough, of any magnitude."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    values = rng.normal(size=(1, *(n + 4,) * ndim))
    if draw(st.booleans()):
        values = np.round(values)
    return (values * 10.0 ** draw(st.integers(-3, 3)) + draw(st.sampled_from([0, 1, -20]))).astype(dtype)


def averages(u: np.ndarray, axis: int) -> np.ndarray:
    """Of pairs of cells along one axis."""
    return 0.5 * (u.take(range(0, u.shape[axis], 2), axis) + u.take(range(1, u.shape[axis], 2), axis))


def detail(u: np.ndarray) -> np.ndarray:
    """Cell by cell: the weighted mean of the coarse cell that a fine one is part of and those on its side."""
    coarse = u
    for axis in range(u.ndim):
        coarse = averages(coarse, axis)
    found = np.zeros([n - 4 for n in u.shape])
    for index in np.ndindex(found.shape):
        known = 0.0
        for corner in np.ndindex(*(2,) * u.ndim):
            place = tuple(i // 2 + 1 + side * (2 * (i % 2) - 1) for i, side in zip(index, corner, strict=True))
            known += coarse[place] * np.prod([0.25 if side else 0.75 for side in corner])
        found[index] = abs(u[tuple(i + 2 for i in index)] - known)
    return found


with_every_ndim = pytest.mark.parametrize("ndim", [1, 2, 3])
with_every_kind = pytest.mark.parametrize("kind", RATIOS)


@with_every_ndim
@given(data=st.data())
def test_detail_and_loehner_equal_their_formulas(ndim, data):
    values = data.draw(arrays(ndim))
    size = np.abs(values).max()
    np.testing.assert_allclose(number(amr.Detail(1.0), values), detail(values[0]), rtol=0, atol=1e-14 * size)
    inner = values[(0, *(slice(1, -1),) * ndim)]
    np.testing.assert_allclose(number(amr.Loehner(), values), loehner(inner, 0.01), rtol=1e-9, atol=1e-12)


@with_every_ndim
def test_detail_on_polynomials(ndim):
    multilinear = on_grid(lambda *x: np.prod([2 + 3 * y for y in x], axis=0), ndim)
    np.testing.assert_allclose(number(amr.Detail(1.0), multilinear), 0, atol=1e-10 * np.abs(multilinear).max())
    # Averages of x^2 over cells are x^2 + 1/12; the detail is half the second difference.
    parabola = on_grid(lambda *x: x[0] ** 2, ndim)
    np.testing.assert_allclose(number(amr.Detail(1.0), parabola), 1, rtol=1e-12)


@with_every_ndim
def test_curvature_and_gradient_on_polynomials(ndim):
    np.testing.assert_allclose(number(amr.Curvature(1.0), on_grid(lambda *x: x[-1] ** 2 + x[0], ndim)), 2)
    np.testing.assert_allclose(
        number(amr.Gradient(1.0), on_grid(lambda *x: sum(3 * y for y in x), ndim)), 6 * ndim**0.5
    )


@pytest.mark.parametrize(
    ("kind", "ndim"), [(amr.Curvature, 1), (amr.Curvature, 2), (amr.Curvature, 3), (amr.Detail, 1)]
)
@given(data=st.data())
def test_a_number_rises_to_at_most_four_times_itself_on_the_coarser_level(kind, ndim, data):
    """For any data: what coarsened by default does not wish to be refined again."""
    fine = data.draw(arrays(ndim, 12))
    coarse = fine
    for axis in range(1, ndim + 1):
        coarse = averages(coarse, axis)
    # The coarse patch and its ghosts are made of the whole fine patch and its ghosts.
    most = 4 * number(kind(1.0), fine).max() + 1e-12 * np.abs(fine).max()
    assert number(kind(1.0), coarse).max() <= most


@with_every_ndim
@given(data=st.data())
def test_loehner_lies_between_zero_and_one_and_has_no_unit(ndim, data):
    values = data.draw(arrays(ndim))
    found = number(amr.Loehner(), values)
    assert found.min() >= 0
    assert found.max() <= 1 + 1e-12
    for factor in (-1.0, 2.0**-500, 2.0**500):
        np.testing.assert_allclose(number(amr.Loehner(), factor * values), found, rtol=1e-12, atol=1e-12)


@with_every_ndim
def test_loehner_knows_steps_from_constants(ndim):
    for constant in (0.0, 1.0, -3e30):
        np.testing.assert_array_equal(number(amr.Loehner(), on_grid(lambda *x, c=constant: 0 * x[0] + c, ndim)), 0)
    step = number(amr.Loehner(), on_grid(lambda *x: np.where(x[0] < 4, 0.0, 1.0), ndim))
    assert step[3:5].min() > 0.95
    np.testing.assert_array_equal(step[:3], 0)
    np.testing.assert_array_equal(step[5:], 0)
    ripple = on_grid(lambda *x: 1 + 1e-4 * (-1) ** np.floor(x[0]), ndim)
    assert number(amr.Loehner(), ripple).max() < 0.02
    assert number(amr.Loehner(filter=0.0), ripple).min() == pytest.approx(1)


@with_every_kind
@with_every_ndim
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_patches_are_mapped_in_any_precision(kind, ndim, dtype):
    values = np.random.default_rng(ndim).normal(size=(3, 2, *(8,) * ndim)).astype(dtype)
    indicator = kind((0.3, 0.5), variable=1)

    @jax.jit
    def numbers(values, levels):
        def one(values, level):
            patch = patch_of(values)
            patch = dataclasses.replace(patch, level=level)
            return indicator.number(patch), indicator.wishes(patch)

        return jax.vmap(one)(values, levels)

    levels = np.array([0, 1, 5])
    found, (refine, keep) = numbers(values, levels)
    assert found.dtype == dtype
    for i, (up, down) in enumerate(zip((0.3, 0.5, 0.5), (0.3, 0.3, 0.5), strict=True)):
        alone = indicator.number(patch_of(values[i]))
        np.testing.assert_allclose(found[i], alone, rtol=20 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)
        np.testing.assert_array_equal(refine[i], found[i] > dtype(up))
        np.testing.assert_array_equal(keep[i], found[i] > np.minimum(dtype(RATIOS[kind] * down), dtype(up)))


@with_every_kind
def test_names_are_as_good_as_numbers(kind):
    values = np.random.default_rng(0).normal(size=(2, 8, 8))
    by_name, names = kind(0.3, variable="pressure"), ("density", "pressure")
    by_name.check(2, names)
    pairs = by_name.wishes(patch_of(values, names=names)), kind(0.3, variable=1).wishes(patch_of(values))
    for one, other in zip(*pairs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("variable", "names", "message"),
    [
        ("presure", ("density", "pressure"), "there are density, pressure; did you mean 'pressure'?"),
        ("phi", ("density", "pressure"), "no variable 'phi' here; there are density, pressure"),
        (2, ("density", "pressure"), "no variable 2 here; there are 2"),
        (-1, ("density",), "no variable -1 here; there are 1"),
    ],
)
def test_unknown_variables(variable, names, message):
    indicator = amr.Loehner(variable=variable)
    values = jnp.zeros((len(names), 8))
    own = amr.Custom(lambda patch: patch.cells(variable), above=1.0)
    box = amr.Region(0.0, 1.0, level=2)
    for check in (
        lambda: indicator.check(1, names),
        lambda: amr.UpTo(1, amr.AllOf(box, amr.AnyOf(indicator))).check(1, names),
        lambda: own.wishes(patch_of(values, names=names)),
    ):
        with pytest.raises(amr.InvalidSettingError) as error:
            check()
        assert error.value.key == "variable"
        assert message in error.value.message


def test_variables_without_names_go_by_numbers():
    patch = patch_of(jnp.arange(16.0).reshape(2, 8))
    assert float(patch.cells(1).min()) > float(patch.cells(0).max())
    with pytest.raises(amr.InvalidSettingError, match="no variable 'density' here; there are 2, without names"):
        patch.cells("density")
    with pytest.raises(amr.InvalidSettingError, match="no variable 2 here; there are 2"):
        patch.cells(2)


def test_wishes_are_joined():
    values = np.random.default_rng(1).normal(size=(1, 12, 12))
    parts = amr.Value(0.5, 0.0), amr.Difference(1.0)
    first, second = (part.wishes(patch_of(values)) for part in parts)
    for indicator, join in ((amr.AnyOf(*parts), np.logical_or), (amr.AllOf(*parts), np.logical_and)):
        for found, one, other in zip(indicator.wishes(patch_of(values)), first, second, strict=True):
            np.testing.assert_array_equal(found, join(one, other))


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_up_to_a_level_and_inside_of_a_box(level):
    patch = patch_of(np.ones((1, 12)), level=level, dx=0.5)
    inside = np.arange(8) < 3
    up_to, within = amr.UpTo(2, amr.Value(0.5)), amr.AllOf(amr.Region(0.0, 1.5, 2), amr.Value(0.5))
    for indicator, where in ((up_to, np.ones(8, bool)), (within, inside)):
        refine, keep = indicator.wishes(patch)
        np.testing.assert_array_equal(refine, where & (level < 2))
        np.testing.assert_array_equal(keep, where & (level <= 2))


def test_a_patch_view_shifts_cells():
    values = jnp.arange(2 * 8 * 8.0).reshape(2, 8, 8)
    x = (jnp.zeros((4, 1)), jnp.zeros((1, 4)))
    patch = PatchView(values, x, jnp.ones(2), jnp.asarray(0), jnp.asarray(0.0), ghost=2)
    np.testing.assert_array_equal(patch.cells(1), values[1, 2:6, 2:6])
    np.testing.assert_array_equal(patch.cells(0, 0, 2), values[0, 4:8, 2:6])
    np.testing.assert_array_equal(patch.cells(0, 1, -2), values[0, 2:6, 0:4])
    np.testing.assert_array_equal(patch.cells(0, (0, 1), (1, -2)), values[0, 3:7, 0:4])
    np.testing.assert_array_equal(patch.around(1, 1), values[1, 1:7, 1:7])
    for look in (lambda: patch.cells(0, 1, 3), lambda: patch.around(0, 3)):
        with pytest.raises(amr.InvalidSettingError, match="looks 3 cells beyond a patch that has 2 ghost cells"):
            look()


# ---- whole runs


@pytest.mark.parametrize(
    "indicator",
    [amr.Loehner(variable="phi"), amr.Detail(0.01, variable="phi"), amr.Curvature(0.04)],
    ids=lambda indicator: type(indicator).__name__,
)
def test_a_moving_disc_is_followed(indicator):
    """A smoothed disc, carried by an eighth of the domain: its rim is fine, and little else."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=True), (32, 32), 8, max_level=2)
    sim = solvers.Simulation(mesh, solvers.Advection((1.0, 0.0)), refine=indicator)

    def disc(x, y):
        return 1 + 0.5 * (1 + jnp.tanh((0.2 - jnp.hypot(x - 0.375, y - 0.5)) / 0.004))

    fields = []
    sim.run(disc, 0.125, on_output=fields.append)
    for field, centre in zip(fields, (0.375, 0.5), strict=True):
        for _, level, position in leaves_of(field.forest):
            low = np.array(position) * 0.25 / 2**level - (centre, 0.5)
            high = low + 0.25 / 2**level
            nearest = np.hypot(*np.clip(0, low, high))
            if nearest < 0.2 < np.hypot(*np.maximum(abs(low), abs(high))):
                assert level == 2
        assert int(field.forest.count) < 0.7 * mesh.root_count * 4**mesh.max_level


@pytest.mark.parametrize(
    "indicator",
    [amr.Loehner(0.4), amr.Detail(0.003), amr.Curvature(0.02)],
    ids=lambda indicator: type(indicator).__name__,
)
def test_a_field_at_rest_keeps_its_mesh(indicator):
    """Although refined patches know no more than their parents did, they are not coarsened again."""
    case = next(case for case in CASES if case.name == "2d-periodic")
    mesh, run = case.mesh, compiled(case)
    forest = forest_of(mesh, np.zeros([8 * n for n in mesh.roots], int))
    x, y = run.centres(forest, dtype=np.float64)
    u = jnp.stack([jnp.where(forest.active, 1 + jnp.exp(-30 * ((x - 0.7) ** 2 + (y - 0.4) ** 2)), 0)] * 2)
    wished = jax.jit(functools.partial(wishes_of, mesh, asked=(indicator, ())))
    forests = [forest]
    for _ in range(8):
        ghosted = run.ghosts(run.topology(forest), u, amr.LimitedLinear())
        wishes = wished(forest=forest, ghosted=ghosted, time=jnp.float64(0))
        forest, u, _, _ = run_regrid(case, forest, u, wishes, np.zeros(mesh.capacity))
        forests.append(forest)
    counts = [int(forest.count) for forest in forests]
    assert mesh.root_count < counts[4] < mesh.root_count * 4**mesh.max_level
    assert counts[4:] == counts[4:5] * 5
