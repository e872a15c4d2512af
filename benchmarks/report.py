"""The table, the JSON file and the page in docs/ that a run of the benchmarks leaves."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

from .measures import Measure

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"
PACKAGES = ("jax", "jaxlib", "numpy", "equinox")

Values = dict[str, float]


def machine() -> dict:
    """Where and with what this runs."""
    import jax

    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "device": jax.devices()[0].device_kind,
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
        "commit": commit(),
    }


def commit() -> str:
    """The commit that is measured, `+` behind it if files differ from it."""
    try:
        name = _git("rev-parse", "--short", "HEAD")
        return name + ("+" if _git("status", "--porcelain", "amr", "solvers") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def table(measures: list[Measure], values: Values) -> str:
    """The numbers for people: ratios first, then speeds."""
    known = [measure for measure in measures if measure.key in values]
    known.sort(key=lambda measure: measure.key.startswith("updates_per_second"))
    rows = [("", "value", "target", "")] + [_row(measure, values[measure.key]) for measure in known]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "\n".join(f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:<{widths[2]}}  {d}".rstrip() for a, b, c, d in rows)


def _row(measure: Measure, value: float) -> tuple[str, str, str, str]:
    target = " ".join((measure.target[0], _number(measure, measure.target[1]))) if measure.target else ""
    verdict = {None: "", True: "reached", False: "missed"}[measure.reached(value)]
    return measure.text, _number(measure, value), target, verdict


def _number(measure: Measure, value: float) -> str:
    return f"{value / 1e6:.3g} M/s" if measure.key.startswith("updates_per_second") else f"{value:.3g}"


def write_json(path: Path, values: Values, **about) -> None:
    """The numbers for programs: a key each, and what else is to be known."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values | about, indent=2) + "\n")


def write_docs(path: Path, measures: list[Measure], values: Values, about: dict) -> None:
    """Put the table between the marks of a Markdown file."""
    rows = [_row(measure, values[measure.key]) for measure in measures if measure.key in values]
    lines = ["| | value | target | |", "|---|---|---|---|", *("| " + " | ".join(row) + " |" for row in rows)]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    note = f"{about['processor']}, {about['cores']} cores, load {about['load']}; {about['device']}; {versions}"
    body = "\n".join(
        [START, "", *lines, "", f"Measured at {about['commit']} on {about['date'][:10]}: {note}.", "", END]
    )
    text = path.read_text()
    if START not in text or END not in text:
        raise ValueError(f"{path} has no {START} .. {END}")
    path.write_text(re.sub(f"{START}.*{END}", lambda _: body, text, flags=re.DOTALL))


def _processor() -> str:
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found.group(1) if found else platform.processor()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
