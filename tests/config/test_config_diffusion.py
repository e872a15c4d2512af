"""Config files of what diffuses and reacts: what is right becomes what Python would make, and says so when written."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from config_texts import FLAME, NAME, writer
from test_config_laws import round_trip

import amr
import solvers
from solvers.config.build import load

HEAT = """\
[parameters]
k = 0.02
[domain]
lower = [0.0, 0.0]
upper = [1.0, 1.0]
[mesh]
cells = [16, 16]
patch = 8
max_level = 1
[equation]
type = "diffusion"
variable = "T"
diffusivity = "k"
[initial]
T = "1 + exp(-((x - 0.5)**2 + (y - 0.5)**2) / 0.02)"
[refine]
gradient = {above = 1.0}
[time]
end = 0.05
"""
FLOW = 'velocity = [1.0, "0.5"]\n'


@pytest.fixture
def write(tmp_path):
    return writer(tmp_path)


def heat(*keys):
    """The config with more keys in [equation]."""
    return HEAT.replace("[initial]", "".join(f"{key}\n" for key in keys) + "[initial]")


def equation_of(case):
    return case.simulation.setup.equation


def diffusivity_of(case):
    return equation_of(case).diffusing.diffusivity


def values(diffusivity, d=0, count=1):
    """Of a diffusivity in three points with u = 1, 2, 3."""
    x, y = jnp.array([0.1, 0.2, 0.3]), jnp.array([0.5, 0.6, 0.7])
    u = jnp.broadcast_to(jnp.array([1.0, 2.0, 3.0]), (count, 3))
    return np.asarray(jnp.broadcast_to(diffusivity.at(u, (x, y), jnp.asarray(2.0), d), (count, 3)))


# --- what diffuses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kind", "expected"),
    [
        ("0.5", solvers.ConstantDiffusivity, [0.5, 0.5, 0.5]),
        ("0", solvers.ConstantDiffusivity, [0, 0, 0]),
        ("'2 * k'", solvers.ConstantDiffusivity, [0.04, 0.04, 0.04]),
        ("[0.5]", solvers.ConstantDiffusivity, [0.5, 0.5, 0.5]),
        ("'k + x'", solvers.VariableDiffusivity, [0.12, 0.22, 0.32]),
        ("'1 + t * y'", solvers.VariableDiffusivity, [2, 2.2, 2.4]),
        ("'1 + T**2'", solvers.NonlinearDiffusivity, [2, 5, 10]),
        ("['1 + x * T']", solvers.NonlinearDiffusivity, [1.1, 1.4, 1.9]),
        (f"'{NAME}:uneven'", solvers.VariableDiffusivity, [1.1, 1.2, 1.3]),
        (f"'{NAME}:cubic'", solvers.NonlinearDiffusivity, [2, 5, 10]),
    ],
)
def test_a_diffusivity_is_of_the_simplest_kind_that_will_do(write, given, kind, expected):
    case = round_trip(write(HEAT), f"equation.diffusivity={given}")
    assert isinstance(equation_of(case), solvers.Advection)
    assert not equation_of(case).flows
    assert type(diffusivity_of(case)) is kind
    np.testing.assert_allclose(values(diffusivity_of(case))[0], expected, rtol=1e-6)


def test_whether_a_diffusivity_is_steady_is_seen(write):
    for text, steady in (("1 + x", True), ("1 + t", False), (f"{NAME}:uneven", True)):
        assert diffusivity_of(load(write(HEAT), [f"equation.diffusivity={text}"])).steady == steady
    case = load(write(FLAME), [f"equation.diffusivity={NAME}:warming"])
    assert not diffusivity_of(case).steady


def test_a_tensor_has_a_diffusivity_for_each_direction(write):
    case = round_trip(write(HEAT), "equation.diffusivity={y = '1 + T', x = 0.5}")
    assert isinstance(diffusivity_of(case), solvers.Diagonal)
    np.testing.assert_allclose(values(diffusivity_of(case), 0), [[0.5, 0.5, 0.5]])
    np.testing.assert_allclose(values(diffusivity_of(case), 1), [[2, 3, 4]])
    each = round_trip(write(FLAME), "equation.diffusivity={x = [1, 2], y = ['1 + v', 'x']}")
    np.testing.assert_allclose(values(diffusivity_of(each), 0, 2), [[1, 1, 1], [2, 2, 2]])
    np.testing.assert_allclose(values(diffusivity_of(each), 1, 2), [[2, 3, 4], [0.1, 0.2, 0.3]])


def test_means_on_faces(write):
    assert isinstance(equation_of(load(write(HEAT))).diffusing.mean, solvers.Arithmetic)
    case = round_trip(write(HEAT), "equation.mean=harmonic", "equation.diffusivity=1 + x")
    assert isinstance(equation_of(case).diffusing.mean, solvers.Harmonic)
    assert load(write(HEAT)).config.equation.mean == "arithmetic"


@pytest.mark.parametrize(
    ("flow", "kind"),
    [
        (FLOW, solvers.ConstantVelocity),
        ("velocity = ['y', 0]\n", solvers.FaceVelocity),
        ("stream_function = 'sin(2*pi*x)'\n", solvers.StreamFunction),
    ],
)
@pytest.mark.parametrize("name", ["advection", "diffusion"])
def test_both_types_take_a_flow_and_a_diffusivity(write, flow, kind, name):
    case = round_trip(write(heat(flow)), f"equation.type={name}")
    assert isinstance(equation_of(case).velocity, kind)
    assert equation_of(case).diffusing is not None


# --- what reacts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", ["'T * (1 - T)'", "['T * (1 - T)']", "{T = 'T * (1 - T)'}"], ids=["one", "list", "table"]
)
def test_a_rate_in_the_names_of_the_variables(write, given):
    reaction = equation_of(round_trip(write(HEAT), f"equation.reaction={given}")).reaction
    found = reaction(jnp.array([[0.0, 0.5, 1.0]]), (jnp.zeros(3), jnp.zeros(3)), jnp.asarray(0.0))
    np.testing.assert_allclose(found, [[0, 0.25, 0]])
    assert not reaction.stiff


@pytest.mark.parametrize("given", ["['u * v + t', 'x']", "{v = 'x', u = 't + u * v'}"], ids=["list", "table"])
def test_rates_of_several_variables(write, given):
    reaction = equation_of(round_trip(write(FLAME), f"equation.reaction={given}")).reaction
    found = reaction(jnp.array([[1.0, 2.0], [3.0, 4.0]]), (jnp.array([5.0, 6.0]), jnp.zeros(2)), jnp.asarray(0.5))
    np.testing.assert_allclose(found, [[3.5, 8.5], [5, 6]])


def test_rates_of_ones_own(write):
    case = round_trip(write(FLAME), f"equation.reaction={NAME}:decay")
    found = equation_of(case).reaction(jnp.ones((2, 3)), (jnp.zeros(3), jnp.zeros(3)), jnp.asarray(0.0))
    np.testing.assert_allclose(found, -np.ones((2, 3)))
    assert [path.name for path in case.modules] == [f"{NAME}.py"]


def test_names_that_mean_something_else_are_fine_without_expressions(write):
    text = HEAT.replace('variable = "T"', 'variable = "t"').replace("T =", "t =").replace('"k"', "0.1")
    assert equation_of(load(write(text))).names == ("t",)


# --- schemes ----------------------------------------------------------------------------------------------------------


def scheme_of(case):
    return case.simulation.setup.scheme


DIFFUSIONS = {
    "explicit": solvers.SSPRK2,
    "rkl2": solvers.RKL2,
    "backward_euler": solvers.BackwardEuler,
    "crank_nicolson": solvers.CrankNicolson,
    "sdirk2": solvers.SDIRK2,
}


@pytest.mark.parametrize("name", DIFFUSIONS)
@pytest.mark.parametrize("text", [HEAT, heat(FLOW), heat("reaction = 'T'")], ids=["still", "flow", "reaction"])
def test_every_method_for_diffusion_resolves_to_itself(write, name, text):
    case = round_trip(write(text), f"scheme.diffusion={name}")
    assert isinstance(scheme_of(case), solvers.MethodOfLines)
    assert type(scheme_of(case).integrator) is DIFFUSIONS[name]
    assert case.config.scheme.diffusion == name
    assert case.config.scheme.coupling == (None if text == HEAT else "unsplit")
    assert case.config.scheme.integrator == ("ssprk2" if name == "explicit" else None)


@pytest.mark.parametrize("name", DIFFUSIONS)
@pytest.mark.parametrize(
    ("keys", "flow"),
    [
        ([], solvers.CTU),
        (["scheme.limiter=superbee"], solvers.CTU),
        (["scheme.reconstruction=ppm"], solvers.MethodOfLines),
        (["scheme.method=lines", "scheme.integrator=ssprk3"], solvers.MethodOfLines),
    ],
)
def test_every_splitting_resolves_to_itself(write, name, keys, flow):
    case = round_trip(write(heat(FLOW)), "scheme.coupling=strang", f"scheme.diffusion={name}", *keys)
    scheme = scheme_of(case)
    assert isinstance(scheme, solvers.Strang)
    assert type(scheme.flow) is flow
    shared = name == "explicit" and flow is solvers.MethodOfLines
    assert type(scheme.diffusion) is (type(scheme.flow.integrator) if shared else DIFFUSIONS[name])
    assert case.config.scheme.coupling == "strang"


@pytest.mark.parametrize(
    ("keys", "integrator"),
    [
        (["scheme.integrator=rk4"], solvers.RK4),
        (["scheme.diffusion=explicit", "scheme.integrator=ssprk3"], solvers.SSPRK3),
        (["scheme.reconstruction=ppm"], solvers.RKL2),
        (["scheme.diffusion=auto", "scheme.limiter=minmod"], solvers.RKL2),
        (["scheme.coupling=unsplit"], solvers.RKL2),
        (["scheme.stages=7"], solvers.RKL2),
    ],
)
def test_what_is_left_open_beside_other_choices(write, keys, integrator):
    assert type(scheme_of(round_trip(write(heat(FLOW)), *keys)).integrator) is integrator


@pytest.mark.parametrize("text", [HEAT, heat(FLOW), heat("reaction = 'T'"), FLAME])
@pytest.mark.parametrize("keys", [[], ["scheme.diffusion=auto"], ["time.step=0.01"], ["time.step=100"]])
def test_a_choice_left_to_the_program_is_written_down(write, text, keys):
    table = round_trip(write(text), *keys).config.scheme
    assert table.diffusion not in (None, "auto")


def test_parameters_of_methods(write):
    case = round_trip(write(HEAT), "scheme.diffusion=rkl2", "scheme.stages=10", "time.step=0.01")
    assert scheme_of(case).integrator.stages == case.config.scheme.stages == 9
    assert case.simulation.setup.longest == 0.01
    keys = ["scheme.tolerance=1e-5", "scheme.iterations=7", "scheme.ratio=30"]
    method = scheme_of(round_trip(write(HEAT), "scheme.diffusion=sdirk2", *keys)).integrator
    assert (method.tolerance, method.iterations, method.ratio) == (1e-5, 7, 30.0)


def test_a_stiff_reaction_is_split_off(write):
    text = FLAME.replace("[initial]", "stiff = true\n[initial]")
    case = round_trip(write(text), "scheme.coupling=strang")
    assert equation_of(case).reaction.stiff
    assert isinstance(scheme_of(case).diffusion, solvers.RKL2)


def test_a_flow_with_a_reaction_alone(write):
    text = HEAT.replace('type = "diffusion"', 'type = "advection"\nvelocity = [1, 0]\nreaction = "-T"')
    text = text.replace('diffusivity = "k"\n', "")
    assert round_trip(write(text)).config.scheme.coupling == "unsplit"
    assert isinstance(scheme_of(round_trip(write(text), "scheme.integrator=ssprk3")).integrator, solvers.SSPRK3)
    split = round_trip(write(text), "scheme.coupling=strang")
    assert isinstance(scheme_of(split).flow, solvers.CTU)
    assert not scheme_of(split).flow.bounded  # values leave the range that they begin with
    assert split.config.scheme.diffusion is None


# --- boundaries -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("boundary", "left", "top", "parts"),
    [
        ("{type = 'robin', a = 1.0, b = 0.1, value = 2.0}", "Robin", "Robin", ["a=1, b=0.1, value=2"]),
        ("{type = 'robin', a = 0, b = 'k'}", "Robin", "Robin", ["a=0, b=0.02,"]),
        (
            "['periodic', ['wall', {type = 'robin', a = 1, b = 0.1, value = 'x * t'}]]",
            "Periodic", "Robin", ["a=1, b=0.1,", "'x * t'"],
        ),
        (
            "{type = 'split', where = 'x < 0.5', inside = {type = 'robin', a = 1, b = 2}, outside = 'outflow'}",
            "Split", "Split", ["'x < 0.5'", "inside=Robin(a=1, b=2,", "outside=Outflow("],
        ),
        (
            "{type = 'by_variable', T = {type = 'robin', a = 1, b = 1, value = '1 + t'}}",
            "ByVariable", "ByVariable", ["'T': Robin(a=1, b=1,", "'1 + t'"],
        ),
        ("[{type = 'dirichlet', value = 1}, {type = 'neumann', slope = 'x'}]", "Dirichlet", "Neumann", ["'x'"]),
    ],
)  # fmt: skip
def test_boundaries_of_diffusion_resolve_to_themselves(write, boundary, left, top, parts):
    faces = round_trip(write(HEAT), f"domain.boundary={boundary}").simulation.setup.faces
    assert (type(faces[0][0]).__name__, type(faces[1][1]).__name__) == (left, top)
    for part in parts:
        assert part in repr(faces[1][1])


def test_robin_is_what_the_config_says(write):
    (_, top) = load(write(FLAME)).simulation.setup.faces[1]
    assert isinstance(top, amr.Robin)
    assert (top.a, top.b, top.value[1]) == (1.0, 0.1, 0.0)
    assert float(top.value[0](0.5, 1.0, 0.0)) == pytest.approx(0.05)


# --- the same run by hand ---------------------------------------------------------------------------------------------


def test_a_config_of_diffusion_runs_as_the_same_choices_in_python_do(write):
    keys = ["scheme.diffusion=rkl2", "scheme.stages=9"]
    case = load(write(heat('reaction = "T * (1 - T)"')), [*keys, "equation.diffusivity=k * T"])
    found = case.simulation.run(case.initial, 0.05)
    equation = solvers.Diffusion(
        solvers.NonlinearDiffusivity(lambda u, x, y, t: 0.02 * u[0]), "T", reaction=lambda u, x, y, t: u * (1 - u)
    )
    simulation = solvers.Simulation(
        amr.Mesh(amr.Domain((0, 0), (1, 1)), (16, 16), patch=8, max_level=1),
        equation,
        solvers.MethodOfLines(integrator=solvers.RKL2(9)),
        amr.Gradient(1.0),
    )
    expected = simulation.run(lambda x, y: 1 + jnp.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / 0.02), 0.05)
    assert found.summary.steps == expected.summary.steps
    np.testing.assert_allclose(found.field.uniform("T"), expected.field.uniform("T"), rtol=1e-12)


def test_the_longest_step_is_kept(write):
    case = load(write(heat(FLOW)), ["time.step=0.001", "time.end=0.01", "mesh.max_level=0"])
    assert case.simulation.run(case.initial, 0.01).summary.steps == 10


def test_all_keys_show_in_the_description(write):
    case = load(write(heat(FLOW)), ["scheme.diffusion=rkl2", "scheme.coupling=strang"])
    assert case.scheme == "ctu, limiter mc, bounded, diffusion rkl2, strang, cfl 0.9, float64"
    assert jax.tree.leaves(case.simulation.setup.scheme) == []


# --- the configs that come with the program ---------------------------------------------------------------------------

CONFIGS = Path(__file__).parents[2] / "configs"


def run(name, *overrides):
    case = load(CONFIGS / f"{name}.toml", overrides)
    return case.simulation.run(case.initial, case.config.time.end, exact=case.exact)


def error(solution, name):
    return solution.summary.variables[name].error["l1"]


def finest(solution):
    """The places of the finest patches along x."""
    forest = solution.field.forest
    level = np.asarray(forest.level)[: solution.field.count]
    position = np.asarray(forest.position)[0, : solution.field.count]
    domain, roots = solution.field.mesh.domain, solution.field.mesh.roots[0]
    places = domain.lower[0] + (position + 0.5) / (roots << level) * (domain.upper[0] - domain.lower[0])
    return places[level == level.max()]


def test_a_hot_spot_spreads():
    solution = run("heat_hot_spot", "mesh.max_level=2", "time.step=0.002")
    assert error(solution, "T") <= 3e-5
    assert abs(solution.summary.variables["T"].integral["relative_change"]) <= 1e-14
    assert solution.summary.cells["fraction_of_uniform_finest"] < 0.6


def test_the_same_heat_crosses_both_layers():
    """With harmonic means the steady state is exact."""
    regions = "refine.regions=[{lower = 0.45, upper = 0.55, level = 1}]"
    assert error(run("heat_conduction", "mesh.max_level=1", regions, "time.end=10"), "T") <= 1e-6


def test_a_cloud_drifts_and_spreads():
    solution = run("advection_diffusion", "mesh.max_level=1", "scheme.coupling=strang")
    assert error(solution, "phi") <= 2e-4
    assert abs(solution.summary.variables["phi"].integral["relative_change"]) <= 1e-13


@pytest.mark.parametrize("coupling", ["unsplit", "strang"])
def test_the_mesh_follows_the_front_of_a_population(coupling):
    solution = run("fisher_kpp", f"scheme.coupling={coupling}", "time.end=10")
    assert error(solution, "u") <= 5e-4
    front = 5 / 6**0.5 * 10
    assert finest(solution).min() > front - 15
    assert finest(solution).max() < front + 15


def test_a_pattern_grows():
    box = ["domain.lower=[0.75, 0.75]", "domain.upper=[1.75, 1.75]", "mesh.cells=[32, 32]", "mesh.max_level=1"]
    solution = run("gray_scott", *box, "time.end=1000")
    v = solution.summary.variables["v"]
    assert v.integral["final"] > 1.5 * v.integral["initial"]
    assert 0.2 < v.max < 0.6
