"""From the table `[refine]` to an indicator."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

import amr
from solvers.choices import class_of

from .formulas import Formulas
from .mistakes import Mistakes
from .own_object import check_method, own_object
from .tables import INDICATORS, Limited, MeshTable, RefineTable
from .toml_text import KeyPath, alternatives, show

Names = tuple[str, ...]


def build_refine(
    table: RefineTable, names: Names | None, mesh: MeshTable | None, formulas: Formulas
) -> tuple[amr.Indicator | None, RefineTable]:
    """The indicator, and the table with everything that it left open.

    `names` are those of the variables; `None`, as for the mesh: not known because of a mistake.
    """
    found: list[amr.Indicator | None] = []
    settled: dict[str, Any] = {}
    for key in INDICATORS:
        entries = getattr(table, key)
        # A single one may have been written without brackets.
        places = [("refine", key, n) if len(entries) > 1 else ("refine", key) for n in range(len(entries))]
        made = [_indicator(path, key, entry, names, formulas) for path, entry in zip(places, entries, strict=True)]
        found += map(_limited, entries, made)
        settled[key] = tuple(map(_settled, entries, made))
    found += [amr.Region(r.lower, r.upper, r.level) for r in table.regions if len(r.lower) == len(r.upper)]
    _check_levels(table, mesh, formulas.mistakes)
    present = [indicator for indicator in found if indicator is not None]
    joined = amr.AnyOf(*present) if len(present) > 1 else present[0] if present else None  # type: ignore[arg-type]
    return joined, table.model_copy(update=settled)


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


def _limited(entry: Limited, indicator: amr.Indicator | None) -> amr.Indicator | None:
    return indicator if indicator is None or entry.up_to is None else amr.UpTo(entry.up_to, indicator)


def _settled(entry: Limited, indicator: Any) -> Limited:
    """The entry with what its indicator chose."""
    chosen = [key for key in ("below", "variable") if indicator is not None and key in type(entry).model_fields]
    return entry.model_copy(update={key: getattr(indicator, key) for key in chosen})


def _check_levels(table: RefineTable, mesh: MeshTable | None, mistakes: Mistakes) -> None:
    """No level beyond those of the mesh, and something to refine if it has any."""
    if mesh is None:
        return
    for n, region in enumerate(table.regions):
        if region.level > mesh.max_level:
            message = f"found {region.level}, expected at most mesh.max_level, {mesh.max_level}"
            mistakes.add(("refine", "regions", n, "level"), message)
    if table.empty and mesh.max_level > 0:
        advice = "add what to refine, such as value = {above = 0.5}, or set mesh.max_level = 0"
        mistakes.add(("refine",), f"asks for nothing, but mesh.max_level is {mesh.max_level}; {advice}")


def check_regions(table: RefineTable, domain: amr.Domain | None, mistakes: Mistakes) -> None:
    """Regions must be boxes that lie in the domain."""
    for n, region in enumerate(table.regions):
        path = ("refine", "regions", n)
        # What cannot be a domain cannot be a region either.
        box = mistakes.attempt(path, amr.Domain, region.lower, region.upper)
        if box is None or domain is None:
            continue
        if box.ndim != domain.ndim:
            mistakes.add(path, f"has {box.ndim} dimensions, expected {domain.ndim}, as the domain")
        elif not _overlap(box, domain):
            mistakes.add(path, "lies outside the domain")


def _overlap(a: amr.Domain, b: amr.Domain) -> bool:
    sides = zip(a.lower, a.upper, b.lower, b.upper, strict=True)
    return all(low < other_high and high > other_low for low, high, other_low, other_high in sides)
