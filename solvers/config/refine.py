"""From the table `[refine]` to an indicator."""

from __future__ import annotations

from typing import Any

import amr
from solvers.choices import class_of

from .formulas import Formulas
from .mistakes import Mistakes
from .tables import ON_VARIABLE, FunctionThresholds, LoehnerThresholds, MeshTable, RefineTable, Thresholds
from .toml_text import KeyPath, alternatives, show

Names = tuple[str, ...]
Entry = Thresholds | LoehnerThresholds | FunctionThresholds


def build_refine(
    table: RefineTable, names: Names | None, mesh: MeshTable | None, formulas: Formulas, mistakes: Mistakes
) -> tuple[amr.Indicator | None, RefineTable]:
    """The indicator, and the table with everything that it left open.

    `names` are those of the variables; `None`, as for the mesh: not known because of a mistake.
    """
    found: list[amr.Indicator | None] = []
    settled: dict[str, Any] = {}
    for key in (*ON_VARIABLE, "function"):
        entries = getattr(table, key)
        made = [
            _indicator(_place(entries, ("refine", key), n), key, entry, names, formulas, mistakes)
            for n, entry in enumerate(entries)
        ]
        found += [_limited(entry, indicator) for entry, indicator in zip(entries, made, strict=True)]
        settled[key] = tuple(_settled(*pair, names) for pair in zip(entries, made, strict=True))
    found += [amr.Region(r.lower, r.upper, r.level) for r in table.regions if len(r.lower) == len(r.upper)]
    _check_levels(table, mesh, mistakes)
    present = [indicator for indicator in found if indicator is not None]
    joined = amr.AnyOf(*present) if len(present) > 1 else present[0] if present else None  # type: ignore[arg-type]
    return joined, table.model_copy(update=settled)


def _place(entries: tuple, path: KeyPath, n: int) -> KeyPath:
    """Where an entry stands; a single one may have been written without brackets."""
    return (*path, n) if len(entries) > 1 else path


def _indicator(
    path: KeyPath, key: str, entry: Any, names: Names | None, formulas: Formulas, mistakes: Mistakes
) -> amr.Indicator | None:
    if key == "function":
        own = mistakes.attempt((*path, "name"), formulas.indicator, entry.name)
        return mistakes.attempt(path, lambda function: amr.Custom(function, entry.above, entry.below), own)
    if names is not None and entry.variable not in (None, *names):
        found = f"found {show(entry.variable)}, expected {alternatives(names, entry.variable)}"
        mistakes.add((*path, "variable"), found)
        return None
    variable = names[0] if entry.variable is None and names else entry.variable or 0
    options = {"filter": entry.filter} if key == "loehner" else {}
    return mistakes.attempt(
        path, lambda kind: kind(entry.above, entry.below, variable, **options), class_of("indicator", key)
    )


def _limited(entry: Entry, indicator: amr.Indicator | None) -> amr.Indicator | None:
    return indicator if indicator is None or entry.up_to is None else amr.UpTo(entry.up_to, indicator)


def _settled(entry: Entry, indicator: Any, names: Names | None) -> Entry:
    """The entry with what its indicator chose."""
    if indicator is None:
        return entry
    named = {} if isinstance(entry, FunctionThresholds) else {"variable": indicator.variable}
    return entry.model_copy(update={"below": indicator.below, **named})


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
