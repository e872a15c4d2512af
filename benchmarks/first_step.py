"""How long it takes from the launch of a process to the first step of a run, and how much of it is compiling.

`python -m benchmarks.first_step NDIM LAUNCHED` with the time of the launch in seconds since 1970. Compiled programs are
kept in AMRAX_CACHE_DIR. Prints JSON.
"""

from __future__ import annotations

import json
import sys
import time


def measure(ndim: int, launched: float) -> dict[str, float]:
    """`compile`: seconds that compiling took; `first_step`: seconds from the launch to the end of the first step."""
    import jax

    from solvers.run.compiling import enable_compilation_cache

    jax.config.update("jax_enable_x64", True)
    enable_compilation_cache()
    from .cases import bump, cases, simulation

    case = cases(quick=True)["adv2d_2" if ndim == 2 else "adv3d_1"]
    stepped: list[float] = []

    def note(progress) -> None:
        if progress.step > 0:
            stepped.append(time.time() - launched)

    solution = simulation(case).run(bump, 1e-6, progress=note)  # one step
    return {"compile": solution.summary.compile_seconds, "first_step": stepped[0]}


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), float(sys.argv[2]))))
