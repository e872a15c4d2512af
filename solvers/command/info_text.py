"""What `amrax info` prints: files and folders of runs in words, and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from amr.files import FileInfo

from .run_info import RunInfo


def size(count: float | int) -> str:
    """A number of bytes for people."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def text(info: FileInfo | RunInfo) -> str:
    """A file or a folder in words."""
    return _file_text(info) if isinstance(info, FileInfo) else _run_text(info)


def record(info: FileInfo | RunInfo) -> dict[str, Any]:
    """A file or a folder as JSON can say it."""
    return _file_record(info) if isinstance(info, FileInfo) else _run_record(info)


def _file_text(info: FileInfo) -> str:
    """A file, a line for each thing."""
    box = " x ".join(f"[{low:g}, {high:g}]" for low, high in zip(info.lower, info.upper, strict=True))
    faces = ", ".join(low if low == high else f"{low} | {high}" for low, high in info.boundaries)
    rows = [
        ("time", f"{info.time:.10g}, step {info.step:,}"),
        ("domain", f"{info.ndim}D, {box}; {faces}"),
        ("root cells", f"{_times(info.cells)} in patches of {_times((info.patch,) * info.ndim)}"),
        *[(f"level {level}", f"{count:,} patches") for level, count in enumerate(info.levels)],
        ("cells", f"{info.cell_count:,}, {info.fraction:.3g} of the uniform grid of level {info.max_level}"),
        *[(name, _variable(info, name)) for name in (*info.names, *info.derived)],
        *([("vectors", ", ".join(info.vectors))] if info.vectors else []),
        *([("units", units)] if (units := _units(info.units)) else []),
        ("precision", info.stored if info.stored == info.computed else f"{info.stored}; the run had {info.computed}"),
        ("size", size(info.bytes)),
        ("resumable", _resumable(info)),
        ("config", "inside; --config prints it" if info.config else "none"),
    ]
    return _table(str(info.path), rows)


def _units(known: dict[str, Any]) -> str:
    """Those that were given."""
    given = {key: unit for key, unit in known.items() if isinstance(unit, str)} | known.get("variables", {})
    return ", ".join(f"{key} in {unit}" for key, unit in given.items())


def _run_text(info: RunInfo) -> str:
    """A run's folder: how far it came, then its files."""
    reached = "nothing was written" if info.time is None else f"t = {info.time:.6g}"
    goal = "" if info.end is None else f" of {info.end:.6g}"
    rows = [("state", f"{info.state}, {reached}{goal}")]
    if info.state != "finished" and info.newest is not None:
        rows.append(("to go on", f"amrax resume {info.directory} (from {info.newest.path.name})"))
    rows += [("damaged", sentence) for sentence in info.damaged]
    parts = [_table(str(info.directory), rows)]
    parts += [_listing(name, files) for name, files in (("dumps", info.dumps), ("checkpoints", info.checkpoints))]
    return "\n".join(part for part in parts if part)


def _file_record(info: FileInfo) -> dict[str, Any]:
    more = {"ndim": info.ndim, "patches": info.patches, "cell_count": info.cell_count, "fraction": info.fraction}
    return {"kind": "file", **asdict(info), "path": str(info.path), **more}


def _run_record(info: RunInfo) -> dict[str, Any]:
    """A run's folder as JSON can say it; files without the config, which is that of the folder."""
    lists = {name: [_listed(file) for file in getattr(info, name)] for name in ("dumps", "checkpoints")}
    newest = None if info.newest is None else str(info.newest.path)
    own = {key: getattr(info, key) for key in ("state", "time", "end", "damaged", "config", "summary")}
    return {"kind": "run", "directory": str(info.directory), **own, **lists, "newest": newest}


def _listed(file: FileInfo) -> dict[str, Any]:
    return {key: value for key, value in _file_record(file).items() if key not in ("kind", "config", "ranges")}


def _listing(title: str, files: Sequence[FileInfo]) -> str:
    if not files:
        return ""
    rows = [
        (f.path.name, f"{f.time:.6g}", f"{f.step:,}", f"{f.patches:,}", f"{f.cell_count:,}", size(f.bytes))
        for f in files
    ]
    head = (title, "time", "step", "patches", "cells", "size")
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    lines = [
        "  ".join(f"{row[0]:<{widths[0]}}" if n == 0 else f"{row[n]:>{widths[n]}}" for n in range(6))
        for row in (head, *rows)
    ]
    return "\n".join(f"  {line}" for line in lines)


def _variable(info: FileInfo, name: str) -> str:
    kind = "derived variable" if name in info.derived else "variable"
    if info.ranges is None:
        return kind
    low, high = info.ranges[name]
    return f"{low:.6g} to {high:.6g} ({kind})"


def _resumable(info: FileInfo) -> str:
    if info.resumable:
        return "yes, a run can go on from here"
    rounded = info.stored != info.computed
    return "no, the values are rounded" if rounded else "no, the file holds a field alone"


def _times(numbers: Sequence[int]) -> str:
    return " x ".join(map(str, numbers))


def _table(title: str, rows: Sequence[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join([title, *(f"  {name:<{width}}  {text}" for name, text in rows)])
