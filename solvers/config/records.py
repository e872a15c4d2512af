"""From the tables `[record.NAME]` to records."""

from collections.abc import Mapping

import amr
from amr.errors import InvalidSettingError
from amr.mesh import point_in
from solvers.equations import Derived
from solvers.records import Extrema, Integrals, Line, Points, Record, Slice
from solvers.run import Simulation

from .mistakes import Mistakes
from .record_tables import RecordTable
from .toml_text import KeyPath

KEYS = {"start": "from", "end": "to", "count": "points"}  # of a line: what the library calls otherwise


def build_records(
    tables: Mapping[str, RecordTable] | None, mesh: amr.Mesh | None, mistakes: Mistakes
) -> dict[str, Record]:
    """The records by name; `None`, as for the mesh: not known because of a mistake."""
    found: dict[str, Record] = {}
    for name, table in (tables or {}).items():
        same = [other for other in found if other.lower() == name.lower()]
        if same:
            mistakes.add(("record", name), f"differs from {same[0]} in capitals alone, expected another name")
        place = _place(table)
        if place is not None and mesh is not None:
            _check(place, table, mesh, ("record", name), mistakes)
        chosen = (table.integrals and Integrals(), table.extrema and Extrema(), place)
        found[name] = Record(*filter(None, chosen), every_steps=table.every_steps, every=table.every)
    return found


def check_columns(
    records: Mapping[str, Record], simulation: Simulation | None, derived: Derived | None, mistakes: Mistakes
) -> None:
    """No two columns of a file may have the same name."""
    if simulation is None or mistakes.blame(("record",)):
        return
    for name, record in records.items():
        try:
            record.tape(simulation.setup, derived)
        except InvalidSettingError as error:
            mistakes.add(("record", name), error.message)


def _place(table: RecordTable) -> Points | Line | Slice | None:
    """Where values are taken, if anywhere."""
    if table.points is not None:
        return Points(table.points, interpolate=table.interpolate)
    if table.line is not None:
        return Line(getattr(table.line, "from"), table.line.to, table.line.points, interpolate=table.interpolate)
    return None if table.slice is None else Slice(table.slice.axis, table.slice.at, table.slice.level)


def _check(place: Points | Line | Slice, table: RecordTable, mesh: amr.Mesh, path: KeyPath, mistakes: Mistakes) -> None:
    """What does not fit the mesh is a mistake."""
    if isinstance(place, Points):
        for n, point in enumerate(table.points or ()):
            try:
                point_in(mesh, "points", point)
            except InvalidSettingError as error:
                mistakes.add((*path, "points", n), error.message)
        return
    try:
        place.points(mesh)
    except InvalidSettingError as error:
        key = KEYS.get(error.key, error.key) if isinstance(place, Line) else error.key
        mistakes.add((*path, "line" if isinstance(place, Line) else "slice", key), error.message)
