"""Files of what is recorded: tables (CSV) or one JSON object a line, appended to while a run goes on."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from amr.files import replacing

from .record import Recorded, write_csv

STEP = re.compile(r'(?:\{"step": )?(\d+),')  # a row begins with its step in either format


class RecordFile:
    """The file of one record, `*.csv` or `*.jsonl`; beside it `*.json` if there are points, with their coordinates."""

    def __init__(self, path: Path):
        self.path, self.places = path, path.with_suffix(".json")
        self.table = path.suffix == ".csv"

    def append(self, rows: Recorded) -> None:
        """Add rows, and have them in the file before this returns."""
        new = not self.path.exists() or self.path.stat().st_size == 0
        with self.path.open("a", encoding="utf-8", newline="") as file:
            if self.table:
                write_csv(file, rows, header=new)
            else:
                file.writelines(json_lines(rows))

    def fits(self, rows: Recorded) -> bool:
        """Whether such rows can be added to what the file has."""
        if not self.path.exists():
            return True
        with self.path.open(encoding="utf-8") as file:
            first = file.readline().strip()
        if self.table or not first:
            return not first or first.split(",") == list(rows.columns())
        try:
            return list(json.loads(first)) == ["step", "time", *rows.values]
        except ValueError:
            return False

    def cut_after(self, step: int) -> None:
        """Remove the rows of later steps, and what a run that was killed left half done."""
        if not self.path.exists():
            return
        with (
            replacing(self.path) as temporary,
            self.path.open(encoding="utf-8") as old,
            temporary.open("w", encoding="utf-8") as new,
        ):
            new.writelines(line for number, line in enumerate(old) if self._stays(number, line, step))

    def _stays(self, number: int, line: str, step: int) -> bool:
        """Whether the line of that number in the file is whole, and no row of a later step."""
        found = STEP.match(line)
        header = self.table and number == 0
        return line.endswith("\n") and (header or (found is not None and int(found.group(1)) <= step))


def places_text(points: np.ndarray) -> str:
    """Where values are taken, as JSON: the coordinates of the points, nested as the values are."""
    return json.dumps({"points": points.tolist()}) + "\n"


def json_lines(rows: Recorded) -> Iterator[str]:
    """One object a row; what is no finite number is null."""
    listed = {name: _plain(values) for name, values in rows.values.items()}
    for n, (step, time) in enumerate(zip(rows.step.tolist(), rows.time.tolist(), strict=True)):
        row = {"step": step, "time": time} | {name: values[n] for name, values in listed.items()}
        yield json.dumps(row) + "\n"


def _plain(values: np.ndarray) -> list:
    finite, plain = np.isfinite(values), values.astype(object)
    plain[~finite] = None
    return plain.tolist()
