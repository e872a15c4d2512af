"""What is tested every day, of many cases of a kind; the others are in the slow suite."""

from collections.abc import Callable, Iterable

import pytest


def daily(cases: Iterable, chosen: Callable[..., bool]) -> list:
    """Parameters for `pytest.mark.parametrize`: cases that are `chosen` as they are, the others marked as slow."""
    cases = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [pytest.param(*case, marks=() if chosen(*case) else pytest.mark.slow) for case in cases]
