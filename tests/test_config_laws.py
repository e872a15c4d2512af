"""Config files of systems of equations, all schemes and boundaries: what is right becomes what Python would make, and
every mistake is told with its key."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import amr
import solvers
from solvers.build import load
from solvers.config_errors import ConfigError
from solvers.riemann import HLL, HLLC, Rusanov, Upwind

GAS = """\
[parameters]
ramp = 0.25
[domain]
lower = [0.0, 0.0]
upper = [1.0, 1.0]
boundary = [
  ["wall", "outflow"],
  [
    {type = "split", where = "x < ramp", inside = "symmetry", outside = "wall"},
    {type = "inflow", value = {density = 1.4, velocity_x = "x * t", velocity_y = 0, pressure = "1 + 0.1 * x"}},
  ],
]
[mesh]
cells = [16, 16]
patch = 8
max_level = 1
[equation]
type = "euler"
gamma = 1.4
[initial]
density = "1 + 0.2 * x"
velocity_x = 0
velocity_y = "0.1 * y"
pressure = 1
[scheme]
riemann = "hllc"
[refine]
difference = [{above = 0.02}, {above = 0.1, variable = "energy", up_to = 1}]
loehner = {filter = 0.02}
[time]
end = 0.1
[output]
variable = "energy"
"""
MODULE = """\
import equinox as eqx
import jax.numpy as jnp
import solvers


class Traffic(solvers.ConservationLaw):
    speed: float
    names: tuple = eqx.field(static=True, default=("cars",))

    def flux(self, u, d):
        return self.speed * u * (1 - u)

    def max_speed(self, u, d):
        return jnp.abs(self.speed * (1 - 2 * u[0]))


class Flat(Traffic):
    def flux(self, u, d):
        return u[0]


class Wild(Traffic):
    def max_speed(self, u, d):
        return 1 / (u[0] - u[0])


class Broken(Traffic):
    def flux(self, u, d):
        return u.nothing


class Unnamed(Traffic):
    names: tuple = eqx.field(static=True, default=())


class Reserved(Traffic):
    names: tuple = eqx.field(static=True, default=("level",))


def several(ndim, lanes=2):
    return solvers.Burgers(tuple("abc"[:lanes]))


def no_law():
    return 3


def fails():
    raise KeyError("x")


road = Traffic(1.0)
number = 3


def gas(x, y):
    return 1 + x, 0 * x, 0 * x, 1 + 0 * x


def three(x, y):
    return 1 + x, 0 * x, 0 * x


def vacuum(x, y):
    return 1 + x, 0 * x, 0 * x, -1 + 0 * x


def inflow(x, y, t):
    return 1 + x, 0 * x, t + 0 * x, 1 + 0 * x


def turned(mirrored, x, y, t):
    return mirrored[0], -mirrored[1], -mirrored[2], mirrored[3]


def upside_down(mirrored, x, y, t):
    return mirrored[:2]


def ground(x):
    return 0.1 * x
"""
NAME = "amrax_test_laws"
ROAD = """\
[domain]
lower = 0
upper = 1
[mesh]
cells = 16
patch = 8
[equation]
type = "amrax_test_laws:Traffic"
arguments = {speed = 2.0}
[initial]
cars = "0.5 + 0.4 * sin(2*pi*x)"
[time]
end = 0.1
"""


@pytest.fixture(autouse=True)
def _as_users_write():
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture
def write(tmp_path):
    (tmp_path / f"{NAME}.py").write_text(MODULE)

    def written(text, name="case.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


def reports(path, *overrides):
    with pytest.raises(ConfigError) as caught:
        load(path, overrides)
    return [report.partition(": ")[2] for report in caught.value.reports]


def face(text):
    """An override of all boundaries by one."""
    return f"domain.boundary={text}"


VALUES = "density = 1, velocity_x = 0, velocity_y = 0, pressure = 1"
MOVING = VALUES.replace("= 0", "= '0.1 * sin(x*t)'", 1)
MISTAKES = [
    # the equation
    ("equation.type=eulr", "equation.type", 'expected "advection" or "burgers" or', 'did you mean "euler"?'),
    ("equation.type=3", "equation.type", "found 3, expected"),
    ("equation.gamma=1", "equation.gamma", "found 1, expected a number above 1"),
    ("equation.gamma=5 / 0", "equation.gamma", "which is inf"),
    ("equation.gama=2", "equation.gama", "unknown key; did you mean gamma?"),
    ("equation.velocity=[1, 0]", "equation.velocity", 'belongs to type = "advection", not to "euler"'),
    ("equation.variable=u", "equation.variable", 'belongs to type = "advection" or "burgers", not to "euler"'),
    ("equation.arguments={a = 1}", "equation.arguments", 'belongs to type = "module:name", not to "euler"'),
    # initial and exact values
    ("initial.presure=1", "initial.presure", "no such variable", 'did you mean "pressure"?'),
    ("initial.energy=1", "initial.energy", 'expected "density" or "velocity_x" or'),
    ("initial.pressure=x - 0.5", "initial.pressure", "makes no sense at x = 0.03125", "pressure = -0.46875"),
    ("initial.density=-1", "initial.density", "makes no sense"),
    ("exact.density=1", "exact.pressure", "all variables or none"),
    # the scheme
    ("scheme.method=ctu", "scheme.method", "solves advection only, not Euler"),
    ("scheme.riemann=upwind", "scheme.riemann", "Euler has no upwind"),
    ("scheme.riemann=roe", "scheme.riemann", 'expected "rusanov" or "hll" or "hllc" or "upwind"'),
    ("scheme.reconstruction=wen5", "scheme.reconstruction", 'did you mean "weno5"?'),
    ("scheme.integrator=rk3", "scheme.integrator", "expected"),
    ("scheme.bounded=true", "scheme.bounded", "not those of a law"),
    ("scheme.primitive=1", "scheme.primitive", "found 1, expected true or false"),
    ("mesh.patch=4", "mesh.patch", "4 is too small for 3 ghost cells"),
    # boundaries
    (face("wal"), "domain.boundary", 'did you mean "wall"?'),
    (face("dirichlet"), "domain.boundary", '"dirichlet" needs a table: {type = "dirichlet", value = 1.0}'),
    (face("3"), "domain.boundary", "found 3, expected a name"),
    (face("['wall']"), "domain.boundary", "expected one entry for each of 2 dimensions, got 1"),
    (face("['wall', ['wall']]"), "domain.boundary", "or a pair [lower, upper]"),
    (face("[['wall', 'periodic'], 'wall']"), "domain.boundary", "opposite"),
    (face("{value = 1}"), "domain.boundary.type", "missing, expected"),
    (face("{type = 'diriclet'}"), "domain.boundary.type", 'did you mean "dirichlet"?'),
    (face("{type = 'dirichlet'}"), "domain.boundary.value", "missing, expected it as in"),
    (face("{type = 'wall', value = 1}"), "domain.boundary.value", "unknown key"),
    (face("{type = 'inflow', value = 1}"), "domain.boundary.value", "expected a table with density and velocity_x"),
    (face("{type = 'inflow', value = {density = 1}}"), "domain.boundary.value.pressure", "missing"),
    (face(f"{{type = 'inflow', value = {{{VALUES}, presure = 1}}}}"), "domain.boundary.value.presure", "no such"),
    (
        face(f"{{type = 'inflow', value = {{{VALUES.replace('pressure = 1', 'pressure = -1')}}}}}"),
        "domain.boundary.value.pressure",
        "makes no sense at x = -0.03125",
    ),
    (
        face(f"['wall', ['wall', {{type = 'neumann', slope = {{{VALUES.replace('= 0,', '= true,', 1)}}}}}]]"),
        "domain.boundary[1][1].slope.velocity_x",
        "found true, expected a number, an expression",
    ),
    (
        face("['wall', ['wall', {type = 'neumann', slope = 'amrax_test_laws:gas'}]]"),
        "domain.boundary[1][1].slope",
        "cannot be called as gas(x, y, t)",
    ),
    (
        face("['wall', {type = 'by_variable', pressure = {type = 'dirichlet', value = '1/(t - 0.1)'}}]"),
        "domain.boundary[1].pressure.value",
        "gives inf at x = -0.09375, y = -0.03125, t = 0.1",
    ),
    (
        face("{type = 'by_variable', pressure = {type = 'dirichlet', value = '1/0'}}"),
        "domain.boundary.pressure.value",
        'found "1/0", which is inf',
    ),
    (face("{type = 'by_variable', presure = 'wall'}"), "domain.boundary.presure", 'did you mean "pressure"?'),
    (face("{type = 'by_variable', pressure = 'periodic'}"), "domain.boundary.pressure", "cannot be periodic"),
    (face("{type = 'by_variable', rest = 'wal'}"), "domain.boundary.rest", 'did you mean "wall"?'),
    (
        face("{type = 'split', where = 'x <', inside = 'wall', outside = 'outflow'}"),
        "domain.boundary.where",
        "broken expression",
    ),
    (
        face("{type = 'split', where = 'x < 1', inside = 'wall', outside = 'outflw'}"),
        "domain.boundary.outside",
        'did you mean "outflow"?',
    ),
    (face("{type = 'split', where = 'x < 1', inside = 'wall'}"), "domain.boundary.outside", "missing"),
    (face("{type = 'function', name = 'turned'}"), "domain.boundary.name", "expected 'module:function'"),
    (
        face("{type = 'function', name = 'amrax_test_laws:inflow'}"),
        "domain.boundary.name",
        "cannot be called as inflow(mirrored, x, y, t)",
    ),
    (
        face("{type = 'function', name = 'amrax_test_laws:upside_down'}"),
        "domain.boundary.name",
        "gives 2 values at each point, expected 4",
    ),
    # refinement and the picture
    ("refine.curvature=[{above = 1}, {abov = 1}]", "refine.curvature[1].abov", "did you mean above?"),
    ("refine.curvature=[{above = 1}, {}]", "refine.curvature[1].above", "missing"),
    ("refine.detail={above = 1, filter = 2}", "refine.detail.filter", "unknown key"),
    ("refine.detail={above = 1, variable = 'densty'}", "refine.detail.variable", 'did you mean "density"?'),
    (
        "refine.detail={above = 1, variable = 'pressure'}",
        "refine.detail.variable",
        'expected "density" or "momentum_x"',
    ),
    ("refine.loehner={filter = -1}", "refine.loehner.filter", "found -1, expected 0 or a small number"),
    ("refine.detail={above = 1, up_to = 0}", "refine.detail.up_to", "found 0, expected the highest level"),
    ("refine.detail={above = 1, below = 2}", "refine.detail.below", "at most above"),
    ("refine.lohner={}", "refine.lohner", "did you mean loehner?"),
    ("output.variable=pressure", "output.variable", 'found "pressure", expected "density" or'),
]


@pytest.mark.parametrize(("override", "key", "words"), [(m[0], m[1], m[2:]) for m in MISTAKES])
def test_each_mistake_is_told_with_its_key(write, override, key, words):
    extra = ["scheme.reconstruction=weno5"] if override == "mesh.patch=4" else []
    found = [report for report in reports(write(GAS), override, *extra) if report.startswith(f"{key}: ")]
    assert len(found) == 1
    for word in words:
        assert word in found[0]


def test_nothing_else_is_blamed_for_a_mistake_in_a_boundary(write):
    for override, key, *_ in MISTAKES:
        if override.startswith("domain.boundary=") and "value = {density = 1}" not in override:
            assert {report.split(": ")[0] for report in reports(write(GAS), override)} == {key}


def test_mistakes_in_boundaries_have_their_lines(write):
    text = GAS.replace('inside = "symmetry"', 'inside = "symetry"').replace('"x * t"', '"x * z"')
    with pytest.raises(ConfigError) as caught:
        load(write(text))
    places = [":".join(report.split(":")[1:3]) for report in caught.value.reports]
    assert places == ["9: domain.boundary[1][0].inside", "10: domain.boundary[1][1].value.velocity_x"]


def test_of_a_split_face_only_the_own_part_is_tried(write):
    part = "{type = 'inflow', value = {density = 'sqrt(0.5 - x)', velocity_x = 0, velocity_y = 0, pressure = 1}}"
    split = "{{type = 'split', where = 'x < {}', inside = {}, outside = 'wall'}}"
    load(write(GAS), [face(f"['outflow', {split.format(0.4, part)}]")])
    (report,) = reports(write(GAS), face(f"['outflow', {split.format(0.6, part)}]"))
    assert "inside.value.density: gives nan at x = 0.53125" in report


OTHER_MISTAKES = [
    ("shallow_water", ["equation.bottom=x +"], "equation.bottom", "broken expression"),
    ("shallow_water", ["equation.bottom=x"], "initial.eta", "makes no sense at x = 0.53125: eta = 0.5, u = 0"),
    ("shallow_water", ["equation.gravity=0"], "equation.gravity", "found 0, expected a number above 0"),
    ("shallow_water", ["initial.h=1"], "initial.h", 'expected "eta" or "u"'),
    ("acoustics", ["equation.sound_speed=-1"], "equation.sound_speed", "above 0"),
    ("acoustics", ["scheme.riemann=hllc"], "scheme.riemann", "Acoustics has no contact_speed"),
    ("acoustics", ["equation.gamma=2"], "equation.gamma", 'belongs to type = "euler", not to "acoustics"'),
    ("burgers", ["equation.variable=w", "equation.variables=['a']"], "equation", "found variable and variables"),
    ("burgers", ["equation.variables=['a', 'a']"], "equation", "different names"),
    ("burgers", ["equation.variables=[]"], "equation.variables", "expected a list of different names"),
    ("burgers", ["equation.variable=Levels"], "equation.variable", "another meaning"),
    ("burgers", ["scheme.riemann=hllc"], "scheme.riemann", "take HLL or Rusanov"),
    ("burgers", ["scheme.reconstruction=ppm", "scheme.limiter=mc"], "scheme.limiter", 'not to "ppm"'),
    ("advection", ["scheme.riemann=hll"], "scheme.riemann", "advection is upwinded exactly"),
    ("advection", ["scheme.primitive=true", "scheme.method=lines"], "scheme.primitive", "upwinded exactly"),
    ("advection", ["scheme.method=ctu", "scheme.integrator=rk4"], "scheme.integrator", 'belongs to method = "lines"'),
    ("advection", ["scheme.integrator=rk4", "scheme.bounded=true"], "scheme.bounded", "RK4 keeps no bounds"),
    ("advection", [face("{type = 'dirichlet', value = []}")], "domain.boundary.value", "found []"),
    ("advection", [face("{type = 'dirichlet', value = nan}")], "domain.boundary.value", "found nan"),
    ("advection", [face("{type = 'dirichlet', value = 'y'}")], "domain.boundary.value", "unknown name 'y'"),
]
SYSTEMS = {
    "advection": ("velocity = 1", 'phi = "sin(2*pi*x)"'),
    "burgers": ("", 'u = "1 + x"'),
    "acoustics": ("sound_speed = 2", 'p = "x"\nvx = 0'),
    "shallow_water": ('bottom = "0.1 * x"\nrest_level = 0.5', "eta = 0.5\nu = 0"),
    "euler": ("", "density = 1\nvelocity_x = 0.5\npressure = 1"),
}


def line(kind, boundary='"outflow"'):
    """A config in one dimension."""
    settings, initial = SYSTEMS[kind]
    return f"""\
[domain]
lower = 0
upper = 1
boundary = {boundary}
[mesh]
cells = 16
patch = 8
[equation]
type = "{kind}"
{settings}
[initial]
{initial}
[time]
end = 0.01
[output]
"""


@pytest.mark.parametrize(("kind", "overrides", "key", "words"), OTHER_MISTAKES)
def test_each_equation_and_scheme_tells_its_own_mistakes(write, kind, overrides, key, words):
    found = [report for report in reports(write(line(kind)), *overrides) if report.startswith(f"{key}: ")]
    assert len(found) == 1
    assert words in found[0]


def test_a_law_may_not_exist_in_so_many_dimensions(write):
    text = line("shallow_water").replace("lower = 0", "lower = [0, 0, 0]").replace("upper = 1", "upper = [1, 1, 1]")
    found = reports(write(text.replace("cells = 16", "cells = [16, 16, 16]")))
    assert any(
        report.startswith("equation.type: shallow_water: expected a whole number from 1 to 2") for report in found
    )


# --- what is right ----------------------------------------------------------------------------------------------------


def round_trip(path, *overrides):
    """The case, after a look whether its resolved config gives the same one."""
    case = load(path, overrides)
    resolved = path.parent / "resolved.toml"
    resolved.write_text(case.config.to_toml())
    again = load(resolved)
    assert again.config.model_dump() == case.config.model_dump()
    assert again.simulation.setup.mesh == case.simulation.setup.mesh
    assert hash(again.simulation.setup.mesh) == hash(case.simulation.setup.mesh)
    old, new = case.simulation.setup, again.simulation.setup
    assert jax.tree.structure(old) == jax.tree.structure(new)
    assert jax.tree.leaves(old) == jax.tree.leaves(new)
    return case


@pytest.mark.parametrize("kind", SYSTEMS)
@pytest.mark.parametrize("reconstruction", ["donor_cell", "muscl", "koren", "upwind3", "upwind5", "ppm", "weno5"])
def test_every_equation_and_reconstruction_resolves_to_itself(write, kind, reconstruction):
    case = round_trip(write(line(kind)), f"scheme.reconstruction={reconstruction}")
    table = case.config.scheme
    assert table.method == "lines"
    assert type(case.simulation.setup.scheme.reconstruction).__name__.lower() == reconstruction.replace("_", "")
    assert table.limiter == ("mc" if reconstruction == "muscl" else None)
    assert (table.riemann is None) == (kind == "advection")
    assert case.config.time.cfl == case.simulation.setup.cfl


@pytest.mark.parametrize("integrator", ["forward_euler", "ssprk2", "ssprk3", "ssprk54", "rk4"])
def test_every_integrator_resolves_to_itself(write, integrator):
    case = round_trip(write(line("burgers")), f"scheme.integrator={integrator}", "scheme.limiter=superbee")
    scheme = case.simulation.setup.scheme
    assert type(scheme.integrator).__name__.lower() == integrator.replace("_", "")
    assert isinstance(scheme.reconstruction.limiter, solvers.Superbee)


@pytest.mark.parametrize(
    ("kind", "solver"), [("euler", HLLC), ("shallow_water", HLLC), ("acoustics", Upwind), ("burgers", Rusanov)]
)
def test_a_law_gets_the_solver_that_suits_it(write, kind, solver):
    assert isinstance(load(write(line(kind))).simulation.setup.scheme.riemann, solver)
    assert isinstance(load(write(line(kind)), ["scheme.riemann=hll"]).simulation.setup.scheme.riemann, HLL)


def test_advection_stays_with_corner_transport_unless_told_otherwise(write):
    assert isinstance(load(write(line("advection"))).simulation.setup.scheme, solvers.CTU)
    case = round_trip(write(line("advection")), "scheme.integrator=ssprk3", "scheme.bounded=true")
    assert isinstance(case.simulation.setup.scheme, solvers.MethodOfLines)
    assert case.simulation.setup.scheme.bounded
    assert isinstance(
        load(write(line("advection")), ["scheme.method=lines"]).simulation.setup.scheme, solvers.MethodOfLines
    )


def test_several_scalars(write):
    text = line("advection").replace('phi = "sin(2*pi*x)"', 'a = "x"\nb = 1')
    case = round_trip(write(text), "equation.variables=['a', 'b']", "output.variable=b")
    assert case.simulation.setup.equation.names == ("a", "b")
    assert [float(v) for v in case.initial(0.25)] == [0.25, 1.0]
    values = "{a = 1, b = 't'}"
    round_trip(write(text), "equation.variables=['a', 'b']", face(f"{{type = 'inflow', value = {values}}}"))


BOUNDARIES = [
    '"periodic"', '"outflow"', '"wall"', '"symmetry"', '{type = "wall"}',
    '[["wall", "outflow"], "periodic"]',
    f'{{type = "dirichlet", value = {{{VALUES}}}}}',
    f'["outflow", {{type = "inflow", value = {{{MOVING}}}}}]',
    f'{{type = "inflow", value = "{NAME}:inflow"}}',
    f'{{type = "neumann", slope = {{{VALUES}}}}}',
    f'{{type = "function", name = "{NAME}:turned"}}',
    '{type = "by_variable", pressure = {type = "dirichlet", value = "1 + t"}, rest = "wall"}',
    '["wall", {type = "split", where = "x < 0.5 and t < 1", inside = "wall",'
    ' outside = {type = "split", where = "x < 0.7", inside = {type = "by_variable"}, outside = "outflow"}}]',
]  # fmt: skip


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_every_boundary_resolves_to_itself(write, boundary):
    text = GAS[: GAS.index("boundary =")] + f"boundary = {boundary}\n" + GAS[GAS.index("[mesh]") :]
    round_trip(write(text))


def test_boundaries_are_what_the_config_says(write):
    (left, right), (below, above) = load(write(GAS)).simulation.mesh.domain.boundaries
    assert (left, right) == (amr.Wall(), amr.Outflow())
    assert isinstance(below, amr.Split)
    assert (below.inside, below.outside) == (amr.Wall(), amr.Wall())
    assert bool(below.where(0.2, 0.0, 0.0)) > bool(below.where(0.3, 0.0, 0.0))
    density, along, across, pressure = above.value
    assert (density, across) == (1.4, 0.0)
    assert float(along(0.5, 1.0, 0.25)) == 0.125
    assert float(pressure(0.5, 1.0, 0.25)) == 1.05


def test_indicators_are_what_the_config_says(write):
    case = round_trip(write(GAS), "refine.detail={above = [1, 2], variable = 'momentum_x'}")
    first, second, detail, loehner = case.simulation.setup.refine.indicator.indicators
    assert isinstance(first, amr.Difference)
    assert (first.variable, first.below) == ("density", (0.01,))
    assert isinstance(second, amr.UpTo)
    assert (second.level, second.indicator.variable) == (1, "energy")
    assert isinstance(detail, amr.Detail)
    assert (detail.variable, detail.above) == ("momentum_x", (1.0, 2.0))
    assert isinstance(loehner, amr.Loehner)
    assert (loehner.filter, loehner.above) == (0.02, (0.8,))
    curvature = load(write(GAS), ["refine.curvature={above = 1, below = 0.5}"]).simulation.setup.refine.indicator
    assert any(isinstance(indicator, amr.Curvature) for indicator in curvature.indicators)


def test_one_function_may_give_all_variables(write):
    text = GAS[: GAS.index("[initial]")] + GAS[GAS.index("[scheme]") :]
    case = round_trip(write(text), f"initial.function={NAME}:gas")
    assert [float(value) for value in case.initial(0.5, 0.5)] == [1.5, 0.0, 0.0, 1.0]
    for name, words in (("three", "gives 3 values"), ("vacuum", "makes no sense"), ("inflow", "cannot be called")):
        (report,) = reports(write(text), f"initial.function={NAME}:{name}")
        assert report.startswith("initial.function: ")
        assert words in report
    assert "expected 'module:function'" in reports(write(text), "initial.function=1")[0]
    found = reports(write(GAS), f"initial.function={NAME}:gas")
    assert "initial.pressure: initial.function gives all variables already; leave one of both out" in found


# --- laws of one's own ------------------------------------------------------------------------------------------------


def test_a_law_of_ones_own(write):
    case = round_trip(write(ROAD))
    law = case.simulation.setup.equation
    assert (type(law).__name__, law.speed, law.names) == ("Traffic", 2.0, ("cars",))
    assert [path.name for path in case.modules] == [f"{NAME}.py"]
    assert isinstance(case.simulation.setup.scheme.riemann, Rusanov)
    summary = case.simulation.run(case.initial, 0.01).summary
    assert summary.variables["cars"].integral["relative_change"] == pytest.approx(0, abs=1e-14)


def test_a_law_may_be_an_instance_or_come_from_a_function(write):
    plain = ROAD.replace("arguments = {speed = 2.0}\n", "")
    assert round_trip(write(plain), f"equation.type={NAME}:road").simulation.setup.equation.speed == 1.0
    text = plain.replace("cars =", "a =").replace("[time]", "b = 1\n[time]")
    assert round_trip(write(text), f"equation.type={NAME}:several").simulation.setup.equation.names == ("a", "b")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ([f"equation.type={NAME}:Trafic"], "equation.type: "),
        ([f"equation.type={NAME}:Trafic"], "has no conservation law 'Trafic'; did you mean Traffic?"),
        ([f"equation.type={NAME}:number"], "has no conservation law 'number'"),
        ([f"equation.type={NAME}:"], "expected 'module:name'"),
        (["equation.type=no_such_module:Law"], "equation.type: no module"),
        (
            ["equation.arguments={sped = 2}"],
            "equation.arguments.sped: no argument of amrax_test_laws:Traffic; expected",
        ),
        (["equation.arguments={sped = 2}"], "equation.arguments.speed: missing"),
        (["equation.arguments={speed = [2]}"], "equation.arguments.speed: found [2], expected a number"),
        ([f"equation.type={NAME}:road"], "equation.arguments.speed: amrax_test_laws:road is a law already"),
        ([f"equation.type={NAME}:several", "equation.arguments={ndim = 1}"], "ndim: is 1 by the domain; leave it out"),
        ([f"equation.type={NAME}:no_law", "equation.arguments={}"], "gives a int, expected a solvers.ConservationLaw"),
        ([f"equation.type={NAME}:no_law"], "no argument of amrax_test_laws:no_law; it takes none"),
        ([f"equation.type={NAME}:fails", "equation.arguments={}"], "fails: KeyError"),
        ([f"equation.type={NAME}:Flat"], "Flat: flux along x gives an array of shape (16,), expected (1, 16)"),
        ([f"equation.type={NAME}:Wild"], "max_speed along x gives inf for the initial values at x = 0.03125"),
        ([f"equation.type={NAME}:Broken"], "Broken: flux along x fails: AttributeError"),
        ([f"equation.type={NAME}:Unnamed"], "equation.type: "),
        ([f"equation.type={NAME}:Reserved"], "equation.type: 'level' has another meaning"),
        (["equation.gamma=2"], 'equation.gamma: belongs to type = "euler", not to "module:name"'),
    ],
)
def test_laws_that_do_not_fit_are_reported(write, overrides, words):
    assert any(words in report for report in reports(write(ROAD), *overrides))


# --- the same run by hand ---------------------------------------------------------------------------------------------


def test_a_config_runs_as_the_same_choices_in_python_do(write):
    boundary = """[
    ["wall", {type = "by_variable", pressure = {type = "dirichlet", value = "1 - t"}, rest = "outflow"}], [
    {type = "split", where = "x < ramp", inside = "wall", outside = "outflow"},
    {type = "inflow", value = {density = 1.4, velocity_x = "x * t", velocity_y = -0.5, pressure = "1 + 0.1 * x"}}]]\n"""
    text = GAS[: GAS.index("boundary =")] + f"boundary = {boundary}" + GAS[GAS.index("[mesh]") :]
    case = load(write(text), ["mesh.max_level=0"])
    found = case.simulation.run(case.initial, 0.05)

    corner = amr.Split(lambda x, y, t: x < 0.25, amr.Wall(), amr.Outflow())
    top = amr.Dirichlet((1.4, lambda x, y, t: x * t, -0.5, lambda x, y, t: 1 + 0.1 * x))
    right = amr.ByVariable({"pressure": amr.Dirichlet(lambda x, y, t: 1 - t)})
    domain = amr.Domain((0, 0), (1, 1), boundary=[(amr.Wall(), right), (corner, top)])
    sim = solvers.Simulation(
        amr.Mesh(domain, (16, 16), patch=8),
        solvers.Euler(2, 1.4),
        solvers.MethodOfLines(solvers.MUSCL(solvers.MonotizedCentral()), solvers.HLLC()),
    )
    expected = sim.run(lambda x, y: (1 + 0.2 * x, 0.0, 0.1 * y, 1.0), 0.05)
    assert found.summary.steps == expected.summary.steps
    np.testing.assert_allclose(found.field.data, expected.field.data, rtol=1e-13, atol=1e-14)
    assert bool(jnp.isfinite(found.field.data).all())


def test_boundaries_of_equal_text_are_equal(write):
    one, two = (load(write(GAS, name)).simulation.mesh for name in ("a.toml", "b.toml"))
    assert one == two
    assert hash(one) == hash(two)
    other = load(write(GAS.replace("x < ramp", "x <= ramp"))).simulation.mesh
    assert one != other
