"""Config files of laws that diffuse: what is right becomes what Python would make, what is wrong is told by its key."""

import pytest
from config_texts import GAS, line, reports, writer
from test_config_laws import round_trip

import solvers
from solvers.config.build import load

PLATES = GAS.replace('type = "euler"', 'type = "navier_stokes"\nviscosity = "ramp / 25"').replace(
    GAS[GAS.index("boundary = ") : GAS.index("[mesh]")],
    'boundary = ["periodic", ["no_slip", {type = "no_slip", velocity = ["4*ramp", 0], temperature = 1.2}]]\n',
)


@pytest.fixture
def write(tmp_path):
    return writer(tmp_path)


def test_plates_of_a_config_are_those_of_python(write):
    case = round_trip(write(PLATES))
    setup, (lower, upper) = case.simulation.setup, case.simulation.setup.faces[1]
    assert (setup.equation.viscosity, setup.equation.gamma) == (0.01, 1.4)
    assert setup.equation.conductivity == pytest.approx(0.01 * 3.5 / 0.72)
    assert lower == solvers.NoSlip()
    assert upper == solvers.NoSlip((1.0, 0.0), temperature=1.2)
    assert isinstance(setup.scheme.integrator, solvers.SSPRK2)
    assert (case.config.scheme.diffusion, case.config.scheme.coupling) == ("explicit", "unsplit")
    assert case.simulation.run(case.initial, 0.02).summary.diffusion.method == "SSPRK2"


@pytest.mark.parametrize(
    ("override", "integrator"),
    [
        ("scheme.diffusion=rkl2", solvers.RKL2),
        ("scheme.diffusion=sdirk2", solvers.SDIRK2),
        ("scheme.integrator=rk4", solvers.RK4),
        ("scheme.riemann=rusanov", solvers.SSPRK2),
    ],
)
def test_methods_in_time(write, override, integrator):
    assert isinstance(round_trip(write(PLATES), override).simulation.setup.scheme.integrator, integrator)


def test_viscous_laws_may_be_split(write):
    scheme = round_trip(write(PLATES), "scheme.coupling=strang").simulation.setup.scheme
    assert isinstance(scheme.flow, solvers.MethodOfLines)
    assert isinstance(scheme.diffusion, solvers.RKL2)


@pytest.mark.parametrize("kind", ["burgers", "shallow_water"])
def test_viscosity_of_other_laws(write, kind):
    text = line(kind).replace(f'type = "{kind}"', f'type = "{kind}"\nviscosity = 0.05')
    assert round_trip(write(text)).simulation.setup.equation.viscosity == 0.05
    assert not load(write(line(kind))).simulation.setup.equation.diffuses


@pytest.mark.parametrize(
    ("override", "key", "message"),
    [
        ("equation.viscosity=-1", "equation.viscosity", "expected a finite number of 0 or more"),
        ("equation.prandtl=0", "equation.prandtl", "expected a number above 0"),
        ("equation={type = 'navier_stokes', viscosity = 1, prandtl = 1, conductivity = 1}", "equation", "one of them"),
        ("domain.boundary=[['no_slip', {type = 'no_slip', velocity = [1]}], 'wall']", "velocity", "one for each of 2"),
        (
            "domain.boundary=[['no_slip', {type = 'no_slip', velocity = ['x', 0]}], 'wall']",
            "velocity",
            "a finite number",
        ),
        ("domain.boundary=[['no_slip', {type = 'no_slip', temperature = -1}], 'wall']", "boundary[0][1]", "above 0"),
        ("domain.boundary=[['no_slip', {type = 'no_slip', speed = 1}], 'wall']", "speed", "unknown key"),
        ("scheme.method=ctu", "scheme.method", "solves advection only"),
    ],
)
def test_mistakes(write, override, key, message):
    report = "\n".join(reports(write(PLATES), override))
    assert key in report
    assert message in report
