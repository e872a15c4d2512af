"""How objects feel in a notebook: what `print` says of them, what a cell shows, and live progress."""

import io
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import amr
import solvers
from amr.show import text
from solvers.run.driver import Progress
from solvers.run.progress import Lines, Live, chosen, in_notebook


def bump(x):
    return jnp.exp(-(((x - 0.5) / 0.1) ** 2))


def named_speed(x, t):
    return 1.0


@pytest.fixture(scope="module")
def sim():
    mesh = amr.Mesh(amr.Domain(0, 1), 32, patch=8, max_level=1)
    return solvers.Simulation(mesh, solvers.Advection(1.0), refine=[amr.Difference(0.02), amr.Value(2.0)])


@pytest.fixture(scope="module")
def solution(sim):
    return sim.run(bump, 0.1)


def test_what_a_simulation_shows_are_its_attributes():
    mesh = amr.Mesh(amr.Domain(0, 1, periodic=False), 16, 8, 1)
    simulation = solvers.Simulation(mesh, solvers.Advection((1.0,)), refine=amr.Difference(0.1), boundary=amr.Wall())
    shown = dict(simulation._shown().arguments)
    assert {name: getattr(simulation, name) for name in shown} == shown
    assert simulation.boundary == amr.Wall()
    assert simulation.interval == 4


def test_a_simulation_shows_its_whole_tree_of_choices(sim):
    assert str(sim) == repr(sim)
    assert repr(sim).splitlines() == [
        "Simulation(",
        "  mesh=Mesh(domain=Domain(lower=0, upper=1, periodic=True), cells=32, patch=8, max_level=1),",
        "  equation=Advection(velocity=ConstantVelocity(components=1), names='phi'),",
        "  scheme=CTU(limiter=MonotizedCentral(), bounded=True),",
        "  refine=AnyOf(Difference(above=0.02, below=0.01, variable=0), Value(above=2, below=2, variable=0)),",
        "  cfl=0.9,",
        "  interval=4,",
        "  dtype='float64',",
        ")",
    ]
    assert repr(sim.setup).startswith("Setup(\n  mesh=Mesh(")
    assert len(repr(sim.setup).splitlines()) < 20


@pytest.mark.parametrize(
    "words",
    [
        "Domain(lower=(0, 0), upper=(1, 2.5), periodic=True)",
        "Domain(lower=(0, 0), upper=(1, 1), periodic=(True, False))",
        "ByVariable(parts={'a': Dirichlet(value=1)}, rest=Robin(a=1, b=2, value=(0.5, 3)))",
        "Mesh(domain=Domain(lower=0, upper=1, periodic=True), cells=32, patch=8, max_level=2, capacity=40)",
        "UpTo(level=2, indicator=Region(lower=0, upper=0.1, level=3))",
        "AtMost(lower=0, upper=0.1, level=1, indicator=Value(above=1.5, below=0.5, variable=0), end=0.3)",
        "AllOf(Value(above=(1.5, 2.5), below=(0.5, 0.75), variable=0))",
    ],
)
def test_words_for_meshes_and_indicators_make_them_again(words):
    assert repr(eval(words, amr_names())) == words


def amr_names():
    return {name: getattr(amr, name) for name in amr.__all__}


def test_functions_are_shown_by_name_or_source():
    assert text(solvers.FaceVelocity(named_speed)) == "FaceVelocity(function=named_speed)"
    law = solvers.Diffusion(
        lambda x: 1.0
        + x**2,
        names="T",
    )  # fmt: skip
    assert "VariableDiffusivity(function=lambda x: 1.0 + x**2, steady=True)" in repr(law)
    held = jax.tree_util.Partial(lambda a, x, y, *rest: (a * x, 0 * y), jnp.ones(5))
    assert "Partial(lambda a, x, y, *rest: (a * x, 0 * y), float64[5])" in repr(solvers.Advection(held))
    assert text(eval("lambda x: x")) == "lambda x"  # no source
    assert len(text(lambda x: x + 1000000 + 1000000 + 1000000 + 1000000 + 1000000 + 1000000 + 1000000 + 1)) == 72


def test_numbers_and_arrays_are_short():
    assert text((1.0, 0.1, np.float64(2.5), 1 / 3)) == "(1, 0.1, 2.5, 0.3333333333333333)"
    assert text(jnp.arange(3.0)) == "[0., 1., 2.]"
    assert text(np.zeros((4, 5))) == "float64[4,5]"
    seen = []
    jax.jit(lambda a: (seen.append(repr(solvers.Diffusion(a))), a)[1])(1.0)
    assert "float64[]" in seen[0]
    assert "Tracer" not in seen[0]


def test_a_solution_is_short_in_text_and_whole_in_a_notebook(solution):
    first, second, third = repr(solution).splitlines()
    assert first.startswith(f"Solution after {solution.summary.steps} steps at ")
    assert second.startswith("Field at t = 0.1, step ")
    assert third.startswith("  phi ")
    html = solution._repr_html_()
    assert "<td" in html
    assert "phi integral" in html
    assert "data:image/png;base64," in html
    assert len(html) < 60_000


def test_a_summary_is_a_table(solution):
    assert repr(solution.summary) == str(solution.summary)
    assert solution.summary._repr_html_().count("<tr>") == len(str(solution.summary).splitlines())
    assert "steps" in repr(solvers.run.summary.Summary())


def test_states_and_checkpoints_are_short(sim, solution):
    assert repr(solution.state).startswith("State at t = 0.1: ")
    assert "patches of 8 in a pool for" in repr(solution.state)
    assert repr(solution.checkpoint).startswith("Checkpoint of Field at t = 0.1")
    seen = []
    jax.jit(lambda s: (seen.append(repr(s)), s.u)[1])(solution.state)
    batch = jax.vmap(lambda w: sim.start(lambda x: w * bump(x), 1.0, capacity=16))(jnp.ones(2))
    assert all(words.startswith("State(") for words in (*seen, repr(batch)))


def test_an_equilibrium_has_a_picture_and_one_line():
    problem = solvers.Elliptic(amr.Mesh(amr.Domain(0, 1), 16, patch=8), lambda x: 1 + x, alpha=1.0)
    assert "alpha=1.," in repr(problem)
    assert "lambda x: 1 + x" in repr(problem)
    found = problem.solve(bump)
    assert repr(found) == str(found)
    assert repr(found).startswith("solved on 16 cells in ")
    assert "data:image/png;base64," in found._repr_html_()
    assert found.plot("u").axes
    seen = []
    jax.jit(lambda f: (seen.append((repr(f), f._repr_html_())), f.residual)[1])(found)
    assert seen[0][0].startswith("Equilibrium(")
    assert seen[0][1] is None


# --- progress ---------------------------------------------------------------------------------------------------------


def far(time, step=3, message=None, rate=2.5e6):
    return Progress(time, 1.0, step, 30, 64, rate, message)


@pytest.fixture
def shell(monkeypatch):
    """What a notebook looks like from inside."""
    shown = []

    class Handle:
        def update(self, what):
            shown.append(("update", repr(what), what._repr_html_()))

    def display(what, display_id):
        shown.append(("display", repr(what), what._repr_html_()))
        return Handle()

    fake = types.ModuleType("IPython")
    fake.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    fake.display = types.ModuleType("IPython.display")
    fake.display.display = display
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setitem(sys.modules, "IPython.display", fake.display)
    return shown


def test_a_script_shows_nothing_unless_asked(sim, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not in_notebook()
    sim.run(bump, 0.1)
    sim.run(bump, 0.1, progress=False)
    assert capsys.readouterr() == ("", "")
    assert isinstance(chosen(True, 1.0), Lines)
    sim.run(bump, 0.1, progress=True)
    assert "t = 0 of 0.1, step 0" in capsys.readouterr().err


def test_a_terminal_of_ipython_is_no_notebook(monkeypatch):
    fake = types.ModuleType("IPython")
    fake.get_ipython = lambda: types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", fake)
    assert not in_notebook()


def test_a_notebook_shows_a_bar_for_a_long_run_only(shell, sim, monkeypatch):
    assert isinstance(chosen(None, 1.0), Live)
    sim.run(bump, 0.1, progress=False)
    sim.run(bump, 0.1)  # compiled before: no time to show anything
    assert shown_kinds(shell) == []
    monkeypatch.setattr("solvers.run.progress.SECONDS_OF_SILENCE", 0.0)
    sim.run(bump, 0.1, progress=False)
    assert shown_kinds(shell) == []
    sim.run(bump, 0.1)
    assert shown_kinds(shell)[:2] == ["display", "update"]
    assert "starting" in shell[0][1]
    assert 'value="0.0000"' in shell[0][2]
    assert "t = 0.1 of 0.1" in shell[-1][1]
    assert 'value="1.0000"' in shell[-1][2]


def shown_kinds(shell):
    return [kind for kind, _, _ in shell]


def test_remarks_stay_above_the_bar(shell, monkeypatch):
    monkeypatch.setattr("solvers.run.progress.SECONDS_OF_SILENCE", 0.0)
    show = Live()
    for progress in (far(0.0, rate=0.0), far(0.5, message="the pool <grew>"), far(0.75)):
        show(progress)
    show.say("stopping")
    show.close()
    assert repr(show).splitlines()[:2] == ["the pool <grew>", "stopping"]
    assert repr(show).splitlines()[2].startswith("t = 0.75 of 1, step 3, 30 patches, 2.5 million updates/s")
    assert "the pool &lt;grew&gt;<br>stopping<br><progress" in show._repr_html_()


def test_lines_say_that_something_is_compiled():
    stream = io.StringIO()
    Lines(stream)(far(0.0, step=0, rate=0.0, message="compiling the run loop"))
    assert stream.getvalue().splitlines()[0] == "compiling the run loop"
    assert "starting" in stream.getvalue()
