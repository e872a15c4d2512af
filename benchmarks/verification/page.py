"""The table on the screen, the JSON file and the page in docs/ that a run of the cases leaves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .case import Case, Mark, Result, Row, joined

INTRODUCTION = """# Verification

Problems with known answers, run through the public interface, beside the numbers that others published.

    python -m benchmarks.verification

computes every number of this page and prints them; `--docs` writes the page and its pictures anew.

| | |
|---|---|
| `--only V4,V5` | some cases, by their names in the headings below |
| `--quick` | only cases that take less than about 20 seconds |
| `--json FILE` | write all numbers there; of cases that are not run, those in the file are kept |
| `--docs` | write `docs/verification.md` (of all cases in the file) and `docs/images/verification_*.png` |

The numbers of this page are in `benchmarks/results/`.

Errors are means over the domain, weighted with the volumes of cells (L1), roots of mean squares (RMS) or largest values
(Linf). Several numbers in a cell are those that the heading of the first column names. `CTU` is the one-stage scheme of
second order, everything else is the method of lines with the reconstruction that is named and its default integrator.
A *mark* is what we ask of ourselves, most often the published number.
"""
VERDICTS = {None: "", True: "reached", False: "**missed**"}


@dataclass(frozen=True)
class Found:
    """What is known of a case: its rows, the names of its pictures, and how long it took."""

    case: Case
    rows: list[Row]
    pictures: list[str]
    seconds: float


def table(found: Found) -> str:
    """The numbers of a case for people."""
    lines = [f"{found.case.id}: {found.case.title} ({found.seconds:.0f} s)", f"  {found.case.columns}"]
    cells = [(row.label, joined(row.ours), _others(row), VERDICTS[row.reached].strip("*")) for row in found.rows]
    widths = [max(len(row[i]) for row in cells) for i in range(3)]
    lines += [f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d}".rstrip() for a, b, c, d in cells]
    return "\n".join(lines)


def _others(row: Row) -> str:
    return f"({row.code}: {joined(row.published)})" if row.published else ""


def read_json(path: Path, cases: Sequence[Case]) -> dict[str, Found]:
    """What an earlier run knew of some cases; nothing, if there is no such file."""
    known = json.loads(path.read_text())["cases"] if path.exists() else {}
    return {case.id: _found(case, known[case.id]) for case in cases if case.id in known}


def _found(case: Case, plain: dict) -> Found:
    return Found(case, [_row(row) for row in plain["rows"]], plain["pictures"], plain["seconds"])


def _row(plain: dict) -> Row:
    [(kind, limits)] = plain.get("mark", {"": []}).items()
    mark = Mark(tuple(limits), least=kind == "at_least") if kind else None
    return Row(plain["label"], tuple(plain["ours"]), tuple(plain["published"]), plain["code"], mark)


def write_json(path: Path, everything: list[Found], about: dict) -> None:
    """All numbers for programs."""
    cases = {found.case.id: _plain(found) for found in everything}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cases": cases, "machine": about}, indent=2, ensure_ascii=False) + "\n")


def _plain(found: Found) -> dict:
    case, rows = found.case, [_plain_row(row) for row in found.rows]
    about = {"title": case.title, "columns": case.columns, "seconds": round(found.seconds, 1)}
    return about | {"pictures": found.pictures, "rows": rows}


def _plain_row(row: Row) -> dict:
    plain = {"label": row.label, "ours": list(row.ours), "published": list(row.published), "code": row.code}
    if row.mark is None:
        return plain
    kind = "at_least" if row.mark.least else "at_most"
    return plain | {"mark": {kind: list(row.mark.limits)}, "reached": row.reached}


def draw(folder: Path, result: Result) -> None:
    """The pictures of a case, into the folder of the page."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for name, picture in result.pictures.items():
        picture().savefig(folder / "images" / f"verification_{name}.png", metadata={"Software": None})


def write_docs(folder: Path, everything: list[Found], about: dict) -> None:
    """The page, into a folder such as docs/."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "verification.md").write_text(page(everything, about))


def page(everything: list[Found], about: dict) -> str:
    """The text of the page."""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    minutes = sum(found.seconds for found in everything) / 60
    where = f"{about['processor']}, {about['cores']} cores, load {about['load']}; {versions}"
    when = f"at {about['commit']} on {about['date'][:10]} in {minutes:.0f} minutes"
    note = f"Computed {when}, most of them spent in the compiler: {where}."
    sections = "\n".join(map(section, everything))
    return f"{INTRODUCTION}\n{_marks(everything)}\n{sections}\n{note}\n"


def _marks(everything: list[Found]) -> str:
    """How many marks are reached, and which are not."""
    marked = [(found.case, row) for found in everything for row in found.rows if row.mark is not None]
    missed = [f"{case.id} ({row.label})" for case, row in marked if not row.reached]
    rest = f" Missed: {'; '.join(missed)}." if missed else ""
    return f"{len(marked) - len(missed)} of {len(marked)} marks are reached.{rest}\n"


def section(found: Found) -> str:
    """One case."""
    case, rows = found.case, found.rows
    lines = [f"## {case.id}: {case.title}", "", case.run, "", f"| {case.columns} | ours | published | by | mark | |"]
    lines += ["|---|---|---|---|---|---|", *(f"| {' | '.join(_cells(row))} |" for row in rows), "", case.means, ""]
    lines += [f"![{case.title}](images/verification_{name}.png)\n" for name in found.pictures]
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    limits = "" if row.mark is None else f"{'≥' if row.mark.least else '≤'} {joined(row.mark.limits)}"
    return row.label, joined(row.ours), joined(row.published), row.code, limits, VERDICTS[row.reached]
