"""That the verification command runs, keeps to its list of problems, and writes its files. Marks are for the page."""

import json
import math
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import amr
import solvers

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))  # the benchmarks are not installed

from benchmarks import cycles  # noqa: E402
from benchmarks.verification import (  # noqa: E402
    __main__ as command,
    carried,
    catalogue,
    diffusion,
    lab,
    page,
    pictures,
    poisson,
    problems,
)
from benchmarks.verification.case import Case, Mark, Result, Row, at_least, at_most, case, joined, short  # noqa: E402

LISTED = {"V1", "V2", "ADV3D", "V3", "V4", "V5", "V7", "V8", "V11", "V12", "V14", "V15", "V16", "V19", "V21"}
NAMED = {"orders-1d", "orders-3d", "vortex", "lake", "constants", "heat", "advection-diffusion"}


@pytest.fixture(autouse=True)
def free_promotion():
    """The cases are written as users write, who may mix dtypes."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def test_every_problem_of_the_list_has_a_case():
    ids = [each.id for each in catalogue.CASES]
    assert len(ids) == len(set(ids))
    assert set(ids) >= LISTED | NAMED
    for each in catalogue.CASES:
        assert isinstance(each, Case)
        assert all((each.title, each.run, each.columns, each.means))


def test_cases_are_chosen_by_their_ids():
    assert [each.id for each in catalogue.selected(["V12", "V4"], quick=False)] == ["V4", "V12"]
    quick = catalogue.selected([], quick=True)
    assert 0 < len(quick) < len(catalogue.CASES)
    with pytest.raises(ValueError, match=r"nothing here is called V99; there are V1, .*constants"):
        catalogue.selected(["V99"], quick=False)


@pytest.mark.slow
def test_two_quick_cases_by_the_command(tmp_path):
    file = tmp_path / "new" / "numbers.json"
    arguments = ["--only", "V12,lake", "--quick", "--json", str(file), "--docs", str(tmp_path / "docs")]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.verification", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "V12: The fourth power of a sine" in done.stdout
    cases = json.loads(file.read_text())["cases"]
    assert set(cases) == {"V12", "lake"}
    rows = [row for found in cases.values() for row in found["rows"]]
    assert all(math.isfinite(number) for row in rows for number in row["ours"])
    assert all(row["reached"] for row in rows if "mark" in row)
    text = (tmp_path / "docs" / "verification.md").read_text()
    assert "## V12: The fourth power of a sine" in text
    assert "4 of 4 marks are reached." in text


def test_an_unknown_case_is_refused(capsys):
    assert command.main(["--only", "V99"]) == 2
    assert "nothing here is called V99" in capsys.readouterr().err


def sample() -> Case:
    @case("S", "A sample", run="Nothing.", columns="error with 1 / 2 cells", means="Nothing.", quick=True)
    def solve():
        def draw():
            return pictures.convergence((1, 2), {"ours": (2e-3, 1e-3)}, {"theirs": (3e-3, 2e-3)}, "sample")

        rows = [
            Row("error", (2e-3, 1e-3), (3e-3, 2e-3), "Theirs", at_most(1.5e-3)),
            Row("order", (1.0,), mark=at_least(2.0)),
        ]
        return Result(rows, {"sample": draw})

    return solve


ABOUT = {
    "versions": {"jax": "1"},
    "commit": "abc",
    "date": "2026-01-01T00:00:00",
    "processor": "none",
    "cores": 1,
    "load": 0,
}


def test_the_page_says_what_was_found(tmp_path):
    made, result = sample(), sample().solve()
    found = page.Found(made, result.rows, list(result.pictures), 1.0)
    page.write_json(tmp_path / "numbers.json", [found], ABOUT)
    assert page.read_json(tmp_path / "numbers.json", [made]) == {"S": found}
    assert page.read_json(tmp_path / "none.json", [made]) == {}
    page.draw(tmp_path, result)
    page.write_docs(tmp_path, [found], ABOUT)
    text = (tmp_path / "verification.md").read_text()
    assert "| error | 2.00e-3 / 1.00e-3 | 3.00e-3 / 2.00e-3 | Theirs | ≤ 1.50e-3 | reached |" in text
    assert "| order | 1 |  |  | ≥ 2 | **missed** |" in text
    assert "1 of 2 marks are reached. Missed: S (order)." in text
    assert "(images/verification_sample.png)" in text
    picture = (tmp_path / "images" / "verification_sample.png").read_bytes()
    page.draw(tmp_path, result)
    page.write_docs(tmp_path, [found], ABOUT)
    assert (tmp_path / "verification.md").read_text() == text
    assert (tmp_path / "images" / "verification_sample.png").read_bytes() == picture


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0"), (0.25, "0.25"), (1.98, "1.98"), (1234.0, "1234"), (65536, "65536"), (2e-16, "2.00e-16")],
)
def test_numbers_are_short(number, text):
    assert short(number) == text
    assert joined((number, number)) == f"{text} / {text}"


def test_marks():
    assert Mark((1.0, 2.0)).reached((5.0, 1.0, 2.0))
    assert not Mark((1.0,)).reached((math.nan,))
    assert not at_least(1.0).reached((0.9,))


def test_the_tube_between_its_waves():
    # Toro, table 4.2: pressure and velocity beside the contact.
    density, speed, pressure = problems.sod(jax.numpy.asarray([0.15]), 0.25)
    assert float(pressure[0]) == pytest.approx(0.30313, abs=1e-5)
    assert float(speed[0]) == pytest.approx(0.92745, abs=1e-5)
    assert 0.125 < float(density[0]) < 1


def test_what_a_field_is_wrong_by():
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (8, 8), 4, 1)
    refine = cycles.boxes(2, 1, 0.01, 0.49)
    simulation = solvers.Simulation(mesh, solvers.Advection((1.0, 0.0)), refine=refine, buffer=0)
    found = simulation.run(lambda x, y: x + 2 * y, 0.0).field
    assert found.cells == 3 * 16 + 4 * 16
    assert max(lab.wrong_by(found, lambda x, y: x + 2 * y).values()) <= 1e-15
    gap = lab.wrong_by(found, lambda x, y: x + 2 * y + jnp.where((x < 0.25) & (y < 0.25), 1.0, 0.0))
    assert gap == pytest.approx({"l1": 1 / 16, "l2": 1 / 4, "linf": 1.0})


@pytest.mark.parametrize("exact", [problems.warm_spot, problems.fading_wave(0.1, (1.0, 0.5))])
def test_exact_solutions_of_diffusion(exact):
    speed, diffusivity = ((0, 0), 0.01) if exact is problems.warm_spot else ((1.0, 0.5), 0.1)
    x, y, t = 0.4, 0.3, 0.2
    (u_x, u_y, u_t), second = jax.grad(exact, (0, 1, 2))(x, y, t), jax.hessian(exact, (0, 1))(x, y, t)
    change = diffusivity * (second[0][0] + second[1][1]) - speed[0] * u_x - speed[1] * u_y
    assert float(u_t) == pytest.approx(float(change), rel=1e-10)
    assert float(exact(x, y, 0.0)) == pytest.approx(float(exact(x, y)))


def test_the_gaussian_on_a_line():
    u_t = jax.grad(problems.spreading, 1)(0.7, 0.3)
    u_xx = jax.grad(jax.grad(problems.spreading))(0.7, 0.3)
    assert float(u_t) == pytest.approx(problems.V14_DIFFUSIVITY * float(u_xx), rel=1e-10)


def test_single_cycles_on_two_levels():
    mesh = poisson.centred(2, 16, 4, 1)
    problem = solvers.Elliptic(mesh, boundary=poisson.GROUNDED)
    system = cycles.prepared(problem, poisson.V19_SOURCE, cycles.boxes(2, 1, -poisson.WITHIN, poisson.WITHIN))
    u, left = cycles.iterated(system, 6)
    assert left.shape == (7,)
    assert float(left[0]) == pytest.approx(1)
    assert float(left[-1]) <= 1e-3
    found = cycles.field_of(system, u)
    assert found.cells == 16 * 16 * 7 // 4  # a quarter refined
    assert lab.wrong_by(found, poisson.V19_SOLUTION)["linf"] <= 0.05


def test_steps_of_super_time_stepping_are_equal():
    step = diffusion.equal_steps(64, solvers.RKL2(stages=5, safety=0.8))
    assert step == pytest.approx(2 / 6, rel=1e-5)
    run = diffusion.on_a_line(64, solvers.RKL2(stages=5, safety=0.8), step)
    assert run.summary.steps == 6


def test_the_wave_stays_refined():
    diffusivity = carried.diffusivity_of(0.1)
    run = carried.carried(32, "RKL2", diffusivity, carried.on_the_crests)
    patches = run.summary.patches
    assert 64 < patches["mean"] < 256
    assert run.field.count > 64
