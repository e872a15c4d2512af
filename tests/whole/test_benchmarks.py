"""That the benchmarks run and say what they should. Nothing here looks at a time."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from problems import bump, swirl_simulation

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))  # the benchmarks are not installed

from benchmarks import amrex, cases, compare, diffusion, groups, measures, parts, programs, report, uniform  # noqa: E402

KEYS = [
    "pool_over_uniform_16",
    "pool_over_uniform_32",
    "amr_over_pool_cell_cost",
    "updates_per_second_adv2d_1",
    "updates_per_second_adv2d_2",
    "updates_per_second_adv2d_3",
    "updates_per_second_adv3d_1",
    "patch8_over_patch32_cell_cost",
    "loose_over_tight_capacity",
    "regrid_over_step",
    "float32_speedup",
    "memory_over_pool_2d",
    "memory_over_pool_3d",
    "compile_cold_2d",
    "compile_cold_3d",
    "compile_warm_2d",
    "cycle_512",
    "stabilized_over_explicit",
]

TINY = cases.Pool(32, 8, 1, t_end=0.05)


def settings(**changes):
    return groups.Settings(**{"quick": True, "amrex": (), "say": lambda text: None} | changes)


def test_the_rival_computes_what_the_pool_computes():
    solution = swirl_simulation(32, 8, 0).run(bump, 0.4)
    rival = uniform.run(32, 0.4)
    assert rival.steps == solution.summary.steps
    assert np.abs(np.asarray(rival.field) - solution.field.uniform()).max() <= 1e-12
    single = uniform.run(32, 0.4, "float32")
    assert single.field.dtype == jnp.float32
    assert np.abs(np.asarray(single.field) - solution.field.uniform()).max() <= 1e-5


def test_every_promised_number_is_measured():
    known = {measure.key for group in groups.all_measures(settings()).values() for measure in group}
    assert set(KEYS) <= known
    needed = {name for group in measures.SPEEDS.values() for measure in group for name in measure.needs}
    assert needed <= set(cases.cases(quick=False))
    with pytest.raises(ValueError, match=r"nothing here is called typo; there are .*adv2d"):
        groups.selected(settings(), ["typo"])
    assert [*groups.selected(settings(), ["float32_speedup", "memory"])] == ["uniform", "memory"]


def test_ratios_are_taken_of_runs_that_took_turns():
    order = []

    def run(name, costs):
        return lambda: order.append(name) or costs.pop(0)

    costs = measures.interleaved({"a": run("a", [4.0, 9.0, 2.0]), "b": run("b", [2.0, 3.0, 2.0])}, 3, lambda text: None)
    assert order == ["a", "b"] * 3
    ratio = measures.Ratio("r", "a / b", ("<=", 1.5), top="a", bottom="b")
    assert ratio.value(costs) == 2.0
    assert ratio.reached(2.0) is False
    assert measures.Speed("s", "a", case="a").value(costs) == 1e9 / 4


def test_cases_run(monkeypatch):
    assert TINY.cost() > 0
    assert cases.Uniform(32, 0.4).cost() > 0
    monkeypatch.setattr(cases.Pool, "cost", lambda case: case.capacity)
    assert cases.Room(TINY, 2).cost() == 2 * cases.Room(TINY, 1).cost() == 2 * cases.tight_capacity(TINY)
    flow = cases.swirl(3).function(*jnp.meshgrid(*[jnp.linspace(0, 1, 3)] * 3, indexing="ij"))
    assert [component.shape for component in flow] == [(3, 3, 3)] * 3


@pytest.mark.slow
def test_parts_and_memory():
    found = parts.measure(TINY, 0.02, 1)
    assert set(found) == {measure.key for measure in parts.MEASURES}
    assert all(np.isfinite(value) for value in found.values())
    assert programs.memory_over_pool(cases.Pool(16, 8, t_end=0.05)) > 1


@pytest.mark.slow
def test_costs_of_diffusion(monkeypatch):
    assert np.isfinite(diffusion.Poisson(16, 1, patch=4).cost()())
    monkeypatch.setattr(diffusion, "CELLS", 64)
    found = diffusion.beside_explicit(1)
    assert found["stabilized_over_explicit"] > 0
    assert np.isfinite(found["stabilized_error"])
    assert set(found) <= {measure.key for measure in diffusion.MEASURES}


def test_table_and_files(tmp_path):
    chosen = [*measures.SPEEDS["uniform"], *parts.MEASURES]
    values = {"updates_per_second_pool_16": 5e7, "pool_over_uniform_16": 0.8, "regrid_over_step": 4.0}
    lines = report.table(chosen, values).splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["reached", "missed", "M/s"]
    about = report.machine()
    report.write_json(tmp_path / "new" / "result.json", values, machine=about)
    assert json.loads((tmp_path / "new" / "result.json").read_text()) == values | {"machine": about}
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.START}\nold\n{report.END}\nafter\n")
    report.write_docs(page, chosen, values, about)
    text = page.read_text()
    assert "old" not in text
    assert re.match(rf"before\n{report.START}.*\\| 0.8 \\|.*{report.END}\nafter\n", text, re.DOTALL)


def test_amrex_is_told_what_to_run_and_understood(tmp_path):
    binary = tmp_path / "main2d.sh"
    binary.write_text('#!/bin/sh\necho "$@" >> ../told\necho "[Level 0 step 1] Advanced 4096 cells"\n')
    binary.chmod(0o755)
    assert amrex.Amrex(binary, 2).cost() > 0
    assert groups.all_measures(settings(amrex=(binary,)))["amrex"][0].key == "adv2d_1_over_amrex"
    assert amrex.dimension(Path("main3d.gnu.MPI.ex")) == 3


def test_commits_are_compared():
    found = compare._medians({"there": [4.0, 6.0, 8.0], "here": [2.0, 2.0, 2.0]})
    assert found == (6.0, 2.0, 3.0)


def test_command_line(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "nonsense"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "nothing here is called nonsense" in done.stderr
