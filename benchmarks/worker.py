"""Runs cases on demand, for `benchmarks.compare`: names come in by lines, costs in nanoseconds a cell update go out."""

from __future__ import annotations

import sys


def main() -> None:
    """Answer until the input ends."""
    import jax

    from solvers.run.compiling import enable_compilation_cache

    jax.config.update("jax_enable_x64", True)
    enable_compilation_cache()
    from .cases import cases

    known = cases(quick=True)
    for line in sys.stdin:
        print(known[line.strip()].cost(), flush=True)


if __name__ == "__main__":
    main()
