import gc
import os
import pathlib

import jax
import pytest
from hypothesis import HealthCheck, Phase, settings

# Tests compile for most of their time. Without optimization that takes half as long, and by the older emitters of XLA's
# CPU backend half of that; and what one worker, or an earlier run, has compiled serves the others. Processes that tests
# start inherit both. See CONTRIBUTING.md, "Keep the pace".
if "AMRAX_TESTS_OPTIMIZED" not in os.environ:
    flags = [os.environ.get("XLA_FLAGS", ""), "--xla_backend_optimization_level=0"]
    if jax.__version_info__ < (0, 11):  # one that XLA does not know would end the process
        flags.append("--xla_cpu_use_fusion_emitters=false")
    os.environ["XLA_FLAGS"] = " ".join(flags).strip()
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "amrax" / "tests"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
jax.config.update("jax_enable_x64", True)

pytest_plugins = ["pace"]
LOOKED = [0]  # how many programs there were when the mappings were last counted

# Modules whose tests run code as users write it, which may mix dtypes freely.
FREE = {"test_cli", "test_config", "test_expression", "test_io", "test_plot", "test_benchmarks", "test_resume"}


# The first example of a test compiles, so times say nothing about the later ones.
settings.register_profile(
    "amrax",
    deadline=None,
    max_examples=10,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
settings.register_profile("amrax-ci", settings.get_profile("amrax"), derandomize=True)
settings.load_profile("amrax-ci" if "CI" in os.environ else "amrax")


def pytest_configure(config):
    # With --jaxtyping-packages, beartype picks at random which items of a list it checks.
    message = "ignore:Do not use the `random` module inside strategies"
    config.addinivalue_line("filterwarnings", f"{message}:hypothesis.errors.HypothesisDeprecationWarning")


def forget_programs():
    from solvers.run.programs import PROGRAMS  # not before jaxtyping has put its hook on our packages

    PROGRAMS.forget()


@pytest.fixture(autouse=True)
def few_mappings(request):
    """Programs that were compiled for other tests are dropped before they use up the mappings of a process (65530
    on Linux): with these gone, LLVM aborts."""
    yield
    programs = request.config.pluginmanager.get_plugin("pace").programs()
    if programs < LOOKED[0] + 100:  # to read the list of mappings takes longer than most tests
        return
    LOOKED[0] = programs
    maps = pathlib.Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > 30_000:
        forget_programs()
        jax.clear_caches()
        gc.collect()


@pytest.fixture
def compiled():
    """The programs that XLA compiles, by JAX's own count; one entry each."""
    seen = []

    def listen(event, duration, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            seen.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield seen
    jax.monitoring.unregister_event_duration_listener(listen)  # not those of others


@pytest.fixture
def no_programs():
    """As in a new process: no program is left of an earlier run, nor one for a later one of what a test has changed."""
    forget_programs()
    yield
    forget_programs()


@pytest.fixture(autouse=True)
def changed_by_hand(request):
    """Programs do not know that a test replaces a part of the library."""
    if "monkeypatch" in request.fixturenames:
        request.getfixturevalue("no_programs")


@pytest.fixture(autouse=True)
def strict_promotion(request):
    """No silent change of dtype in our own code."""
    rule = "standard" if request.module.__name__ in FREE else "strict"
    with jax.numpy_dtype_promotion(rule):
        yield
