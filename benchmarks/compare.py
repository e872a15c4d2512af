"""What a change does to the speed: the same runs with this checkout and with another commit, by turns.

`python -m benchmarks.compare COMMIT` checks COMMIT out beside this one for as long as it takes. Both get the cases of
this checkout's benchmarks. They must run there: a commit that knows less can be compared with `--only`.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .measures import Costs, interleaved

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ("pool_16", "adv2d_1", "adv2d_2", "adv2d_3", "adv3d_1", "gas2d", "gas2d_2")


class Worker:
    """A process that runs cases with the code of one folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        command = [sys.executable, "-m", "benchmarks.worker"]
        # The folder comes first in the process's path, before any installed Amrax.
        self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def cost(self, case: str) -> float:
        """Nanoseconds for each cell update."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(case + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{case} does not run in {self.folder}: see above")
        return float(answer)

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


@contextlib.contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A folder with that commit's code and this checkout's benchmarks."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(tree), commit], cwd=ROOT, check=True)
        try:
            shutil.rmtree(tree / "benchmarks", ignore_errors=True)
            shutil.copytree(ROOT / "benchmarks", tree / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
            yield tree
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)


def compare(there: Path, here: Path, names: list[str], repeats: int) -> dict[str, tuple[float, float, float]]:
    """For each case, medians of the costs there and here, and of the ratios of runs that followed one another."""
    workers = {"there": Worker(there), "here": Worker(here)}
    try:
        return {name: _medians(_taking_turns(workers, name, repeats)) for name in names}
    finally:
        for worker in workers.values():
            worker.close()


def _taking_turns(workers: dict[str, Worker], name: str, repeats: int) -> Costs:
    runs = {place: functools.partial(worker.cost, name) for place, worker in workers.items()}
    interleaved(runs, 1, lambda text: print(name, text, "compiling", file=sys.stderr, flush=True))
    return interleaved(runs, repeats, lambda text: print(name, text, file=sys.stderr, flush=True))


def _medians(costs: Costs) -> tuple[float, float, float]:
    there, here = costs["there"], costs["here"]
    faster = statistics.median(a / b for a, b in zip(there, here, strict=True))
    return statistics.median(there), statistics.median(here), faster


def main(arguments: list[str] | None = None) -> int:
    """Print how much faster this checkout is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--only", nargs="+", default=list(DEFAULT), metavar="CASE", help="cases of benchmarks/cases.py")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args(arguments)
    with checked_out(given.commit) as there:
        found = compare(there, ROOT, given.only, given.repeats)
    print(f"{'':<20}{'faster by':>10}{given.commit[:12] + ' ns':>18}{'here ns':>10}")
    for name, (before, after, faster) in found.items():
        print(f"{name:<20}{faster:>10.3f}{before:>18.2f}{after:>10.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
