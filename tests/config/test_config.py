"""Config files: every mistake is reported with its place, and what is right becomes the objects it describes."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from config_texts import texts_in

import amr
from solvers.config.build import load
from solvers.config.mistakes import ConfigError
from solvers.equations.velocity import ConstantVelocity, FaceVelocity, StreamFunction
from solvers.schemes.limiter import Unlimited, VanLeer

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.toml"))

GOOD = """\
[parameters]
speed = 2.0
[domain]
lower = [0.0, 0.0]
upper = [1.0, 1.0]
boundary = ["periodic", ["outflow", "outflow"]]
[mesh]
cells = [32, 32]
patch = 8
max_level = 1
[equation]
velocity = ["speed", "0.5"]
[initial]
phi = "exp(-x**2)"
[exact]
phi = "exp(-(x - speed*t)**2)"
[scheme]
limiter = "van_leer"
[refine]
gradient = {above = 0.2, below = 0.1}
regions = [{lower = [0.2, 0.2], upper = [0.4, 0.4], level = 1}]
[time]
end = 1.0
cfl = 0.8
[output]
every = 0.25
"""


@pytest.fixture
def write(tmp_path):
    return texts_in(tmp_path)


def reports(path, *overrides):
    with pytest.raises(ConfigError) as caught:
        load(path, overrides)
    return caught.value.reports


# What stands in GOOD, what is put there instead, the key that is blamed, words of the message.
MISTAKES = [
    ("[mesh]", "[mash]", "mash", "unknown table; did you mean mesh?"),
    ("max_level = 1", "max_lvel = 1", "mesh.max_lvel", "unknown key; did you mean max_level?"),
    ("patch = 8", "patch = 8\nevery = 2", "mesh.every", "unknown key; did you mean output.every?"),
    ("above = 0.2, below = 0.1", "above = 0.2, blow = 0.1", "refine.gradient.blow", "did you mean below?"),
    ("patch = 8", 'patch = "8"', "mesh.patch", 'found "8", expected an even number'),
    ("patch = 8", "patch = 8.0", "mesh.patch", "found 8.0, expected an even number"),
    ("patch = 8", "patch = 7", "mesh.patch", "even"),
    ("patch = 8", "patch = true", "mesh.patch", "found true"),
    ("[32, 32]", "[32, 30]", "mesh.cells", "30 is no multiple of the patch size 8; try 32"),
    ("[32, 32]", "[32]", "mesh.cells", "expected 2 numbers"),
    ("[32, 32]", "[32, -32]", "mesh.cells[1]", "found -32"),
    ("max_level = 1", "max_level = -1", "mesh.max_level", "found -1, expected a whole number, 0 or more"),
    ("max_level = 1", "max_level = 40", "mesh.max_level", "too deep"),
    ("patch = 8", "patch = 8\ncapacity = 3", "mesh.capacity", "less than the 16 patches"),
    ("lower = [0.0, 0.0]", "lower = [0.0, nan]", "domain.lower[1]", "found nan"),
    ("upper = [1.0, 1.0]", "upper = [1.0, inf]", "domain.upper[1]", "found inf"),
    ("upper = [1.0, 1.0]", "upper = [1.0, -1.0]", "domain.upper", "greater than lower"),
    ("upper = [1.0, 1.0]", "upper = [1.0]", "domain.upper", "lower has 2"),
    ("upper = [1.0, 1.0]", "upper = [1.0, 'two']", "domain.upper[1]", "unknown name 'two'"),
    ('boundary = ["periodic"', 'boundary = ["peridic"', "domain.boundary[0]", 'did you mean "periodic"?'),
    ('["outflow", "outflow"]', '["outflow", "periodic"]', "domain.boundary", "opposite"),
    ("speed = 2.0", "speed = nan", "parameters.speed", "found nan, expected a finite number"),
    ("speed = 2.0", "speed = 2.0\nsin = 2", "parameters.sin", "choose another"),
    ("speed = 2.0", "speed = 2.0\n'a b' = 2", "parameters.a b", "found"),
    ('velocity = ["speed", "0.5"]', 'velocity = ["sped", "0.5"]', "equation.velocity[0]", "did you mean speed?"),
    ('velocity = ["speed", "0.5"]', 'velocity = ["speed"]', "equation.velocity", "found 1 components, expected 2"),
    ('velocity = ["speed", "0.5"]', "velocity = [1, nan]", "equation.velocity", "found nan"),
    ('velocity = ["speed", "0.5"]', "velocity = [1, {}]", "equation.velocity", "found {}"),
    ('velocity = ["speed", "0.5"]', 'velocity = ["1/(t-1)", "1"]', "equation.velocity", "gives inf at x = "),
    ('velocity = ["speed", "0.5"]', 'potential = ["x", "y", "1"]', "equation.potential", "three dimensions"),
    ('velocity = ["speed", "0.5"]', 'stream_function = "log(x)"', "equation.stream_function", "gives -inf at x = 0, "),
    ('velocity = ["speed", "0.5"]', 'velocity = "no_such_module:f"', "equation.velocity", "no module"),
    ('velocity = ["speed", "0.5"]', "", "equation", "found none, expected one of velocity"),
    (
        'velocity = ["speed"',
        'stream_function = "x"\nvelocity = ["speed"',
        "equation",
        "found velocity and stream_function",
    ),
    ('velocity = ["speed"', 'variable = "Levels"\nvelocity = ["speed"', "equation.variable", "another meaning"),
    ('phi = "exp(-x**2)"', 'phi = "exp(-x**2"', "initial.phi", "never closed"),
    ('phi = "exp(-x**2)"', 'phi = "exp(-t)"', "initial.phi", "unknown name 't'"),
    ('phi = "exp(-x**2)"', 'phi = "log(x - 0.5)"', "initial.phi", "gives nan at x = 0.015625, y = "),
    ('phi = "exp(-x**2)"', "phi = inf", "initial.phi", "found inf"),
    ('phi = "exp(-x**2)"', "phi = [1]", "initial.phi", "found [1]"),
    ('phi = "exp(-x**2)"', 'psi = "exp(-x**2)"', "initial.psi", "did you mean phi?"),
    ('phi = "exp(-x**2)"', "", "initial.phi", "missing"),
    ('phi = "exp(-(x - speed*t)**2)"', 'phi = "1/t"', "exact.phi", "gives inf at x = 0.015625, y = 0.015625, t = 0,"),
    ('"van_leer"', '"van_ler"', "scheme.limiter", 'did you mean "van_leer"?'),
    ('"van_leer"', '"mc"\nbounded = 1', "scheme.bounded", "expected true or false"),
    ('"van_leer"', '"mc"\nprecision = "float16"', "scheme.precision", '"float64" or "float32"'),
    ("below = 0.1", "below = 0.3", "refine.gradient.below", "at most above"),
    ("below = 0.1", "below = [0.1, 0.05]", "refine.gradient.below", "2 numbers where above has 1"),
    ("above = 0.2, below = 0.1", "below = 0.1", "refine.gradient.above", "missing, expected a number"),
    ("below = 0.1", 'variable = "psi"', "refine.gradient.variable", 'expected "phi"'),
    ("level = 1}", "level = 2}", "refine.regions[0].level", "found 2, expected at most mesh.max_level, 1"),
    ("level = 1}", "begin = 1.0}", "refine.regions[0]", "asks for nothing, expected level = 1 (at least) or up_to"),
    ("level = 1}", "level = 1, up_to = 0}", "refine.regions[0]", "expected up_to not below level"),
    ("level = 1}", "up_to = 0, begin = 1, end = 0.5}", "refine.regions[0].end", "expected a time after begin=1, got"),
    ("upper = [0.4, 0.4]", "upper = [0.4]", "refine.regions[0].upper", "lower has 2"),
    ("upper = [0.4, 0.4]", "upper = [0.1, 0.4]", "refine.regions[0].upper", "greater than lower"),
    ("lower = [0.2, 0.2], upper = [0.4", "lower = [2, 0.2], upper = [4", "refine.regions[0]", "outside the domain"),
    ("[refine]", "[refine]\nbuffer = 5", "refine.buffer", "0 to 4"),
    ("[refine]", "[refine]\ninterval = 6", "refine.interval", "at most 5"),
    ("end = 1.0", "end = -1.0", "time.end", "found -1.0, expected the end time, a number above 0"),
    ("end = 1.0", "", "time.end", "missing"),
    ("cfl = 0.8", "cfl = 1.5", "time.cfl", "found 1.5, expected a number above 0 and at most 1"),
    ("cfl = 0.8", "cfl = 0", "time.cfl", "found 0"),
    ("every = 0.25", "every = 0", "output.every", "found 0"),
    ("every = 0.25", "every = 1e-9", "output.every", "dumps"),
    ("every = 0.25", 'directory = ""', "output.directory", "the path of a folder"),
    ("every = 0.25", 'name = "a/b"', "output.name", 'found "a/b"'),
]


@pytest.mark.parametrize(("old", "new", "key", "words"), MISTAKES)
def test_each_mistake_is_reported_with_line_and_key(write, old, new, key, words):
    assert GOOD.count(old) == 1 or old in ("[mesh]",)
    text = GOOD.replace(old, new, 1)
    found = reports(write(text))
    at = text.count("\n", 0, text.index(new) if new else GOOD.index(old)) + 1
    lines = range(at - (new == "") - (key.count(".") == 0), at + new.count("\n") + 1)
    table = 1 + text[: text.index(f"[{key.split('.')[0]}]")].count("\n")
    blamed = [report for report in found if f": {key}: " in report]
    assert len(blamed) == 1, found
    assert words in blamed[0]
    path, line = blamed[0].split(": ")[0].rsplit(":", 1)
    assert path.endswith("case.toml")
    assert int(line) in {*lines, table}


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file(write):
    text = GOOD
    keys = (
        "mesh.max_lvel domain.boundary[0] equation.velocity[0] exact.phi scheme.limiter refine.gradient.below time.cfl"
    )
    by_key = {mistake[2]: mistake for mistake in reversed(MISTAKES)}
    wanted = [by_key[key] for key in keys.split()]
    for old, new, _, _ in wanted:
        text = text.replace(old, new, 1)
    found = reports(write(text), "output.evry=1")
    assert [report for report in found if not any(f": {key}: " in report for *_, key, _ in wanted)] == [found[-1]]
    assert len(found) == len(wanted) + 1
    assert found[-1] == "command line: output.evry: unknown key; did you mean every?"
    lines = [int(report.split(":")[1]) for report in found[:-1]]
    assert lines == sorted(lines)


def test_a_missing_table_is_a_mistake(write):
    found = reports(write("[mesh]\ncells = 16\n"))
    for table in ("domain", "equation", "initial", "time"):
        assert any(f":1: {table}: missing" in report for report in found)


def test_files_that_are_no_config(tmp_path, write):
    write(GOOD)
    assert "no such file (did you mean" in reports(tmp_path / "cose.toml")[0]
    assert "is a folder" in reports(tmp_path)[0]
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    assert "is no text" in reports(tmp_path / "binary")[0]
    assert ":2: broken TOML" in reports(write("[domain]\nlower = [1,, 2]\n"))[0]
    assert ":3: broken TOML" in reports(write("[mesh]\npatch = 8\npatch = 9\n"))[0]
    assert reports(write(""))


# --- overrides --------------------------------------------------------------------------------------------------------


def test_overrides_are_toml_or_bare_words(write):
    overrides = ["mesh.cells=[16, 24]", "scheme.limiter=none", "equation.velocity=[1, '2*t']", "time.end=2*pi"]
    config = load(
        write(GOOD), [*overrides, "initial.phi=x + 1", "refine.gradient.above=3", "output.picture=false"]
    ).config
    assert config.mesh.cells == (16, 24)
    assert config.scheme.limiter == "none"
    assert config.time.end == pytest.approx(2 * np.pi)
    assert config.initial == {"phi": "x + 1"}
    assert config.refine.gradient[0].above == (3,)
    assert config.refine.gradient[0].below == (0.1,)
    assert config.output.picture is False


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("mesh.patch", "mesh.patch: expected table.key=value"),
        ("=3", "expected table.key=value"),
        ("mesh..patch=3", "expected table.key=value"),
        ("mesh.cells=[64", "mesh.cells: broken TOML"),
        ("mesh.cells.x=3", "mesh.cells is [32, 32], no table"),
        ("mesh.patch=x", 'mesh.patch: found "x"'),
        ("meh.patch=8", "meh: unknown table; did you mean mesh?"),
        ("scheme.limiter=mc2\nend=3", "scheme.limiter: found"),
    ],
)
def test_mistakes_in_overrides_name_the_command_line(write, override, words):
    (report,) = reports(write(GOOD), override)
    assert report.startswith("command line: ")
    assert words in report


# --- what becomes of a config -----------------------------------------------------------------------------------------


def test_objects_are_what_the_config_says(write):
    case = load(write(GOOD))
    setup = case.simulation.setup
    assert setup.mesh == amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=(True, False)), (32, 32), patch=8, max_level=1)
    assert isinstance(setup.equation.velocity, ConstantVelocity)
    assert setup.equation.velocity.components == (2.0, 0.5)
    assert isinstance(setup.scheme.limiter, VanLeer)
    assert setup.scheme.bounded
    assert setup.cfl == 0.8
    gradient, region = setup.refine.indicators
    assert (gradient.above, gradient.below) == ((0.2,), (0.1,))
    assert region.level == 1
    assert case.output_times == (0.25, 0.5, 0.75)
    assert float(case.exact(0.5, 0.0, 0.25)) == pytest.approx(1.0)
    assert case.simulation.dtype == "float64"


def test_the_end_is_never_an_output_time_twice(write):
    times = load(write(GOOD), ["time.end=0.3", "output.every=0.1"]).output_times
    assert times == pytest.approx((0.1, 0.2))


def test_time_dependence_is_split_off_where_it_can_be(write):
    path = write(GOOD)
    swirl = load(path, ["equation.velocity=['-y*cos(t)', 'cos(t)*x']"]).simulation.setup.equation.velocity
    assert isinstance(swirl, FaceVelocity)
    assert float(swirl.amplitude(1.0)) == pytest.approx(np.cos(1.0))
    wave = load(path, ["equation.velocity=['sin(2*pi*(x - t))', '0']"]).simulation.setup.equation.velocity
    assert wave.amplitude is None
    assert float(wave.function(0.5, 0.0, 0.2)[0]) == pytest.approx(np.sin(0.6 * np.pi))


def test_no_limiter_means_no_bounds_unless_asked_for(write):
    path = write(GOOD)
    scheme = load(path, ["scheme.limiter=none"]).simulation.setup.scheme
    assert isinstance(scheme.limiter, Unlimited)
    assert not scheme.bounded
    assert load(path, ["scheme.limiter=none", "scheme.bounded=true"]).simulation.setup.scheme.bounded


def test_plain_numbers_will_do_in_one_dimension(write):
    text = '[domain]\nlower = -1\nupper = "half"\n[parameters]\nhalf = 1\n[mesh]\ncells = 16\n'
    case = load(write(text + '[equation]\nvelocity = 1\n[initial]\nphi = "x"\n[time]\nend = 1\n'))
    assert case.simulation.mesh == amr.Mesh(amr.Domain(-1, 1), 16)


def test_unequal_levels_of_refinement_need_an_indicator(write):
    text = GOOD[: GOOD.index("[refine]")] + GOOD[GOOD.index("[time]") :]
    (report,) = reports(write(text))
    assert "refine: asks for nothing, but mesh.max_level is 1" in report
    assert load(write(text), ["mesh.max_level=0"]).simulation.setup.refine is None


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configs_are_valid_and_their_resolved_form_means_the_same(path, tmp_path):
    case = load(path)
    resolved = tmp_path / "config.toml"
    resolved.write_text(case.config.to_toml())
    assert tomllib.loads(resolved.read_text())["output"]["directory"] == f"runs/{path.stem}"
    again = load(resolved)
    assert again.config == case.config
    assert again.output_times == case.output_times
    assert again.simulation.setup.mesh == case.simulation.setup.mesh


# --- functions of one's own -------------------------------------------------------------------------------------------

MODULE = """
import jax.numpy as jnp

def bump(x, y):
    return jnp.exp(-x**2 - y**2)

def moving(x, y, t):
    return -y * t, x * t

def steady(x, y):
    return -y, x

def scalar(x, y, t):
    return x * y * t

def bad_shape(x, y):
    return jnp.zeros(7)

def bad_value(x, y):
    return x / 0

def bad_call(x, y):
    return x.no_such_thing

def steepness(patch):
    return jnp.abs(patch.cells(0))
"""


@pytest.fixture
def with_module(write):
    write(MODULE, "amrax_test_functions.py")
    return write(GOOD)


def test_functions_are_found_beside_the_config(with_module):
    name = "amrax_test_functions"
    overrides = [f"initial.phi={name}:bump", f"equation.velocity={name}:moving"]
    case = load(with_module, [*overrides, f"refine.function={{name = '{name}:steepness', above = 0.5}}"])
    assert float(case.initial(0.0, 0.0)) == 1.0
    assert case.simulation.setup.equation.velocity.amplitude is None
    assert isinstance(case.simulation.setup.refine.indicators[1], amr.Custom)
    assert [path.name for path in case.modules] == [f"{name}.py"]
    steady = load(with_module, [f"equation.velocity={name}:steady"]).simulation.setup.equation.velocity
    assert float(steady.amplitude(0.3)) == 1.0


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("initial.phi=amrax_test_functions:bmp", "no function 'bmp'; did you mean bump?"),
        ("initial.phi=amrax_test_functions:moving", "cannot be called as moving(x, y)"),
        ("initial.phi=amrax_test_functions:bad_shape", "gives an array of shape (7,)"),
        ("initial.phi=amrax_test_functions:bad_value", "gives inf at x = "),
        ("initial.phi=amrax_test_functions:bad_call", "fails: AttributeError"),
        ("initial.phi=amrax_test_functions:steady", "gives 2 values at each point, expected 1"),
        ("initial.phi=amrax_test_functions:", "expected 'module:function'"),
        ("initial.phi=amrax_broken_module:f", "importing amrax_broken_module failed: SyntaxError"),
        ("exact.phi=amrax_test_functions:bump", "cannot be called as bump(x, y, t)"),
        ("equation.velocity=amrax_test_functions:scalar", "gives 1 values at each point, expected 2"),
        ("equation.velocity=['amrax_test_functions:scalar', '1']", "one function for all components"),
        ("refine.function={name = 'amrax_test_functions:bump', above = 1}", "cannot be called as bump(patch)"),
    ],
)
def test_functions_that_do_not_fit_are_reported(with_module, write, override, words):
    write("def f(x:", "amrax_broken_module.py")
    (report,) = reports(with_module, override)
    assert words in report


def test_a_stream_function_of_ones_own(with_module):
    text = GOOD.replace('velocity = ["speed", "0.5"]', 'stream_function = "amrax_test_functions:scalar"')
    with_module.write_text(text)
    outflow = load(with_module, ["domain.boundary='outflow'"])
    assert isinstance(outflow.simulation.setup.equation.velocity, StreamFunction)
    with pytest.raises(ConfigError, match=r"equation.stream_function: differs between x = 0 and x = 1"):
        load(with_module)


@pytest.mark.parametrize("flow", ["['x', '0']", "['cos(pi*x)', '0']"])
def test_what_leaves_a_periodic_domain_must_come_in_again(write, flow):
    with pytest.raises(ConfigError, match="one face in a periodic domain"):
        load(write(GOOD), [f"equation.velocity={flow}"])


@pytest.mark.parametrize(
    ("flow", "there"), [("['y', '0']", (0.75, 0.0)), ("['sin(2*pi*x)*t', '0']", (0.3 * np.sin(0.4 * np.pi), 0.0))]
)
def test_a_flow_that_repeats_is_fine_in_a_periodic_domain(write, flow, there):
    case = load(write(GOOD), [f"equation.velocity={flow}"])
    velocity = case.simulation.setup.equation.velocity
    found = [float(velocity.amplitude(0.3)) * float(part) for part in velocity.function(0.2, 0.75)]
    assert found == pytest.approx(there)
    assert case.simulation.mesh.domain.periodic == (True, False)
