"""The folder a run leaves behind: the resolved config, dumps, a picture and the summary."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from amr.field import Field

from .build import Case
from .config_errors import ConfigError


class RunFolder:
    """Writes what a run produces, each file whole or not at all.

    Files are called `<name>_0000.vtkhdf` and so on, `<name>.vtkhdf.series`, `<name>.png`, `config.toml` and
    `summary.json`.
    """

    def __init__(self, case: Case):
        output = case.config.output
        assert output.directory is not None, "the config of a case is resolved"
        assert output.name is not None, "the config of a case is resolved"
        self.case, self.name = case, output.name
        self.directory = Path(output.directory)
        self.config = self.directory / "config.toml"
        self.summary = self.directory / "summary.json"
        self.picture = self.directory / f"{self.name}.png"
        self.series = self.directory / f"{self.name}.vtkhdf.series"
        self.dumps: list[tuple[Path, float]] = []

    def prepare(self, source: Path, replace: bool) -> None:
        """Make the folder with the config in it; earlier results are replaced only if that is asked for.

        Raises `ConfigError` where they are in the way. The config file `source` is never written over.
        """
        self._check(source, replace)
        self.directory.mkdir(parents=True, exist_ok=True)
        for path in self._results():
            path.unlink()
        write_whole(self.config, self.case.config.to_toml())
        for module in self.case.modules:
            copy = self.directory / module.relative_to(source.resolve().parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if not (copy.exists() and copy.samefile(module)):
                shutil.copyfile(module, copy)

    def _check(self, source: Path, replace: bool) -> None:
        key = f"output.directory: {self.directory}"
        blocker = next((p for p in (self.directory, *self.directory.parents) if p.exists()), None)
        if blocker is not None and not blocker.is_dir():
            raise ConfigError([f"{key}: {blocker} is a file, expected a folder"])
        if blocker is not None and not os.access(blocker, os.W_OK):
            raise ConfigError([f"{key}: no permission to write in {blocker}"])
        if self.config.exists() and self.config.samefile(source):
            raise ConfigError([f"{key}: is where this config is; give another, such as output.directory=runs/again"])
        found = [path.name for path in self._results()]
        if found and not replace:
            names = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
            advice = "add --force to replace them, or give another, such as output.directory=runs/again"
            raise ConfigError([f"{key} holds results already ({names}); {advice}"])

    def _results(self) -> list[Path]:
        """Files of an earlier run."""
        single = [path for path in (self.config, self.summary, self.picture, self.series) if path.exists()]
        numbered = self.directory.glob("*.vtkhdf") if self.directory.exists() else ()
        return single + sorted(path for path in numbered if self._is_dump(path.stem))

    def _is_dump(self, stem: str) -> bool:
        number = stem.removeprefix(f"{self.name}_")
        return stem != number and (number.isdecimal() or number == "failed")

    def dump(self, field: Field) -> Path:
        """Write the next dump and list it in the series."""
        path = self.directory / f"{self.name}_{len(self.dumps):04d}.vtkhdf"
        self._write(field, path)
        self.dumps.append((path, float(field.time)))
        self._write_series(self.dumps)
        return path

    def dump_failed(self, field: Field) -> Path:
        """Write the last good field of a run that failed."""
        path = self.directory / f"{self.name}_failed.vtkhdf"
        self._write(field, path)
        return path

    def finish(self, solution) -> None:
        """Write the summary and the picture of the final field."""
        write_whole(self.summary, json.dumps(solution.summary.to_dict(), indent=2) + "\n")
        if self.case.config.output.picture:
            self._draw(solution.field)

    def _write(self, field: Field, path: Path) -> None:
        from amr.io import write

        write(field, path, config=self.case.config.to_toml(), precision=self.case.config.output.precision)

    def _write_series(self, entries: Iterable[tuple[Path, float]]) -> None:
        from amr.io import write_series

        write_series(self.series, entries)

    def _draw(self, field: Field) -> None:
        import matplotlib as mpl

        mpl.use("agg")  # no window, also on machines without a display
        from amr.plot import plot

        temporary = self.picture.with_name(f".{self.picture.name}")
        plot(field, self.case.config.output.variable or 0, patches=True).savefig(temporary, format="png", dpi=150)
        os.replace(temporary, self.picture)


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that it is never seen half done."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
