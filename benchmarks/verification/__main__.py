"""Run the cases and report."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


def main(arguments: list[str] | None = None) -> int:
    """Run and report. The status says whether all cases ran, not whether all marks were reached."""
    given = _parser().parse_args(arguments)
    import jax

    from benchmarks.report import machine
    from solvers.run.compiling import enable_compilation_cache

    from . import catalogue, page

    jax.config.update("jax_enable_x64", True)
    enable_compilation_cache()
    try:
        chosen = catalogue.selected([name for names in given.only for name in names.split(",")], given.quick)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    about = machine()
    known = page.read_json(given.json, catalogue.CASES) if given.json else {}
    for case in chosen:
        started = time.perf_counter()
        result = case.solve()
        known[case.id] = page.Found(case, result.rows, list(result.pictures), time.perf_counter() - started)
        print(page.table(known[case.id]), end="\n\n", flush=True)
        # After each case, so that nothing is lost if a later one fails.
        everything = [known[case.id] for case in catalogue.CASES if case.id in known]
        if given.json:
            page.write_json(given.json, everything, about)
        if given.docs:
            page.draw(given.docs, result)
            page.write_docs(given.docs, everything, about)
        # The programs of all cases together use up the mappings of a process (65530 on Linux), and LLVM aborts.
        jax.clear_caches()
    return 0


def _parser() -> argparse.ArgumentParser:
    about = "Run problems with known answers and compare with published numbers."
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verification", description=about)
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="cases to run, as V4,V5 or V4 V5")
    parser.add_argument("--quick", action="store_true", help="only cases that take less than about 20 seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the numbers to this file")
    parser.add_argument(
        "--docs", type=Path, nargs="?", const=DOCS, metavar="FOLDER", help="write the page and its pictures (docs/)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
