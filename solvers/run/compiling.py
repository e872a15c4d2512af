"""Compiling programs ahead of time, with the options that suit them."""

import os
from collections.abc import Callable

import jax

# Loops over lanes are long enough for the widest vectors of a processor, which XLA does not use by itself:
# measured 1.4 times as fast with AVX-512; without effect where vectors are shorter.
CPU_OPTIONS: dict[str, str | bool] = {"xla_cpu_prefer_vector_width": "512"}


def compiled(function, *arguments) -> Callable:
    """The compiled program of a jitted function for some arguments, or of one that was traced with them."""
    lowered = function.lower(*arguments)
    if jax.default_backend() == "cpu":
        try:
            return lowered.compile(compiler_options=CPU_OPTIONS)
        except jax.errors.JaxRuntimeError as error:
            if "option" not in str(error):
                raise
    return lowered.compile()


def enable_compilation_cache() -> None:
    """Let JAX keep compiled programs between runs, in AMRAX_CACHE_DIR (default ~/.cache/amrax/jax; empty: do not).

    The command line does so by itself. In a script or notebook call it before the first run; what is computed by a
    function of the same text in another session comes from the cache then.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    directory = os.environ.get("AMRAX_CACHE_DIR", os.path.join(home, "amrax", "jax"))
    if not directory:
        return
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError:
        return  # it only saves time
    jax.config.update("jax_compilation_cache_dir", directory)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
