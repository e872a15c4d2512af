"""Records of a run, numbers row by row over time: CSV files, files of JSON lines, mappings of arrays."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from amr.errors import InvalidSettingError
from amr.names import did_you_mean

TIMES = ("time", "t")


@dataclass(frozen=True, eq=False)
class History:
    """Columns of numbers of equal length, NaN where a row lacks one.

    **Attributes:** `columns`: from names to arrays of shape `(rows,)`.
    """

    columns: dict[str, np.ndarray]

    def abscissa(self, name: str | None) -> tuple[str, np.ndarray]:
        """The column to draw others over: the named one, the time, or else the number of the row."""
        if name is not None and name not in self.columns:
            known = did_you_mean(name, self.columns) or f"; there are {', '.join(self.columns)}"
            raise InvalidSettingError("against", f"no column {name!r}{known}")
        found = name or next((time for time in TIMES if time in self.columns), None)
        if found is None:
            return "row", np.arange(len(next(iter(self.columns.values()))))
        return found, self.columns[found]


def read_history(record: Any) -> History:
    """Read a CSV or JSON-lines file (`*.jsonl`), or take a mapping from names to sequences of numbers.

    Columns without a number are left out. Raises `InvalidSettingError` where no column is left, or lengths differ.
    """
    if isinstance(record, Mapping):
        columns = {str(name): np.asarray(values) for name, values in record.items()}
    else:
        columns = _columns(_rows(Path(record)))
    numbers = {name: values for name, values in columns.items() if _is_numbers(values)}
    if not numbers:
        what = "the mapping" if isinstance(record, Mapping) else record
        raise InvalidSettingError("record", f"{what} has no numbers")
    if len({len(values) for values in numbers.values()}) > 1:
        sizes = ", ".join(f"{name}: {len(values)}" for name, values in numbers.items())
        raise InvalidSettingError("record", f"expected columns of equal length, got {sizes}")
    return History(numbers)


def _rows(path: Path) -> list[dict]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            if path.suffix in (".jsonl", ".ndjson"):
                return [json.loads(line) for line in file if line.strip()]
            return list(csv.DictReader(line for line in file if not line.startswith("#")))
    except OSError as error:
        raise InvalidSettingError("record", f"{path}: cannot be opened: {error.strerror}") from error
    except ValueError as error:
        raise InvalidSettingError("record", f"{path}: expected CSV, or JSON lines in *.jsonl: {error}") from error


def _columns(rows: list[dict]) -> dict[str, np.ndarray]:
    names = dict.fromkeys(name for row in rows for name in row if name is not None)
    return {name: np.array([_number(row.get(name)) for row in rows]) for name in names}


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan


def _is_numbers(values: np.ndarray) -> bool:
    return values.ndim == 1 and values.size > 0 and values.dtype.kind in "iufb" and not np.isnan(values).all()
