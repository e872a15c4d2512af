"""All cases, in the order of the page. A new one is a function in one of these modules and an entry in its `CASES`."""

from __future__ import annotations

from . import carried, convergence, diffusion, jumps, poisson, smooth, swirl, systems
from .case import Case

CASES: tuple[Case, ...] = (
    *swirl.CASES,
    *smooth.CASES,
    *convergence.CASES,
    *jumps.CASES,
    *systems.CASES,
    *diffusion.CASES,
    *carried.CASES,
    *poisson.CASES,
)


def selected(names: list[str], quick: bool) -> list[Case]:
    """The cases of some ids (all, if none is given), or only the quick ones.

    Raises `ValueError` for an id that there is not.
    """
    known = {case.id: case for case in CASES}
    for name in names:
        if name not in known:
            raise ValueError(f"nothing here is called {name}; there are {', '.join(known)}")
    return [case for case in CASES if (not names or case.id in names) and (case.quick or not quick)]
