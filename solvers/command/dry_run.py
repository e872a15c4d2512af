"""What a run would need and do, found out without running it: the first mesh is made and the run loop compiled."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from solvers.config import Case
from solvers.run import Run, State, Wishes

from .info_text import size

FILE_OVERHEAD = 60_000  # bytes of a dump that do not depend on its cells
CGROUP = Path("/sys/fs/cgroup/memory.max")  # a container's share of the machine


@dataclass(frozen=True)
class DryRun:
    """What is known of a run before it begins. `print(dry_run(case))` shows it.

    **Attributes:**

    - `levels`: patches of each level of the first mesh; `cells_per_patch`; `capacity`: patches in the pool.
    - `full`: patches if the finest level were everywhere.
    - `state_bytes`, `peak_bytes`: memory of the state, and of the run loop with all that it needs at once.
    - `machine_bytes`: memory of the device, where it is known.
    - `first_step`, `end`: the first time step and the end of the run.
    - `dumps`, `dump_bytes`: how many files there will be, and the size of one with the first mesh, uncompressed.
    - `compile_seconds`: what it took to compile the programs, or to find them in the cache.
    - `most`: steps that `time.max_steps` allows.
    """

    levels: tuple[int, ...]
    cells_per_patch: int
    capacity: int
    full: int
    state_bytes: int
    peak_bytes: int
    machine_bytes: int | None
    first_step: float
    end: float
    dumps: int
    dump_bytes: int
    compile_seconds: float
    most: int | None = None

    @property
    def patches(self) -> int:
        """Patches of the first mesh."""
        return sum(self.levels)

    @property
    def steps(self) -> int:
        """About how many steps there will be: as many as the first one fits into the run."""
        return _steps(self.end, self.first_step)

    @property
    def full_bytes(self) -> int:
        """About how much memory it would take if the finest level were everywhere."""
        return round(self.peak_bytes * max(1.0, self.full / self.capacity))

    @property
    def warning(self) -> str | None:
        """A sentence if the machine has too little memory."""
        if self.machine_bytes is None or self.peak_bytes <= self.machine_bytes:
            return None
        found = f"the run loop needs {size(self.peak_bytes)}, this machine has {size(self.machine_bytes)}"
        return f"{found}; try fewer root cells, fewer levels, higher thresholds or scheme.precision=float32"

    def __str__(self) -> str:
        levels = ", ".join(f"{count:,} of level {level}" for level, count in enumerate(self.levels) if count)
        machine = "" if self.machine_bytes is None else f"; this machine has {size(self.machine_bytes)}"
        all_of_them = self.full <= self.capacity
        grows = ", for all there can be" if all_of_them else f"; it grows if need be, to {self.full:,} at most"
        ends = f", of which time.max_steps allows {self.most:,}" if self.most and self.most < self.steps else ""
        rows = {
            "mesh": f"at first {self.patches:,} patches ({levels}), {self.patches * self.cells_per_patch:,} cells",
            "pool": f"room for {self.capacity:,} patches{grows}",
            "memory": f"state {size(self.state_bytes)}, run loop {size(self.peak_bytes)}{machine}",
            "at most": f"about {size(self.full_bytes)}, if the finest level were everywhere",
            "steps": f"the first {self.first_step:.4g}; {self.steps:,} such steps to t = {self.end:g}{ends}",
            "dumps": f"{self.dumps:,} of up to {size(self.dump_bytes)} each with a mesh like that",
            "compiled": f"in {self.compile_seconds:.1f} s",
        }
        return "\n".join(f"  {name:<8}  {text}" for name, text in rows.items())


def dry_run(case: Case) -> DryRun:
    """Make the first mesh of a case and compile its run loop. Nothing is written.

    Raises `RunError` where the initial condition is not finite.
    """
    config, mesh = case.config, case.simulation.mesh
    wishes = Wishes(recording=case.recording(lambda name, rows: None))
    run = case.simulation.prepared(0.0, config.time.end, wishes)
    state = run.first_state(case.initial)
    with run.nothing_lost(state):
        run.check_sound(state, "at the start: the initial condition")
    count = int(state.forest.count)
    levels = np.bincount(np.asarray(state.forest.level)[:count])
    first_step = min(float(state.clock.dt), config.time.end)
    every = config.output.every_steps
    by_steps = 0 if every is None else (_steps(config.time.end, first_step) - 1) // every
    return DryRun(
        levels=tuple(levels.tolist()),
        cells_per_patch=mesh.cells_per_patch,
        capacity=state.capacity,
        full=mesh.root_count * mesh.children**mesh.max_level,
        state_bytes=_bytes(state),
        peak_bytes=_peak(run, state),
        machine_bytes=machine_memory(),
        first_step=first_step,
        end=config.time.end,
        dumps=2 + len(case.output_times) + by_steps,
        dump_bytes=_dump_bytes(case, count * mesh.cells_per_patch),
        compile_seconds=run.account.compile_seconds,
        most=config.time.max_steps,
    )


def _steps(end: float, step: float) -> int:
    return max(1, round(end / step))


def machine_memory() -> int | None:
    """Bytes of the device's memory, or of the machine's (or container's), if the device is a processor."""
    stats = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    try:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):  # not on this system
        return None
    return min(whole, _limit_of_container() or whole)


def _limit_of_container() -> int | None:
    try:
        return int(CGROUP.read_text())
    except (OSError, ValueError):  # none, or "max"
        return None


def _peak(run: Run, state: State) -> int:
    """Memory of the run loop: what goes in, what comes out, and what it needs in between."""
    used = run.run_loop(run.arguments(state, run.end, 1)).program.run.memory_analysis()  # type: ignore[attr-defined]
    parts: Sequence[int] = (used.argument_size_in_bytes, used.output_size_in_bytes, used.temp_size_in_bytes)
    return sum(parts) - used.alias_size_in_bytes


def _bytes(state: State) -> int:
    return sum(leaf.nbytes for leaf in jax.tree.leaves(state))


def _dump_bytes(case: Case, cells: int) -> int:
    """Of the variables, which are most of it; how well they can be compressed is not known."""
    output = case.config.output
    precision = output.precision or case.config.scheme.precision
    variables = len(case.simulation.setup.equation.names) + len(output.derived)
    return FILE_OVERHEAD + cells * variables * np.dtype(precision).itemsize
