"""Boxes that hold a level at least, or at most, from one time to another."""

import jax.numpy as jnp
import numpy as np
import pytest

import amr
import solvers
from amr.refine.indicator import PatchView

X = (np.arange(8) + 0.5) / 8


def wishes(indicator, level, time):
    """What an indicator wishes of a patch from 0 to 1 with eight cells."""
    values, one = jnp.ones((1, 12)), jnp.asarray(1 / 8)
    patch = PatchView(values, (jnp.asarray(X),), one[None], jnp.asarray(level), jnp.asarray(time), 2)
    return tuple(np.broadcast_to(wish, 8) for wish in indicator.wishes(patch))


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("time", [0.0, 1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize(("begin", "end"), [(None, None), (1.0, None), (None, 2.0), (1.0, 2.0)])
def test_a_level_at_least_and_at_most_for_a_time(level, time, begin, end):
    now = (begin is None or time >= begin) and (end is None or time < end)
    least = amr.Region(0.25, 0.5, 2, begin=begin, end=end)
    most = amr.AtMost(0.25, 0.5, 2, amr.Value(0.5), begin=begin, end=end)
    inside = (X > 0.25) & (X < 0.5) & now
    for found, right in zip(wishes(least, level, time), (inside & (level < 2), inside & (level <= 2)), strict=True):
        np.testing.assert_array_equal(found, right)
    for found, right in zip(wishes(most, level, time), (~inside | (level < 2), ~inside | (level <= 2)), strict=True):
        np.testing.assert_array_equal(found, right)


def test_one_program_for_all_times():
    """Of a region that comes and goes, and of one that keeps what moves through it coarse."""
    mesh = amr.Mesh(amr.Domain(0, 1, periodic=True), cells=64, patch=8, max_level=2)
    bump = lambda x: jnp.exp(-(((x - 0.2) / 0.05) ** 2))  # noqa: E731
    moving = amr.AtMost(0.5, 0.75, 0, amr.Value(0.3), begin=0.1)
    refine = amr.AnyOf(moving, amr.Region(0.85, 0.95, 2, begin=0.1, end=0.3))
    sim = solvers.Simulation(mesh, solvers.Advection((1.0,)), refine=refine)
    fields = []
    sim.run(bump, 0.42, outputs=[0.05, 0.2], on_output=fields.append)
    coming, there, gone = fields[1:]
    assert [field.levels([[0.9]])[0] for field in (coming, there, gone)] == [0, 2, 0]
    assert coming.levels([[0.25]])[0] == there.levels([[0.4]])[0] == 2
    assert gone.levels([[0.62]])[0] == 0 < there.levels([[0.41]])[0]


def test_what_is_no_box_or_time_is_told():
    inner = amr.Value(0.5)
    for make, key, message in (
        (lambda: amr.Region(0, 1, 1, begin=2.0, end=1.0), "end", "expected a time after begin=2, got 1"),
        (lambda: amr.Region(0, 1, 1, begin=float("nan")), "begin", "expected a time, got nan"),
        (lambda: amr.AtMost(0, 1, -1, inner), "level", "expected a whole number, 0 or more, got -1"),
        (lambda: amr.AtMost((0, 0), (1,), 1, inner), "upper", "has 1 numbers where lower has 2"),
        (lambda: amr.AtMost(0, 1, 1, inner).check(2, ("a",)), "lower", "has 1 numbers, expected 2"),
        (lambda: amr.AtMost(0, 1, 1, amr.Value(1.0, variable="b")).check(1, ("a",)), "variable", "no variable 'b'"),
    ):
        with pytest.raises(amr.InvalidSettingError) as error:
            make()
        assert error.value.key == key
        assert message in error.value.message
