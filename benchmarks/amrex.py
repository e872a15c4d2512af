"""AMReX's tutorial code Advection_AmrCore, run on two ranks beside our own runs when a path to its binary is given.

Its settings are given on the command line: no subcycling (as here), reflux, boxes of 32 cells, the same tags. Boxes of
32 are its best ones here (shared/PEERS.md).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

RANKS = 2


@dataclass(frozen=True)
class Amrex:
    """ADV2D or ADV3D by AMReX; which of the two the binary can do is told by `2d` or `3d` in its name."""

    binary: Path
    levels: int
    t_end: float = 2.0

    def cost(self) -> float:
        """Nanoseconds for each cell update, of the whole run but for the start of the program."""
        with tempfile.TemporaryDirectory() as folder:
            empty = self._seconds(folder, 0)[0]
            seconds, output = self._seconds(folder, 100_000)
        updates = sum(int(cells) for cells in re.findall(r"Advanced (\d+) cells", output))
        if not updates:
            raise RuntimeError(f"{self.binary} told of no cells that it advanced:\n{output[-2000:]}")
        return 1e9 * max(seconds - empty, 1e-9) / updates

    def _seconds(self, folder: str, steps: int) -> tuple[float, str]:
        launcher = shutil.which("mpiexec") or shutil.which("mpirun")
        ranks = [launcher, "-n", str(RANKS)] if launcher else []
        started = time.perf_counter()
        done = subprocess.run(
            [*ranks, str(self.binary.resolve()), *self._settings(), f"max_step={steps}"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        return time.perf_counter() - started, done.stdout

    def _settings(self) -> list[str]:
        ndim = dimension(self.binary)

        def each(value) -> str:
            return " ".join([str(value)] * ndim)

        return [
            f"stop_time={self.t_end}",
            f"geometry.prob_lo={each(0.0)}",
            f"geometry.prob_hi={each(1.0)}",
            f"geometry.is_periodic={each(1)}",
            f"amr.n_cell={each(64)}",
            f"amr.max_level={self.levels}",
            "amr.ref_ratio=2 2 2 2",
            "amr.blocking_factor=8",
            "amr.max_grid_size=32",
            "amr.regrid_int=2",
            "amr.v=1",
            "amr.plot_int=-1",
            "amr.chk_int=-1",
            "adv.cfl=0.7",
            "adv.do_reflux=1",
            "adv.do_subcycle=0",
            "adv.phierr=1.01 1.1 1.5",
        ]


def dimension(binary: Path) -> int:
    """2 or 3."""
    return 3 if "3d" in binary.name.lower() else 2
