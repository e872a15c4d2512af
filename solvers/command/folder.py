"""The folder a run leaves behind: the resolved config, dumps, checkpoints, a picture and the summary."""

import contextlib
import glob
import json
import os
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import amr
from amr.field import Field
from amr.files import GeometryCache, replacing, write_whole
from solvers.config import Case, ConfigError
from solvers.equations import vectors_in
from solvers.records import RecordFile, no_rows, places_text
from solvers.run import Checkpoint, numbered, write_newest

from .exact import ExactSolution, holds
from .lock import FolderLock
from .made import made_in, remember

CHECKPOINTS = "checkpoints"  # the folder of those


class RunFolder:
    """Writes what a run produces, each file whole or not at all.

    Files are called `<name>_0000.vtkhdf` and so on, `<name>.vtkhdf.series`, `<name>.png`, `config.toml` and
    `summary.json`; checkpoints lie in a folder `checkpoints` and are called `<name>_<step>.vtkhdf`. What is recorded is
    in `<name>_<record>.csv` or `.jsonl`, where values are taken in `<name>_<record>.json`. Copies of modules, and the
    pictures of `amrax plot` and `amrax movie`, are listed in `.made`.
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
        self.failed = self.directory / f"{self.name}_failed.vtkhdf"
        self.checkpoints = self.directory / CHECKPOINTS
        self.dumps: list[tuple[Path, float]] = []
        tables = case.config.record.items()
        self.records = {key: RecordFile(self.directory / f"{self.name}_{key}.{table.format}") for key, table in tables}
        self.geometry = GeometryCache()  # of the last file that was written
        self.lock = FolderLock(self.directory)

    # --- before a run -------------------------------------------------------------------------------------------------

    def prepare(self, source: Path, replace: bool) -> None:
        """Make the folder with the config in it; earlier results are replaced only if that is asked for.

        Raises `ConfigError` where they are in the way. The config file `source` is never written over.
        """
        self._check(source, replace)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.lock.take()
        still_read = {path.resolve() for path in self.case.modules}  # a config may be run anew beside its results
        for path in (*self._results(), *made_in(self.directory)):
            if path.resolve() not in still_read:
                path.unlink()
        with contextlib.suppress(OSError):  # not there, or somebody keeps something in it
            self.checkpoints.rmdir()
        self._write_config(source)
        self._write_places()

    def prepare_to_resume(self, source: Path, checkpoint: Checkpoint, replace: bool) -> None:
        """Make the folder ready to go on from a checkpoint: what was written later is removed, the rest stays.

        The config is replaced by the new one. Raises `ConfigError` where a file of a record has other columns, or one
        that is to be removed is whole and `replace` is false.
        """
        self.lock.take()
        self._check_records()
        step = int(checkpoint.field.step)
        for path in (*self._later_than(step, replace), self.summary, self.picture):
            path.unlink(missing_ok=True)
        for path in self._recorded(self.name):
            if path.suffix != ".json":
                RecordFile(path).cut_after(step)
        amr.io.write_series(self.series, self.dumps)
        self._write_config(source)
        self._write_places()

    def _later_than(self, step: int, replace: bool) -> list[Path]:
        """Dumps and checkpoints that are later than a step; the other dumps are listed in `dumps`.

        Those that cannot be read get another name: they may be of use to somebody.
        """
        later, self.dumps = [], []
        for path in (*numbered(self.directory, self.name), *numbered(self.checkpoints, self.name)):
            try:
                header = amr.io.read_header(path)
            except amr.io.FileError:
                path.rename(path.with_name(f"{path.name}.unreadable"))
                continue
            if header["step"] > step:
                later.append(path)
            elif path.parent == self.directory:
                self.dumps.append((path, header["time"]))
        if later and not replace:
            found = f"{self.directory} holds later results than step {step} ({_few_names(later)})"
            raise ConfigError([f"{found}; add --force to replace what was written since"])
        return later

    def _check_records(self) -> None:
        """Rows that are added must have the columns of those there are."""
        setup, case = self.case.simulation.setup, self.case
        reports = [
            f"{file.path}: has other columns than record.{key}; give the record another name"
            for key, file in self.records.items()
            if not file.fits(no_rows(setup, case.records[key].tape(setup, case.derived)))
        ]
        if reports:
            raise ConfigError(reports)

    def _write_places(self) -> None:
        for key, file in self.records.items():
            points = self.case.records[key].points(self.case.simulation.mesh)
            if points is not None:
                write_whole(file.places, places_text(points))

    def _write_config(self, source: Path) -> None:
        write_whole(self.config, self.case.config.to_toml())
        for module in self.case.modules:
            copy = self.directory / module.relative_to(source.resolve().parent)
            if not (copy.exists() and copy.samefile(module)):
                with replacing(copy) as temporary:
                    shutil.copyfile(module, temporary)
                remember(copy, self.directory)

    def _check(self, source: Path, replace: bool) -> None:
        key = f"output.directory: {self.directory}"
        blocker = next((p for p in (self.directory, *self.directory.parents) if p.exists()), None)
        if blocker is not None and not blocker.is_dir():
            raise ConfigError([f"{key}: {blocker} is a file, expected a folder"])
        if blocker is not None and not os.access(blocker, os.W_OK):
            raise ConfigError([f"{key}: no permission to write in {blocker}"])
        if self.config.exists() and self.config.samefile(source):
            advice = f"to go on with that run: amrax resume {self.directory}"
            raise ConfigError([f"{key}: is where this config is; give another ({advice})"])
        found = self._results()
        if found and not replace:
            names = _few_names(found)
            advice = "add --force to replace them, or give another, such as output.directory=runs/again"
            raise ConfigError([f"{key} holds results already ({names}); {advice}"])

    def _results(self) -> list[Path]:
        """Files of an earlier run, also of one that had another name."""
        names = dict.fromkeys((self.name, Path(str(self._before("output").get("name", self.name))).name))
        found = [path for path in (self.config, self.summary) if path.exists()]
        for name in names if self.directory.exists() else ():
            single = (self.directory / f"{name}{end}" for end in (".png", ".vtkhdf.series", "_failed.vtkhdf"))
            dumps = [*numbered(self.directory, name), *numbered(self.checkpoints, name)]
            left = [path for folder in (self.directory, self.checkpoints) for path in _left_by(folder, name)]
            found += [*(path for path in single if path.exists()), *dumps, *self._recorded(name), *left]
        return found

    def _recorded(self, name: str) -> list[Path]:
        """Files of what is recorded, or was by the config of an earlier run."""
        stems = [f"{name}_{key}" for key in sorted(self._before("record").keys() | self.records.keys())]
        found = [self.directory / f"{stem}.{kind}" for stem in stems for kind in ("csv", "jsonl", "json")]
        return [path for path in found if path.exists()]

    def _before(self, table: str) -> dict[str, Any]:
        """A table of the config that is in the folder."""
        try:
            found = tomllib.loads(self.config.read_text(encoding="utf-8")).get(table)
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    # --- during a run -------------------------------------------------------------------------------------------------

    def dump(self, checkpoint: Checkpoint) -> Path:
        """Write the next dump and list it in the series."""
        # Some of the earlier ones may have been removed.
        last = int(self.dumps[-1][0].stem.removeprefix(f"{self.name}_")) if self.dumps else -1
        path = self.directory / f"{self.name}_{last + 1:04d}.vtkhdf"
        self._write(checkpoint, path, self.case.config.output.precision)
        self.dumps.append((path, float(checkpoint.field.time)))
        amr.io.write_series(self.series, self.dumps)
        return path

    def keep(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint, and remove those there are too many of."""
        options = {"config": self.case.config.to_toml(), "geometry": self.geometry}
        return write_newest(self.checkpoints, self.name, self.case.config.checkpoint.keep, checkpoint, **options)

    def dump_failed(self, checkpoint: Checkpoint) -> Path:
        """Write the last good field of a run that failed."""
        self._write(checkpoint, self.failed, None)
        return self.failed

    def finish(self, solution) -> list[str]:
        """Write the summary and the picture of the final field; gives remarks about what did not work."""
        write_whole(self.summary, json.dumps(solution.summary.to_dict(), indent=2) + "\n")
        self.failed.unlink(missing_ok=True)
        if not self.case.config.output.picture:
            return []
        try:
            self._draw(solution.field)
        except Exception as error:  # whatever matplotlib and the disk have to say: the results are there
            return [f"the picture {self.picture} could not be drawn: {type(error).__name__}: {error}"]
        return []

    @contextlib.contextmanager
    def kept_if_there_is_something(self) -> Iterator[None]:
        """Leaves nothing behind of a run that ends in the block before anything can be gone on from."""
        try:
            yield
        except BaseException:
            left = [*numbered(self.directory, self.name), *numbered(self.checkpoints, self.name)]
            if not (left or self.failed.exists()):
                for path in self._results():
                    path.unlink(missing_ok=True)
                self.lock.release()
                with contextlib.suppress(OSError):  # it holds something else
                    self.directory.rmdir()
            raise

    def release(self) -> None:
        """The run is over: others may write here."""
        self.lock.release()

    def _write(self, checkpoint: Checkpoint, path: Path, precision: str | None) -> None:
        field, own = self.case.derived.added_to(checkpoint.field), len(checkpoint.field.names)
        derived = dict(zip(field.names[own:], np.asarray(field.data)[own:], strict=True))
        vectors = vectors_in(field.names, field.mesh.ndim)
        checkpoint.save(
            path,
            config=self.case.config.to_toml(),
            precision=precision,
            derived=derived,
            vectors=vectors,
            compression=self.case.config.output.compression,
            geometry=self.geometry,
        )

    def _draw(self, field: Field) -> None:
        import matplotlib as mpl

        mpl.use("agg")  # no window, also on machines without a display
        from amr.pictures import plot

        shown, config = self.case.derived.added_to(field), self.case.config
        name = config.output.variable or field.names[0]
        known = field.mesh.ndim == 1 and holds(config.exact, config.time.end, float(field.time))
        figure = plot.plot(shown, name, exact=ExactSolution(self.case).of(name) if known else None)
        with replacing(self.picture) as temporary:
            figure.savefig(temporary, format="png", dpi=150)


def _left_by(folder: Path, name: str) -> list[Path]:
    """What a run that was killed had not finished writing, and dumps that could not be read when it went on."""
    ends = ("*.tmp", "_[0-9]*.vtkhdf.unreadable")
    return sorted(path for end in ends for path in folder.glob(f"{glob.escape(name)}{end}"))


def _few_names(paths: list[Path]) -> str:
    """The names of the first of some files."""
    return ", ".join(path.name for path in paths[:3]) + (", ..." if len(paths) > 3 else "")
