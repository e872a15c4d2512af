"""Programs have a budget of operations: a run of a fifth of a second should not compile for long.

What is counted are the equations of jaxprs, those within others included. That needs no compilation. Numbers of
operations grow in small steps that nobody notices; whoever needs more has to say so here.
"""

import dataclasses
import functools
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp

import solvers
from amr.grid.pool import room_for
from amr.mesh.forest import root_forest
from benchmarks.cases import bump, cases, simulation
from solvers.config.build import load
from solvers.records.record import Collection
from solvers.run import driver, loop
from solvers.run.clock import Instant
from solvers.run.soundness import sound

ROOT = Path(__file__).parents[2]
ADVANCE, REST = 2400, 1200  # of the README's command
IN_3D = 1.6  # times as many


def inner(equation):
    """The jaxprs within an equation."""
    for value in equation.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            part = getattr(part, "jaxpr", part)
            if hasattr(part, "eqns"):
                yield part


def equations(jaxpr) -> int:
    return sum(1 + sum(map(equations, inner(equation))) for equation in jaxpr.eqns)


def count(function, *arguments) -> int:
    return equations(jax.make_jaxpr(function)(*arguments).jaxpr)


def number(sim, value):
    return jnp.asarray(value, sim.dtype)


def counts(sim, initial, exact=None, capacity=128, recorder=None, t_end=2.0) -> tuple[int, int]:
    """Equations of the run loop, and of the other programs of a run."""
    layout = room_for(sim.mesh, capacity, sim.dtype)
    forest = root_forest(sim.mesh, layout.capacity)
    begin = functools.partial(loop.begin, sim.setup, initial)
    state = jax.eval_shape(lambda f, a, b: begin(f, layout, a, b), forest, number(sim, 0), number(sim, t_end))
    state = jax.tree.map(lambda array: jnp.zeros(array.shape, array.dtype), state)
    recorder = None if recorder is None else recorder(state)
    run = count(
        lambda state, stop, most, alone: loop.advance(sim.setup, state, stop, most, recorder, alone),
        state, Instant.put(t_end, jnp.dtype(sim.dtype)), jnp.int32(2), jnp.zeros((), bool),
    )  # fmt: skip
    rest = count(lambda f, a, b: begin(f, layout, a, b), forest, number(sim, 0), number(sim, t_end))
    rest += count(lambda state: sound(sim.setup, state), state)
    if exact is not None:
        rest += count(lambda state: driver._norms_of_error(sim.setup, state, exact), state)
    return run, rest


def test_the_command_of_the_readme():
    case = load(ROOT / "configs" / "advection_swirl_2d.toml", [])
    run, rest = counts(case.simulation, case.initial, case.exact)
    assert run <= ADVANCE
    assert rest <= REST


def test_three_dimensions():
    run, rest = counts(simulation(cases(True)["adv3d_1"]), bump)
    assert run <= IN_3D * ADVANCE
    assert rest <= IN_3D * REST


def test_no_growth_with_levels_steps_or_patches():
    case = cases(True)["adv2d_2"]
    base = counts(simulation(case), bump, capacity=1024)
    assert counts(simulation(dataclasses.replace(case, levels=4)), bump, capacity=1024) == base
    assert counts(simulation(case), bump, capacity=100_000, t_end=1e6) == base
    # A pool of one sweep needs fewer: some of its loops over sweeps fall away.
    run, rest = counts(simulation(case), bump, capacity=64)
    assert run <= base[0]
    assert rest <= base[1]


def test_what_is_off_adds_nothing():
    """Records are in the program of runs that have them, levels in that of meshes with levels, regridding in that of
    meshes that follow something."""
    case = cases(True)["adv2d_2"]
    sim = simulation(case)
    base = counts(sim, bump)
    recording = Collection({"all": solvers.Record(solvers.Integrals())}).recording(sim.setup)
    with_rows = counts(sim, bump, recorder=lambda state: recording.recorder(state.u.dtype, 0, 2.0))
    assert with_rows[0] > base[0]
    assert with_rows[1] == base[1]
    flat = counts(simulation(dataclasses.replace(case, levels=0)), bump)[0]
    still = solvers.Simulation(sim.mesh, sim.setup.equation, dtype=sim.dtype)
    assert flat < counts(still, bump)[0] < base[0]


def test_the_number_of_programs(tmp_path):
    """All that the README's command compiles, by JAX's own count."""
    script = (
        "import jax, jax.monitoring as m, collections\n"
        "n = collections.Counter()\n"
        "m.register_event_duration_secs_listener(lambda event, *_, **__: n.update([event.rsplit('/', 1)[-1]]))\n"
        "from solvers.command.cli import main\n"
        f"main(['run', {str(ROOT / 'configs' / 'advection_swirl_2d.toml')!r}, 'time.end=0.1'], standalone_mode=False)\n"
        "print('programs:', n['backend_compile_duration'])\n"
    )
    environment = {**os.environ, "AMRAX_CACHE_DIR": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    programs = int(done.stdout.rsplit("programs:", 1)[-1])
    assert 2 <= programs <= 40
