"""The table of all measurements."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def main(arguments: list[str] | None = None) -> int:
    """Measure and report."""
    given = _parser().parse_args(arguments)
    import jax

    from solvers.run.compiling import enable_compilation_cache

    from . import groups, report

    jax.config.update("jax_enable_x64", True)
    enable_compilation_cache()
    started = time.perf_counter()
    settings = groups.Settings(given.quick, tuple(given.amrex), lambda text: print(text, file=sys.stderr, flush=True))
    try:
        chosen = groups.selected(settings, given.only)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    about = report.machine()
    values: groups.Values = {}
    for group, members in chosen.items():
        values |= groups.values(group, members, settings)
    measures = [measure for group in chosen.values() for measure in group]
    about |= {"repeats": settings.repeats, "seconds": round(time.perf_counter() - started, 1)}
    print(report.table(measures, values))
    print(f"\n{about['processor']}, {about['cores']} cores, load {about['load']}; {about['device']}; {about['commit']}")
    if given.json:
        report.write_json(given.json, values, machine=about)
    if given.docs:
        report.write_docs(DOCS, measures, values, about)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure how fast Amrax is here.")
    parser.add_argument("--quick", action="store_true", help="shorter runs, 3 of each instead of 5")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there")
    parser.add_argument("--docs", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="groups or keys to measure")
    parser.add_argument(
        "--amrex",
        nargs="+",
        default=[],
        type=Path,
        metavar="PATH",
        help="binaries of AMReX's Advection_AmrCore (2d or 3d in the name) to run beside ours",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
