"""What compiled programs need: memory, and seconds to be compiled, in processes of their own."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp

from solvers.run import loop
from solvers.run.clock import Instant

from .cases import Pool, bump, simulation
from .measures import Measure

ROOT = Path(__file__).resolve().parent.parent

# Meshes where memory matters. What a sweep computes on the way comes on top, and is all the more of a small pool.
MEMORY_CASES = {
    "memory_over_pool_2d": Pool(1024, 16, 1),
    "memory_over_pool_3d": Pool(128, 16, 1, ndim=3),
    "memory_over_pool_small": Pool(64, 16, 2),
}
MEMORY = (
    Measure("memory_over_pool_2d", "peak memory / bytes of the pool, 1024^2 cells +1", ("<=", 10.0)),
    Measure("memory_over_pool_3d", "peak memory / bytes of the pool, 128^3 cells +1", ("<=", 10.0)),
    Measure("memory_over_pool_small", "peak memory / bytes of the pool, ADV2D +2 (one sweep)"),
)
COMPILE = (
    Measure("compile_cold_2d", "seconds to compile, nothing cached, ADV2D +2", ("<=", 10.0)),
    Measure("compile_cold_3d", "seconds to compile, nothing cached, ADV3D +1", ("<=", 25.0)),
    Measure("compile_warm_2d", "seconds from launch to first step, cached, ADV2D +2", ("<=", 3.0)),
)


def memory_over_pool(case: Pool) -> float:
    """Peak memory of the run loop over the bytes of the data, from what XLA plans to allocate."""
    run = simulation(case)
    state = run.run(bump, 1e-6).state
    end, rounds = Instant.put(case.t_end, state.u.dtype), jnp.asarray(1, jnp.int32)
    program = jax.jit(lambda state, end, rounds: loop.advance(run.setup, state, end, rounds))
    plan = program.lower(state, end, rounds).compile().memory_analysis()
    assert plan is not None
    total = plan.argument_size_in_bytes + plan.output_size_in_bytes + plan.temp_size_in_bytes
    return total / state.u.nbytes


def compile_seconds(names: set[str], repeats: int) -> dict[str, float]:
    """Values of those of `COMPILE` that are named."""
    values = {}
    if names & {"compile_cold_2d", "compile_warm_2d"}:
        cold, warm = zip(*(_cold_and_warm(2) for _ in range(repeats)), strict=True)
        values["compile_cold_2d"] = statistics.median(run["compile"] for run in cold)
        values["compile_warm_2d"] = statistics.median(run["first_step"] for run in warm)
    if "compile_cold_3d" in names:
        values["compile_cold_3d"] = statistics.median(_cold(3)["compile"] for _ in range(repeats))
    return {key: value for key, value in values.items() if key in names}


def _cold_and_warm(ndim: int) -> tuple[dict, dict]:
    with tempfile.TemporaryDirectory() as cache:
        return first_step(ndim, cache), first_step(ndim, cache)


def _cold(ndim: int) -> dict:
    with tempfile.TemporaryDirectory() as cache:
        return first_step(ndim, cache)


def first_step(ndim: int, cache: str) -> dict[str, float]:
    """What `benchmarks.first_step` tells, with compiled programs kept in the folder `cache`."""
    command = [sys.executable, "-m", "benchmarks.first_step", str(ndim), repr(time.time())]
    environment = os.environ | {"AMRAX_CACHE_DIR": cache}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
