"""From the keys `diffusivity`, `mean`, `reaction` and `stiff` of the table `[equation]` to what diffuses and reacts.

Where there is a mistake in a formula something plain stands for it, so that all the rest is still checked.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from amr.mesh import Mesh
from solvers.equations import (
    Arithmetic,
    ConstantDiffusivity,
    Diagonal,
    Diffusivity,
    Equation,
    Harmonic,
    Mean,
    NonlinearDiffusivity,
    Reaction,
    VariableDiffusivity,
)

from .equation_tables import ScalarsTable
from .formulas import Formulas, Looks
from .mistakes import Mistakes
from .toml_text import KeyPath, show
from .trial import Points, check_values, flat_points, values_at, wall_points, with_first
from .user_function import is_reference
from .values import COORDINATES, RESERVED

MEANS: dict[str, Callable[[], Mean]] = {"arithmetic": Arithmetic, "harmonic": Harmonic}
DIFFUSIVITY: KeyPath = ("equation", "diffusivity")
REACTION: KeyPath = ("equation", "reaction")


def build_coefficients(table: ScalarsTable, formulas: Formulas) -> dict[str, Any]:
    """The arguments `diffusivity`, `mean` and `reaction` of an equation."""
    mistakes = formulas.mistakes
    _check_names(table, formulas)
    if table.mean is not None and table.diffusivity is None:
        mistakes.add(
            ("equation", "mean"), "is that of a diffusivity, and there is none; give diffusivity or leave it out"
        )
    if table.stiff is not None and table.reaction is None:
        mistakes.add(("equation", "stiff"), "is about a reaction, and there is none; give reaction or leave it out")
    return {
        "diffusivity": None if table.diffusivity is None else _diffusivity(table, formulas),
        "mean": None if table.mean is None else MEANS[table.mean](),
        "reaction": None if table.reaction is None else _reaction(table, formulas),
    }


def _check_names(table: ScalarsTable, formulas: Formulas) -> None:
    """Formulas that know the variables must not mean something else by their names."""
    mistakes, texts = formulas.mistakes, _texts((table.diffusivity, table.reaction))
    if not any(isinstance(text, str) and not is_reference(text) for text in texts):
        return
    key = "variables" if table.variables else "variable"
    for name in table.names:
        if name in RESERVED:
            mistakes.add(("equation", key), f"{name!r} has a meaning of its own in expressions; rename it")
        elif name in formulas.parameters:
            mistakes.add(("parameters", name), "is the name of a variable of the equation as well; choose another one")


def _texts(given: Any) -> Iterator[Any]:
    """All that stands in a list or table, and within these."""
    if isinstance(given, tuple | list | Mapping):
        for part in given.values() if isinstance(given, Mapping) else given:
            yield from _texts(part)
    else:
        yield given


# --- diffusivity ------------------------------------------------------------------------------------------------------


def _diffusivity(table: ScalarsTable, formulas: Formulas) -> Diffusivity:
    given, plain = table.diffusivity, ConstantDiffusivity(1.0)
    if not isinstance(given, Mapping):
        return _part(DIFFUSIVITY, given, table.names, formulas) or plain
    directions = formulas.space
    expected = [name for name in directions if name in given or formulas.ndim is not None]
    formulas.mistakes.compare(
        DIFFUSIVITY, given, expected, "direction", "a diffusivity for each direction of the domain"
    )
    known = {name: _part((*DIFFUSIVITY, name), given[name], table.names, formulas) for name in given}
    return Diagonal(*(known.get(name) or plain for name in directions))


def _part(path: KeyPath, given: Any, names: tuple[str, ...], formulas: Formulas) -> Diffusivity | None:
    """One coefficient, or one for each variable."""
    mistakes = formulas.mistakes
    if not _check_count(path, given, names, mistakes):
        return None
    found = formulas.coefficient(path, given, names)
    if found is None:
        return None
    several = isinstance(given, tuple | list)
    for n, value in enumerate(found.constants):
        if value is not None and not 0 <= value < math.inf:
            place, text = ((*path, n), given[n]) if several else (path, given)
            meaning = f", which is {value}," if isinstance(text, str) else ","
            mistakes.add(place, f"found {show(text)}{meaning} expected a finite number of 0 or more")
    if mistakes.blame(path):
        return None
    if None not in found.constants:
        return ConstantDiffusivity(found.constants)
    if found.looks == Looks.SOLUTION:
        return NonlinearDiffusivity(found.function)
    return VariableDiffusivity(found.function, steady=found.looks == Looks.SPACE)


def _check_count(path: KeyPath, given: Any, names: tuple[str, ...], mistakes: Mistakes) -> bool:
    """A list has an entry for each variable."""
    if not isinstance(given, tuple | list) or len(given) == len(names):
        return True
    mistakes.add(path, f"found {len(given)} entries, expected one for each variable: {', '.join(names)}")
    return False


# --- reaction ---------------------------------------------------------------------------------------------------------


def _reaction(table: ScalarsTable, formulas: Formulas) -> Reaction:
    mistakes = formulas.mistakes
    given, names, stiff = table.reaction, table.names, bool(table.stiff)
    plain = Reaction(_nothing, stiff)
    if isinstance(given, Mapping):
        mistakes.compare(REACTION, given, names, "variable", "a rate for each variable, such as 0")
        given = {name: given[name] for name in names if name in given}
    elif not isinstance(given, tuple | list) and not is_reference(given) and len(names) > 1:
        expected = f"one rate for each variable: {', '.join(names)}"
        mistakes.add(REACTION, f"found {show(given)}, expected {expected}")
        return plain
    if mistakes.blame(REACTION) or not _check_count(REACTION, given, names, mistakes):
        return plain
    found = formulas.coefficient(REACTION, given, names, least=Looks.SOLUTION)
    return plain if found is None else Reaction(found.function, stiff)


def _nothing(u, *place):
    return jnp.zeros_like(u)


# --- trying them ------------------------------------------------------------------------------------------------------


def try_coefficients(equation: Equation, initial: Callable | None, formulas: Formulas) -> None:
    """Diffusivities must be numbers of 0 or more, rates finite ones; what depends on the solution is tried on the
    initial values, if they are known."""
    mesh, mistakes = formulas.mesh, formulas.mistakes
    if mesh is None:
        return
    points = flat_points(mesh)
    values = None
    if initial is not None:  # one row for each variable
        rows = values_at(initial, points, ())
        values = np.stack([np.broadcast_to(np.asarray(row, float), points[0].shape) for row in rows])
    _, diffusion, reaction = equation.terms
    if diffusion is not None and equation.terms.law is None:
        found, tensor = diffusion.diffusivity, isinstance(diffusion.diffusivity, Diagonal)
        for n, part in enumerate(found.parts if tensor else (found,)):
            path = (*DIFFUSIVITY, COORDINATES[n]) if tensor else DIFFUSIVITY
            if not mistakes.blame(path):
                mistakes.attempt(path, _try_diffusivity, part, equation.names, points, values, formulas.times, mesh)
    if reaction is not None and values is not None and not mistakes.blame(REACTION):
        rates = with_first(reaction.function, values)
        mistakes.attempt(REACTION, check_values, rates, points, len(equation.names), 0.0)


def _try_diffusivity(part: Diffusivity, names, points: Points, values, times, mesh: Mesh) -> None:
    counts = (1, len(names))
    if isinstance(part, NonlinearDiffusivity) and values is not None:
        function = part.function
        check_values(lambda *place: function(jnp.asarray(values), *place), points, counts, 0.0, negative=False)
    elif isinstance(part, VariableDiffusivity):
        for time in ((),) if part.steady else ((time,) for time in times):
            for place in (points, *wall_points(mesh)):
                check_values(part.function, place, counts, *time, negative=False)
