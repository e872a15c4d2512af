"""When outputs and checkpoints are due, and the thread that writes them."""

import math
import threading
import time

import pytest
from hypothesis import given, strategies as st

from amr.errors import InvalidSettingError
from solvers.command.background import Background
from solvers.records.schedule import EveryMinutes, EverySteps, EveryTime, RunMoment, Series


def moments(strides):
    """A run that comes back after strides of so many steps, each of a tenth of the time and of a second."""
    step, found = 0, []
    for stride in strides:
        step += stride
        found.append(RunMoment(step, step / 10, float(step)))
    return found


@given(st.lists(st.integers(1, 7), min_size=1, max_size=40), st.integers(1, 9))
def test_each_multiple_is_met_once_at_the_first_moment_after_it(strides, every):
    done = []
    series = Series(done.append, [EverySteps(every)])
    for now in moments(strides):
        series.attend(lambda now=now: now.step, now)
    expected, last = [], 0
    for now in moments(strides):
        if any(n % every == 0 for n in range(last + 1, now.step + 1)):
            expected.append(now.step)
        last = now.step
    assert done == expected


@given(st.lists(st.integers(1, 7), min_size=2, max_size=40), st.integers(1, 9), st.data())
def test_a_run_that_is_resumed_writes_the_same(strides, every, data):
    whole, first, second = [], [], []
    all_moments = moments(strides)
    cut = data.draw(st.integers(1, len(all_moments) - 1))
    rules = [EverySteps(every), EveryTime(0.37)]
    for moments_, done, start in (
        (all_moments, whole, RunMoment(0, 0.0, 0.0)),
        (all_moments[:cut], first, RunMoment(0, 0.0, 0.0)),
        (all_moments[cut:], second, all_moments[cut - 1]),
    ):
        series = Series(done.append, rules)
        series.start(start)
        for now in moments_:
            series.attend(lambda now=now: now.step, now)
    assert first + second == whole


@given(st.integers(1, 50), st.integers(0, 500))
def test_steps_left_lead_to_the_next_multiple(every, step):
    left = EverySteps(every).steps_left(RunMoment(step, 0.0, 0.0))
    assert 1 <= left <= every
    assert (step + left) % every == 0


def test_other_rules_do_not_limit_steps():
    series = Series(print, [EveryTime(0.5), EveryMinutes(10)])
    assert series.steps_left(RunMoment(3, 0.1, 1.0)) == math.inf
    assert Series(print, []).steps_left(RunMoment(3, 0.1, 1.0)) == math.inf


def test_minutes_pass_on_the_clock():
    rule = EveryMinutes(2)
    assert not rule.due(RunMoment(0, 0.0, 10.0), RunMoment(5, 1.0, 129.0))
    assert rule.due(RunMoment(0, 0.0, 10.0), RunMoment(5, 1.0, 130.0))


def test_what_was_asked_for_and_is_due_is_done_once():
    done = []
    series = Series(done.append, [EverySteps(5)])
    series.perform(10, RunMoment(10, 1.0, 1.0))
    series.attend(lambda: 10, RunMoment(10, 1.0, 1.0))
    assert done == [10]


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (EverySteps, 0),
        (EverySteps, 1.5),
        (EverySteps, True),
        (EveryTime, 0.0),
        (EveryTime, math.nan),
        (EveryMinutes, -1),
    ],
)
def test_numbers_that_make_no_sense(rule, value):
    with pytest.raises(InvalidSettingError, match="expected"):
        rule(value)


# --- the thread -------------------------------------------------------------------------------------------------------


def test_tasks_are_done_in_order_while_the_caller_goes_on():
    done, gate = [], threading.Event()
    with Background() as writer:
        writer.do(gate.wait)
        writer.do(lambda: done.append(1))
        writer.do(lambda: done.append(2))
        assert done == []  # nobody had to wait so far
        gate.set()
        for n in range(3, 20):
            writer.do(lambda n=n: done.append(n))
    assert done == list(range(1, 20))


def test_the_caller_waits_when_too_much_is_waiting():
    gate, entered = threading.Event(), threading.Event()
    writer = Background(waiting=1)
    writer.do(gate.wait)
    time.sleep(0.05)
    writer.do(lambda: None)
    late = threading.Thread(target=lambda: (writer.do(lambda: None), entered.set()))
    late.start()
    assert not entered.wait(0.1)
    gate.set()
    assert entered.wait(5)
    late.join()
    writer.finish()


def fail():
    raise OSError("disk full")


def test_a_failure_surfaces_and_what_waits_behind_it_is_dropped():
    done = []
    with pytest.raises(OSError, match="disk full"), Background() as writer:  # noqa: PT012
        writer.do(fail)
        writer.do(lambda: done.append(1))
    assert done == []
    writer = Background()
    writer.do(fail)
    with pytest.raises(OSError, match="disk full"):  # noqa: PT012
        for _ in range(1000):
            writer.do(lambda: time.sleep(0.001))
    writer.finish()


def test_what_went_wrong_first_is_what_counts():
    with pytest.raises(ValueError, match="first"), Background() as writer:  # noqa: PT012
        writer.do(fail)
        raise ValueError("first")


def test_an_interrupted_caller_learns_that_files_are_missing():
    with pytest.raises(OSError, match="disk full"), Background() as writer:  # noqa: PT012
        writer.do(fail)
        time.sleep(0.05)
        raise KeyboardInterrupt
