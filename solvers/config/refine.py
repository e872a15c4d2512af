"""From the table `[refine]` to an indicator."""

from typing import Any

import jax.numpy as jnp
import numpy as np

import amr
from solvers.choices import class_of

from .formulas import Formulas
from .mistakes import Mistakes
from .own_object import own_object
from .tables import INDICATORS, MeshTable, RefineTable, RegionTable
from .toml_text import KeyPath, alternatives, show
from .trial import check_method

Names = tuple[str, ...]


def build_refine(
    table: RefineTable, names: Names | None, mesh: MeshTable | None, domain: amr.Domain | None, formulas: Formulas
) -> tuple[amr.Indicator | None, RefineTable]:
    """The indicator, and the table with everything that it left open.

    `names` are those of the variables; `None`, as for the mesh and the domain: not known because of a mistake.
    """
    _check(table, mesh, domain, formulas.mistakes)
    found: list[amr.Indicator] = []
    settled: dict[str, Any] = {}
    for key in INDICATORS:
        entries = settled[key] = list(getattr(table, key))
        for n, entry in enumerate(entries):
            # A single one may have been written without brackets.
            path = ("refine", key, n) if len(entries) > 1 else ("refine", key)
            indicator = _indicator(path, key, entry, names, formulas)
            if indicator is not None:
                found.append(indicator if entry.up_to is None else amr.UpTo(entry.up_to, indicator))
                chosen = [name for name in ("below", "variable") if name in type(entry).model_fields]
                entries[n] = entry.model_copy(update={name: getattr(indicator, name) for name in chosen})
    joined = _with_regions(found, table.regions, formulas.mistakes)
    return joined, table.model_copy(update={key: tuple(entries) for key, entries in settled.items()})


def _with_regions(
    found: list[amr.Indicator], tables: tuple[RegionTable, ...], mistakes: Mistakes
) -> amr.Indicator | None:
    """Any of the indicators, in boxes a level at least, and in others one at most."""
    # What is no box is told elsewhere.
    boxes = [(n, box) for n, box in enumerate(tables) if len(box.lower) == len(box.upper)]
    times = {n: {"begin": box.begin, "end": box.end} for n, box in boxes}

    def attempt(n, kind, *arguments):
        made = lambda asked: kind(*arguments, *asked, **times[n])  # noqa: E731
        return lambda *asked: mistakes.attempt(("refine", "regions", n), made, asked)

    least = [attempt(n, amr.Region, box.lower, box.upper, box.level)() for n, box in boxes if box.level is not None]
    found = [*found, *(region for region in least if region is not None)]
    joined = amr.AnyOf(*found) if len(found) > 1 else found[0] if found else None
    for n, box in boxes:
        if box.up_to is not None and joined is not None:
            joined = attempt(n, amr.AtMost, box.lower, box.upper, box.up_to)(joined) or joined
    return joined


def warn_of_thresholds(table: RefineTable, mesh: MeshTable, warnings: Mistakes) -> None:
    """Thresholds for levels that there will not be do nothing: no mistake, for overrides may take levels away."""
    for key in (key for key in INDICATORS if key != "own" and mesh.max_level):
        entries = getattr(table, key)
        for n, entry in enumerate(entries):
            levels = min(mesh.max_level, entry.up_to or mesh.max_level)
            if len(entry.above) > levels:
                limit = "mesh.max_level" if levels == mesh.max_level else "up_to"
                expected = f"expected at most {levels}, one for each level until {limit} = {levels}"
                path = ("refine", key, n) if len(entries) > 1 else ("refine", key)
                warnings.add((*path, "above"), f"found {len(entry.above)} thresholds, {expected}; the rest is not used")


def _indicator(path: KeyPath, key: str, entry: Any, names: Names | None, formulas: Formulas) -> amr.Indicator | None:
    mistakes = formulas.mistakes
    if key == "own":
        own = own_object((*path, "type"), entry.type, amr.Indicator, formulas, entry.arguments)
        mistakes.attempt((*path, "type"), _try, own, names, formulas.mesh)
        return own
    if key == "function":
        function = mistakes.attempt((*path, "name"), formulas.user_function, entry.name, ("patch",))
        custom = mistakes.attempt(path, lambda given: amr.Custom(given, entry.above, entry.below), function)
        mistakes.attempt((*path, "name"), _try, custom, names, formulas.mesh)
        return custom
    if names is not None and entry.variable not in (None, *names):
        found = f"found {show(entry.variable)}, expected {alternatives(names, entry.variable)}"
        mistakes.add((*path, "variable"), found)
        return None
    variable = names[0] if entry.variable is None and names else entry.variable or 0
    options = {"filter": entry.filter} if key == "loehner" else {}
    return mistakes.attempt(
        path, lambda kind: kind(entry.above, entry.below, variable, **options), class_of("indicator", key)
    )


def _try(own: amr.Indicator, names: Names, mesh: amr.Mesh) -> None:
    """Raise `UserFunctionError` unless an indicator of the user's own gives wishes for the cells of a patch."""
    ghost, one = 4, jnp.ones(())  # more than any scheme has
    values = jnp.ones((len(names), *(side + 2 * ghost for side in mesh.patch_shape)))
    x = jnp.meshgrid(*map(jnp.ones, mesh.patch_shape), indexing="ij", sparse=True)
    patch = amr.PatchView(values, tuple(x), jnp.ones(mesh.ndim), jnp.zeros((), int), one, ghost, names)

    def wishes():
        return tuple(jnp.broadcast_to(wish, mesh.patch_shape) for wish in own.wishes(patch))

    check_method(own, "wishes", wishes, mesh.patch_shape, mesh.patch_shape)


def _check(table: RefineTable, mesh: MeshTable | None, domain: amr.Domain | None, mistakes: Mistakes) -> None:
    """Regions must be boxes in the domain, of levels of the mesh; if it has any, there must be something to refine."""
    most = None if mesh is None else mesh.max_level
    for n, region in enumerate(table.regions):
        path = ("refine", "regions", n)
        if most is not None and region.level is not None and region.level > most:
            mistakes.add((*path, "level"), f"found {region.level}, expected at most mesh.max_level, {most}")
        # What cannot be a domain cannot be a region either.
        box = mistakes.attempt(path, amr.Domain, region.lower, region.upper)
        if box is None or domain is None:
            continue
        if box.ndim != domain.ndim:
            mistakes.add(path, f"has {box.ndim} dimensions, expected {domain.ndim}, as the domain")
        elif any(np.greater_equal(box.lower, domain.upper) | np.less_equal(box.upper, domain.lower)):
            mistakes.add(path, "lies outside the domain")
    if most and table.empty:
        advice = "add what to refine, such as value = {above = 0.5}, or set mesh.max_level = 0"
        mistakes.add(("refine",), f"asks for nothing, but mesh.max_level is {most}; {advice}")
