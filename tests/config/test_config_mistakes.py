"""Every mistake in a config of systems, schemes, boundaries and laws of one's own is told with its key."""

import pytest
from config_texts import FLAME, GAS, NAME, ROAD, VALUES, face, line, reports, writer

from solvers.config.build import load
from solvers.config.mistakes import ConfigError


@pytest.fixture
def write(tmp_path):
    return writer(tmp_path)


MISTAKES = [
    # the equation
    (
        "equation.type=eulr",
        "equation.type",
        'expected "advection" or "diffusion" or "burgers" or',
        'did you mean "euler"?',
    ),
    ("equation.type=3", "equation.type", "found 3, expected"),
    ("equation.gamma=1", "equation.gamma", "found 1, expected a number above 1"),
    ("equation.gamma=5 / 0", "equation.gamma", "which is inf"),
    ("refine.regrid_int=2", "refine.regrid_int", "unknown key; did you mean gradient?"),  # and nothing about gradient
    ("equation.gama=2", "equation.gama", "unknown key; did you mean gamma?"),
    ("equation.velocity=[1, 0]", "equation.velocity", 'belongs to type = "advection" or "diffusion", not to "euler"'),
    (
        "equation.variable=u",
        "equation.variable",
        'belongs to type = "advection" or "diffusion" or "burgers", not to "euler"',
    ),
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
    ("shallow_water", ["equation.gravity=0"], "equation.gravity", "found 0, expected a number above 0"),
    ("shallow_water", ["initial.h=1"], "initial.h", 'expected "eta" or "u"'),
    ("acoustics", ["equation.sound_speed=-1"], "equation.sound_speed", "above 0"),
    ("acoustics", ["scheme.riemann=hllc"], "scheme.riemann", "Acoustics has no contact_speed"),
    (
        "acoustics",
        ["equation.gamma=2"],
        "equation.gamma",
        'belongs to type = "euler" or "navier_stokes", not to "acoustics"',
    ),
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


@pytest.mark.parametrize(("kind", "overrides", "key", "words"), OTHER_MISTAKES)
def test_each_equation_and_scheme_tells_its_own_mistakes(write, kind, overrides, key, words):
    found = [report for report in reports(write(line(kind)), *overrides) if report.startswith(f"{key}: ")]
    assert len(found) == 1
    assert words in found[0]


TOP = "['periodic', ['outflow', {}]]"
DIFFUSION_MISTAKES = [
    # what diffuses
    ("equation.diffusivity=-0.01", "equation.diffusivity", "found -0.01, expected a finite number of 0 or more"),
    ("equation.diffusivity=-k", "equation.diffusivity", 'found "-k", which is -0.1, expected'),
    ("equation.diffusivity=1/0", "equation.diffusivity", 'found "1/0", which is inf, expected'),
    ("equation.diffusivity=[0.1, -1]", "equation.diffusivity[1]", "found -1, expected"),
    ("equation.diffusivity=[0.1]", "equation.diffusivity", "found 1 entries, expected one for each variable: u, v"),
    ("equation.diffusivity=[]", "equation.diffusivity", "found nothing, expected"),
    ("equation.diffusivity=true", "equation.diffusivity", "found true, expected a number"),
    ("equation.diffusivity=0.5 - x", "equation.diffusivity", "gives -0.03125 at x = 0.53125, y = 0.03125, expected"),
    ("equation.diffusivity=0.005 - t", "equation.diffusivity", "gives -0.005 at x = 0.03125, y = 0.03125, t = 0.01"),
    ("equation.diffusivity=1/y", "equation.diffusivity", "gives inf at x = 0.03125, y = 0, expected finite numbers"),
    (
        "equation.diffusivity=u",
        "equation.diffusivity",
        "gives -0.03125 at x = 0.53125",
        "expected numbers of 0 or more",
    ),
    ("equation.diffusivity=log(u)", "equation.diffusivity", "gives nan at x = 0.53125"),
    ("equation.diffusivity=1 + w", "equation.diffusivity", "unknown name 'w'; known here: u, v, x, y, t"),
    ("equation.diffusivity=['u +', 1]", "equation.diffusivity[0]", "broken expression"),
    ("equation.diffusivity={}", "equation.diffusivity", "found {}, expected numbers"),
    ("equation.diffusivity={x = 1}", "equation.diffusivity.y", "missing, expected a diffusivity for each direction"),
    ("equation.diffusivity={x = 1, y = 1, z = 1}", "equation.diffusivity.z", 'no such direction; expected "x" or "y"'),
    ("equation.diffusivity={x = 1, y = -1}", "equation.diffusivity.y", "found -1"),
    ("equation.diffusivity={x = 1, y = [1, '-u']}", "equation.diffusivity.y", "gives -0.46875 at"),
    ("equation.diffusivity={x = 1, y = {}}", "equation.diffusivity", "y: found {}, expected a number"),
    (f"equation.diffusivity={NAME}:hidden", "equation.diffusivity", "cannot be called as hidden(u, x, y, t)"),
    (f"equation.diffusivity={NAME}:gas", "equation.diffusivity", "gives 4 values at each point, expected 1 or 2"),
    (f"equation.diffusivity={NAME}:decay", "equation.diffusivity", "gives an array of shape (2, 256)"),
    (f"equation.diffusivity=['{NAME}:cubic', 1]", "equation.diffusivity[0]", "one function for all components"),
    ("equation.mean=geometric", "equation.mean", 'expected "arithmetic" or "harmonic"'),
    ("equation.diffusion=1", "equation.diffusion", "unknown key; did you mean diffusivity?"),
    ("equation.velocity=[1]", "equation.velocity", "found 1 components, expected 2"),
    # what reacts
    ("equation.reaction=u", "equation.reaction", 'found "u", expected one rate for each variable: u, v'),
    ("equation.reaction=['u']", "equation.reaction", "found 1 entries, expected one for each variable: u, v"),
    ("equation.reaction={u = 0}", "equation.reaction.v", "missing, expected a rate for each variable"),
    ("equation.reaction={u = 0, v = 0, w = 0}", "equation.reaction.w", 'no such variable; expected "u" or "v"'),
    ("equation.reaction={u = 0, v = ['u']}", "equation.reaction", 'v: found ["u"], expected a number'),
    ("equation.reaction={u = 0, v = 'u*w'}", "equation.reaction.v", "unknown name 'w'"),
    ("equation.reaction=['1/(u - u)', 0]", "equation.reaction", "gives inf at x = 0.03125", "t = 0, expected finite"),
    (f"equation.reaction={NAME}:one_rate", "equation.reaction", "gives 1 values at each point, expected 2"),
    (f"equation.reaction={NAME}:gas", "equation.reaction", "cannot be called as gas(u, x, y, t)"),
    ("equation.stiff=1", "equation.stiff", "found 1, expected true or false"),
    ("equation.stiff=true", "equation.stiff", 'with scheme.coupling = "strang" only'),
    ("parameters.u=1", "parameters.u", "is the name of a variable of the equation as well"),
    # the scheme
    ("scheme.diffusion=rkl", "scheme.diffusion", 'did you mean "rkl2"?'),
    ("scheme.coupling=lie", "scheme.coupling", 'expected "unsplit" or "strang"'),
    ("scheme.stages=2", "scheme.stages", "found 2, expected at most this many stages"),
    ("scheme.tolerance=1e-6", "scheme.tolerance", 'belongs to diffusion = "backward_euler" or', 'not to "rkl2"'),
    ("scheme.tolerance=2", "scheme.tolerance", "found 2, expected a small number"),
    ("scheme.iterations=0", "scheme.iterations", "found 0, expected at most this many cycles"),
    ("scheme.ratio=0", "scheme.ratio", "found 0"),
    ("scheme.method=ctu", "scheme.method", 'does nothing else; take "lines", or coupling = "strang"'),
    ("scheme.riemann=hll", "scheme.riemann", "advection is upwinded exactly"),
    ("time.step=0", "time.step", "found 0, expected the longest step, a number above 0"),
    ("time.step=-1", "time.step", "found -1"),
    ("time.step=tiny", "time.step", "unknown name 'tiny'"),
    # boundaries
    (face(TOP.format("'robin'")), "domain.boundary[1][1]", '{type = "robin", a = 1.0, b = 0.1, value = 0.0}'),
    (face(TOP.format("{type = 'robin', a = 1}")), "domain.boundary[1][1].b", "missing, expected it as in"),
    (face(TOP.format("{type = 'robin', b = 1}")), "domain.boundary[1][1].a", "missing, expected it as in"),
    (face(TOP.format("{type = 'robin', a = 1, b = -1}")), "domain.boundary[1][1].a", "of the same sign and not both 0"),
    (face(TOP.format("{type = 'robin', a = 0, b = 0}")), "domain.boundary[1][1].a", "of the same sign and not both 0"),
    (face(TOP.format("{type = 'robin', a = 'x', b = 1}")), "domain.boundary[1][1].a", 'found "x", expected a finite'),
    (face(TOP.format("{type = 'robin', a = 1, b = [1]}")), "domain.boundary[1][1].b", "found [1], expected a number"),
    (face(TOP.format("{type = 'robin', a = 1, b = 1, c = 1}")), "domain.boundary[1][1].c", "unknown key of"),
    (
        face(TOP.format("{type = 'robin', a = 1, b = 1, value = 1}")),
        "domain.boundary[1][1].value",
        "expected a table with u and v",
    ),
    (
        face(TOP.format("{type = 'by_variable', u = {type = 'robin', a = 1, b = 1, value = '1/(y - y)'}}")),
        "domain.boundary[1][1].u.value",
        "gives inf at x = ",
    ),
    (
        face(TOP.format(f"{{type = 'function', name = '{NAME}:turned'}}")),
        "domain.boundary[1][1]",
        "say nothing about the flux of diffusion; give a value or a slope",
    ),
]


@pytest.mark.parametrize(("override", "key", "words"), [(m[0], m[1], m[2:]) for m in DIFFUSION_MISTAKES])
def test_each_mistake_about_diffusion_is_told_and_nothing_else_is(write, override, key, words):
    (found,) = reports(write(FLAME), override)
    assert found.startswith(f"{key}: ")
    for word in words:
        assert word in found


SEVERAL_KEYS = [
    (["equation.reaction=[0, 'u']", "equation.stiff=true"], "equation.stiff", "scheme.coupling"),
    (["scheme.diffusion=sdirk2", "scheme.stages=9"], "scheme.stages", 'belongs to diffusion = "rkl2", not to "sdirk2"'),
    (["scheme.diffusion=rkl2", "scheme.ratio=9"], "scheme.ratio", 'not to "rkl2"'),
    (["scheme.diffusion=explicit", "scheme.stages=9"], "scheme.stages", 'not to "explicit"'),
    (["scheme.diffusion=rkl2", "scheme.integrator=rk4"], "scheme.integrator", 'belongs to diffusion = "explicit"'),
    (["scheme.diffusion=rkl2", "scheme.bounded=true"], "scheme.bounded", "which a reaction leaves"),
    (
        ["scheme.coupling=strang", "scheme.method=ctu", "scheme.integrator=rk4"],
        "scheme.integrator",
        'belongs to method = "lines"',
    ),
    (["scheme.coupling=strang", "scheme.limiter=mc", "scheme.reconstruction=ppm"], "scheme.limiter", 'not to "ppm"'),
    (["initial.u=1/(x - x)", "equation.diffusivity=u", "equation.reaction=['u', 0]"], "initial.u", "gives inf"),
]


@pytest.mark.parametrize(("overrides", "key", "words"), SEVERAL_KEYS)
def test_keys_about_diffusion_must_fit_each_other(write, overrides, key, words):
    (found,) = reports(write(FLAME), *overrides)
    assert found.startswith(f"{key}: ")
    assert words in found


STILL = FLAME.replace("velocity = [1, 0]\n", "").replace('reaction = {u = "u * (1 - v)", v = 0}\n', "")
MOVING_ONLY = FLAME.replace('"diffusion"', '"advection"').replace('diffusivity = ["k * (1 + u**2)", 0.1]\n', "")


@pytest.mark.parametrize(
    ("text", "overrides", "key", "words"),
    [
        (STILL, ["scheme.coupling=strang"], "scheme.coupling", "there is neither"),
        (
            FLAME.replace("reaction", "# reaction"),
            ["scheme.diffusion=rkl2", "scheme.bounded=true"],
            "scheme.bounded",
            "RKL2 keeps no bounds",
        ),
        (STILL, ["scheme.limiter=mc"], "scheme.limiter", "nothing flows here"),
        (STILL, ["scheme.method=ctu"], "scheme.method", "nothing flows here"),
        (STILL, ["equation.stiff=true"], "equation.stiff", "is about a reaction, and there is none"),
        (MOVING_ONLY, ["scheme.diffusion=rkl2"], "scheme.diffusion", "nothing diffuses here; see equation.diffusivity"),
        (MOVING_ONLY, ["equation.mean=harmonic"], "equation.mean", "is that of a diffusivity, and there is none"),
        (STILL.replace("diffusivity", "# diffusivity"), [], "equation.diffusivity", "missing, expected a number or"),
        (line("advection"), ["scheme.diffusion=rkl2"], "scheme.diffusion", "nothing does here"),
        (line("advection"), ["scheme.coupling=strang"], "scheme.coupling", "nothing does here"),
        (line("euler"), ["scheme.diffusion=auto"], "scheme.diffusion", "nothing does here"),
        (line("euler"), ["equation.reaction=0"], "equation.reaction", 'belongs to type = "advection" or "diffusion"'),
        (
            line("burgers"),
            ["equation.diffusivity=0.1"],
            "equation.diffusivity",
            'belongs to type = "advection" or "diffusion", not to "burgers"',
        ),
        (
            line("diffusion").replace("phi =", "t ="),
            ["equation.variable=t", "equation.diffusivity=1 + x"],
            "equation.variable",
            "has a meaning of its own in expressions; rename it",
        ),
    ],
)
def test_keys_of_diffusion_belong_where_it_is(write, text, overrides, key, words):
    (found,) = reports(write(text), *overrides)
    assert found.startswith(f"{key}: ")
    assert words in found


def test_mistakes_about_diffusion_have_their_lines(write):
    text = FLAME.replace("0.1]", "-0.1]").replace('"u * (1 - v)"', '"u * (1 - w)"').replace('b = "k"', "b = -1")
    with pytest.raises(ConfigError) as caught:
        load(write(text))
    places = [":".join(report.split(":")[1:3]) for report in caught.value.reports]
    expected = ["6: domain.boundary[1][1].a", "15: equation.diffusivity[1]", "16: equation.reaction.u"]
    assert places == expected


def test_a_law_may_not_exist_in_so_many_dimensions(write):
    text = line("shallow_water").replace("lower = 0", "lower = [0, 0, 0]").replace("upper = 1", "upper = [1, 1, 1]")
    found = reports(write(text.replace("cells = 16", "cells = [16, 16, 16]")))
    assert any(
        report.startswith("equation.type: shallow_water: expected a whole number from 1 to 2") for report in found
    )


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ([f"equation.type={NAME}:Trafic"], "equation.type: "),
        ([f"equation.type={NAME}:Trafic"], "has no solvers.ConservationLaw 'Trafic'; did you mean Traffic?"),
        ([f"equation.type={NAME}:number"], "has no solvers.ConservationLaw 'number'"),
        ([f"equation.type={NAME}:"], "expected 'module:name'"),
        (["equation.type=no_such_module:Law"], "equation.type: no module"),
        (
            ["equation.arguments={sped = 2}"],
            "equation.arguments.sped: no argument of amrax_test_laws:Traffic; expected",
        ),
        (["equation.arguments={sped = 2}"], "equation.arguments.speed: missing"),
        (["equation.arguments={speed = [2]}"], "equation.arguments.speed: found [2], expected a number"),
        ([f"equation.type={NAME}:road"], "equation.arguments.speed: amrax_test_laws:road is an object already"),
        ([f"equation.type={NAME}:several", "equation.arguments={ndim = 1}"], "ndim: is 1 by the domain; leave it out"),
        ([f"equation.type={NAME}:no_law", "equation.arguments={}"], "gives a int, expected a solvers.ConservationLaw"),
        ([f"equation.type={NAME}:no_law"], "no argument of amrax_test_laws:no_law; it takes none"),
        ([f"equation.type={NAME}:fails", "equation.arguments={}"], "fails: KeyError"),
        ([f"equation.type={NAME}:Flat"], "Flat.flux gives an array of shape (3,) where (1, 3) is expected"),
        ([f"equation.type={NAME}:Rows"], "Rows.flux gives list, no array, where (1, 3) is expected"),
        ([f"equation.type={NAME}:Wild"], "max_speed along x gives inf, expected 0 or more (at x = 0.03125"),
        ([f"equation.type={NAME}:Broken"], "Broken.flux fails: AttributeError"),
        ([f"equation.type={NAME}:Unnamed"], "equation.type: "),
        ([f"equation.type={NAME}:Reserved"], "equation.type: 'level' has another meaning"),
        (["equation.gamma=2"], 'equation.gamma: belongs to type = "euler" or "navier_stokes", not to "module:name"'),
    ],
)
def test_laws_that_do_not_fit_are_reported(write, overrides, words):
    assert any(words in report for report in reports(write(ROAD), *overrides))
