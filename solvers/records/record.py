"""Records of a run: what people ask for, what they get, and how the driver comes by it."""

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from amr.errors import InvalidSettingError
from amr.mesh import Mesh
from amr.names import find_variable
from solvers.equations import Derived

from .measures import Measure, Places
from .recording import Recorder, Rows, Tape, fetched
from .schedule import EverySteps, EveryTime
from .subject import Subject


class Record:
    """What is to be recorded during a run, and how often.

    A row holds the state after a step: that of every step that is a multiple of `every_steps`, or the first at or
    after each multiple of the simulated time `every`; steps are never cut for it. The first and the last state of a
    run are always recorded.

    **Arguments:**

    - `measures`: one or more of `Integrals`, `Extrema`, `Points`, `Line` and `Slice`; of the last three, one.
    - `every_steps`: default 1; `every`: instead of it.

    Raises `InvalidSettingError` where that makes no sense.
    """

    def __init__(self, *measures: Any, every_steps: Any = None, every: Any = None):
        for measure in measures:
            if not isinstance(measure, Measure):
                raise InvalidSettingError("record", f"expected measures such as solvers.Integrals(), got {measure!r}")
        if not measures:
            raise InvalidSettingError("record", "expected something to record, such as solvers.Integrals()")
        if sum(isinstance(measure, Places) for measure in measures) > 1:
            raise InvalidSettingError("record", "expected one of points, line and slice; make a record of each")
        if every is not None and every_steps is not None:
            raise InvalidSettingError("every", "expected one of every and every_steps, got both")
        _ = EverySteps(1 if every_steps is None else every_steps) if every is None else EveryTime(every)
        self.measures = measures
        self.every = None if every is None else float(every)
        self.every_steps = every_steps if every_steps is not None or every is not None else 1

    def tape(self, subject: Subject, derived: Derived | None = None) -> Tape:
        """The record for the device; `derived` variables are recorded as well."""
        more = Derived(subject.equation, {}) if derived is None else derived
        gauges = tuple(measure.gauge(subject.mesh, more) for measure in self.measures)
        tape = Tape(gauges, self.every_steps, self.every)
        blank = [gauge.named(subject, np.zeros((0, gauge.size(subject)))) for gauge in gauges]
        names = ["step", "time", *(name for columns in blank for name in columns)]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise InvalidSettingError("record", f"two columns would be called {min(twice)}; make a record of each")
        return tape

    def points(self, mesh: Mesh) -> np.ndarray | None:
        """Where values are taken, shape `(..., ndim)`."""
        return next((measure.points(mesh) for measure in self.measures if isinstance(measure, Places)), None)

    def __repr__(self) -> str:
        rule = f"every={self.every}" if self.every is not None else f"every_steps={self.every_steps}"
        return f"Record({', '.join(map(repr, self.measures))}, {rule})"


@dataclass(frozen=True, eq=False, repr=False)
class Recorded:
    """Rows of a record; `recorded["phi"]` gives what has that name.

    **Attributes:** `step`, `time`: of each row, shape `(rows,)`; `values`: for each name an array `(rows, ...)`, where
    `...` is the shape of the points for values at points.
    """

    step: np.ndarray
    time: np.ndarray
    values: dict[str, np.ndarray]

    def __getitem__(self, name: str | int) -> np.ndarray:
        names = tuple(self.values)
        return self.values[names[find_variable(names, name)]]

    def __len__(self) -> int:
        return len(self.step)

    def __repr__(self) -> str:
        shapes = [f"{name}{list(found.shape[1:]) if found.ndim > 1 else ''}" for name, found in self.values.items()]
        span = f", t = {self.time[0]:.6g} to {self.time[-1]:.6g}" if len(self) else ""
        return f"Recorded {len(self)} rows{span}: {', '.join(shapes)}"

    def columns(self) -> dict[str, np.ndarray]:
        """All numbers by columns: `step`, `time`, and for values at points one column each, `phi_0`, `phi_1`, .."""
        found = {"step": self.step, "time": self.time}
        for name, values in self.values.items():
            if values.ndim == 1:
                found[name] = values
            else:
                rows = values.reshape(len(values), int(np.prod(values.shape[1:])))  # also of no rows at all
                found |= {f"{name}_{n}": column for n, column in enumerate(rows.T)}
        return found

    def plot(self, names: Sequence[str] | None = None):
        """A picture of the columns over time, or of those named: see `amr.plot.plot_history`."""
        from amr.pictures import plot_history

        columns = self.columns()
        del columns["step"]
        return plot_history(columns, names)

    def to_csv(self, path: str | os.PathLike) -> None:
        """Write a table with one header row and all digits."""
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            write_csv(file, self, header=True)


def write_csv(file, recorded: Recorded, header: bool) -> None:
    """Write rows as comma-separated values."""
    columns = recorded.columns()
    writer = csv.writer(file, lineterminator="\n")
    if header:
        writer.writerow(columns)
    writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))


def joined(parts: Sequence[Recorded]) -> Recorded:
    """One after the other."""
    step, time = (np.concatenate([getattr(part, key) for part in parts]) for key in ("step", "time"))
    return Recorded(step, time, {name: np.concatenate([p.values[name] for p in parts]) for name in parts[0].values})


def no_rows(subject: Subject, tape: Tape) -> Recorded:
    """A record with no rows."""
    return Recorded(np.zeros(0, np.int32), np.zeros(0), tape.named(subject, np.zeros((0, tape.size(subject)))))


@dataclass
class Recording:
    """The records of one run.

    **Attributes:** `tapes`: by name; `receive(name, rows)`: called whenever there are some.
    """

    tapes: dict[str, Tape]
    receive: Callable[[str, Recorded], Any]

    def recorder(self, dtype, step: int, end: float) -> Recorder:
        """What a call of the device program records, in numbers of such a type."""
        end_time = jnp.asarray(end, dtype)
        return Recorder(tuple(self.tapes.values()), jnp.asarray(step, jnp.int32), end_time)

    def take(self, subject: Subject, rows: Sequence[Rows]) -> None:
        """Pass on what was recorded."""
        for (name, tape), part in zip(self.tapes.items(), rows, strict=True):
            found = Recorded(*fetched(subject, tape, part))
            if len(found):
                self.receive(name, found)


@dataclass
class Collection:
    """Keeps all rows in memory.

    **Attributes:** `records`: what was asked for, by name.
    """

    records: Mapping[str, Record]
    parts: dict[str, list[Recorded]] = field(default_factory=dict)

    def recording(self, subject: Subject) -> Recording | None:
        """For the driver; `None` where nothing is asked for."""
        tapes = {str(name): record.tape(subject) for name, record in self.records.items()}
        return Recording(tapes, lambda name, rows: self.parts.setdefault(name, []).append(rows)) if tapes else None

    def found(self, subject: Subject) -> dict[str, Recorded]:
        """All rows so far."""
        blank = {name: [no_rows(subject, record.tape(subject))] for name, record in self.records.items()}
        return {name: joined(self.parts.get(name, empty)) for name, empty in blank.items()}
