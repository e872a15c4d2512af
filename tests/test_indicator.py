"""Indicators against the same formulas in NumPy, cell by cell."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from meshes import compiled, leaves_of, on_few_cases, pools

import amr
from amr.indicator import PatchView
from amr.regrid import wishes_of

INDICATORS = {
    "value": amr.Value(above=(0.5, 1.5), variable=1),
    "value-below": amr.Value(above=1.0, below=-0.5),
    "difference": amr.Difference(above=(0.5, 1.0, 2.0)),
    "gradient": amr.Gradient(above=(1.0, 4.0), below=(0.3, 2.0), variable=1),
    "region": amr.Region((0.2, -0.7, 0.5), (0.6, 1.2, 0.8), level=2),
    "custom": amr.Custom(lambda patch: jnp.abs(patch.cells(1) * patch.cells(0)) + patch.time, above=1.0),
}
with_every_indicator = pytest.mark.parametrize("name", INDICATORS)


def numbers(name: str, values, dx, time) -> np.ndarray:
    """The number that each indicator compares with its thresholds; `values` have one ghost layer."""
    inner = tuple(slice(1, -1) for _ in dx)
    if name in ("value", "value-below"):
        return values[1 if name == "value" else 0][inner]
    if name == "custom":
        return np.abs(values[0] * values[1])[inner] + time
    rises = []
    for d in range(len(dx)):
        quantity = values[1 if name == "gradient" else 0]
        rises.append((np.roll(quantity, -1, d) - np.roll(quantity, 1, d))[inner])
    if name == "difference":
        return np.max(np.abs(rises), axis=0)
    return np.sqrt(sum((rise / (2 * h)) ** 2 for rise, h in zip(rises, dx, strict=True)))


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
    return jax.jit(functools.partial(wishes_of, case.mesh, indicator=indicator_for(name, case.mesh)))


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


@on_few_cases
@given(data=st.data())
def test_any_of_joins_wishes(case, data):
    run = compiled(case)
    forest, u = data.draw(pools(case))
    ghosted = run.ghosts(run.topology(forest), u, amr.LimitedLinear())
    arguments = {"forest": forest, "ghosted": ghosted, "time": jnp.float64(0)}
    parts = [ask(case, name)(**arguments) for name in ("value", "gradient")]
    both = any_of(case)(**arguments)
    for one, first, second in zip(both, *parts, strict=True):
        np.testing.assert_array_equal(one, first | second)


@functools.cache
def any_of(case):
    indicator = amr.AnyOf(INDICATORS["value"], INDICATORS["gradient"])
    return jax.jit(functools.partial(wishes_of, case.mesh, indicator=indicator))


@pytest.mark.parametrize(
    ("kind", "ratio"), [(amr.Value, 1.0), (amr.Difference, 0.5), (amr.Gradient, 0.5)], ids=lambda kind: str(kind)
)
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
    ],
)
def test_settings_that_cannot_work(make, key):
    with pytest.raises(amr.InvalidSettingError) as error:
        make()
    assert error.value.key == key


def test_a_patch_view_shifts_cells():
    values = jnp.arange(2 * 8 * 8.0).reshape(2, 8, 8)
    x = (jnp.zeros((4, 1)), jnp.zeros((1, 4)))
    patch = PatchView(values, x, jnp.ones(2), jnp.asarray(0), jnp.asarray(0.0), ghost=2)
    np.testing.assert_array_equal(patch.cells(1), values[1, 2:6, 2:6])
    np.testing.assert_array_equal(patch.cells(0, 0, 2), values[0, 4:8, 2:6])
    np.testing.assert_array_equal(patch.cells(0, 1, -2), values[0, 2:6, 0:4])
