"""Limiters, reconstructions, Riemann solvers, steppers, indicators and boundaries of the user's own in configs."""

import numpy as np
import pytest
from click.testing import CliRunner
from config_texts import line, reports
from jsonschema import Draft202012Validator

import amr
import solvers
from solvers.command.cli import main
from solvers.config.build import load
from solvers.config.file import read_source
from solvers.config.json_schema import schema
from solvers.config.mistakes import Mistakes

NAME = "amrax_test_own"
MODULE = """\
from typing import ClassVar

import jax.numpy as jnp

import amr
import solvers


class Albada(solvers.Limiter):
    small: float = 1.0

    def __call__(self, left, right):
        squares = jnp.where(left * right > 0, left**2 + right**2, self.small)
        return jnp.where(left * right > 0, left * right * (left + right) / squares, 0.0)


class Sharp(Albada):
    def __call__(self, left, right):
        return left.no_such_thing


class Wide(Albada):
    def __call__(self, left, right):
        return jnp.stack([left, right])


class Needy(solvers.Limiter):
    beta: float

    def __call__(self, left, right):
        return 0 * left


class Unfinished(solvers.Limiter):
    pass


class Fromm(solvers.Reconstruction):
    ghost: ClassVar[int] = 2
    order: ClassVar[int] = 2

    def ends(self, stencil):
        below, u, above = stencil
        return u - 0.25 * (above - below), u + 0.25 * (above - below)


class LaxFriedrichs(solvers.RiemannSolver):
    fastest: float = 3.0

    def __call__(self, law, left, right, d):
        count = len(law.names)
        change = right[:count] - left[:count]
        return 0.5 * (law.flux(left, d) + law.flux(right, d)) - 0.5 * self.fastest * change


class Midpoint(solvers.Integrator):
    stages: ClassVar = (solvers.Stage(keep=1.0, slope=0.5), solvers.Stage(keep=0.0, slope=1.0))
    order: ClassVar[int] = 2


class Slow(solvers.RKL2):
    pass


class Steep(amr.Indicator):
    share: float = 0.05

    def wishes(self, patch):
        change = abs(patch.cells("phi", 0, 1) - patch.cells("phi", 0, -1))
        return change > self.share, change > 0.4 * self.share


class Lost(Steep):
    def wishes(self, patch):
        return patch.cells("psi") > 0, patch.cells("psi") > 0


class TrafficLight(amr.Boundary):
    red: float

    def ghosts(self, beyond):
        stop = jnp.floor(beyond.t / self.red) % 2 == 0
        return jnp.where(stop, 0.5, jnp.broadcast_to(beyond.nearest, beyond.mirrored.shape))

    def relation(self, face):
        nothing = jnp.zeros_like(face.mirrored)
        return nothing, nothing + 1, nothing


class Short(TrafficLight):
    def ghosts(self, beyond):
        return beyond.nearest


class Wrapped(amr.Boundary):
    periodic: ClassVar[bool] = True

    def ghosts(self, beyond):
        return beyond.mirrored


def no_class(left, right):
    return left


mine = Needy(2.0)
light = TrafficLight(0.004)
slow = Slow(stages=5)
sharp = solvers.MUSCL(solvers.Superbee())
"""
PHI = line("advection").replace("patch = 8", "patch = 8\nmax_level = 1")
STEEP = f"refine.own={{type = '{NAME}:Steep', arguments = {{share = 0.1}}, up_to = 1}}"
LIGHT = f"domain.boundary=[['outflow', {{type = '{NAME}:TrafficLight', arguments = {{red = 0.004}}}}]]"


@pytest.fixture
def write(tmp_path):
    (tmp_path / f"{NAME}.py").write_text(MODULE)

    def written(text=PHI):
        path = tmp_path / "case.toml"
        path.write_text(text)
        return path

    return written


def resolved(path, *overrides):
    """The case, after a look whether its resolved config gives the same one, and is right by the schema."""
    case = load(path, overrides)
    again = path.parent / "resolved.toml"
    again.write_text(case.config.to_toml())
    assert load(again).config.model_dump() == case.config.model_dump()
    assert list(Draft202012Validator(schema()).iter_errors(read_source(again, (), Mistakes()).data)) == []
    assert f"{NAME}.py" in [module.name for module in case.modules]
    return case


def test_a_run_with_all_of_ones_own_resumes_to_the_last_bit(write, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings = [f"scheme.limiter={NAME}:Albada", STEEP, LIGHT, "output.picture=false"]
    commands = (
        ["run", str(write()), *settings, "output.directory=whole", "time.end=0.1", "output.every=0.05"],
        ["run", str(write()), *settings, "output.directory=parts", "time.end=0.05"],
        ["resume", "parts", "time.end=0.1"],
    )
    for n, command in enumerate(commands):
        if n == 2:
            (tmp_path / f"{NAME}.py").unlink()  # the run has a copy
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
    text = (tmp_path / "parts" / "config.toml").read_text()
    assert f'limiter = "{NAME}:Albada"' in text
    assert f'type = "{NAME}:Steep"' in text
    whole, parts = (amr.read(sorted((tmp_path / name).glob("*.vtkhdf"))[-1]) for name in ("whole", "parts"))
    assert (whole.step, float(whole.time)) == (parts.step, 0.1)
    np.testing.assert_array_equal(np.asarray(whole.data), np.asarray(parts.data))


def test_a_limiter_an_indicator_and_a_boundary_are_those_of_the_module(write):
    setup = resolved(write(), f"scheme.limiter={NAME}:Albada", STEEP, LIGHT).simulation.setup
    assert type(setup.scheme.limiter).__name__ == "Albada"
    assert setup.refine.level == 1
    assert float(setup.refine.indicator.share) == 0.1
    assert type(setup.faces[0][1]).__name__ == "TrafficLight"
    assert isinstance(setup.faces[0][0], amr.Outflow)


def test_objects_of_a_module_stand_as_they_are(write):
    setup = resolved(write(), f"scheme.limiter={NAME}:mine", f"domain.boundary={NAME}:light", STEEP).simulation.setup
    assert setup.scheme.limiter.beta == 2.0
    assert setup.faces[0][0].red == 0.004
    case = resolved(write(), f"scheme.reconstruction={NAME}:sharp", STEEP)
    assert isinstance(case.simulation.setup.scheme.reconstruction.limiter, solvers.Superbee)
    assert case.config.scheme.limiter is None


def test_parts_of_a_boundary_may_be_ones_own(write):
    parts = f"inside = {{type = '{NAME}:TrafficLight', arguments = {{red = 1}}}}, outside = '{NAME}:light'"
    case = resolved(write(), f"domain.boundary={{type = 'split', where = 'x < 0', {parts}}}", STEEP)
    faces = case.simulation.setup.faces
    assert (faces[0][0].inside.red, faces[0][0].outside.red) == (1, 0.004)


def test_the_parts_of_the_method_of_lines(write):
    own = [f"scheme.{key}={NAME}:{name}" for key, name in (
        ("reconstruction", "Fromm"), ("riemann", "LaxFriedrichs"), ("integrator", "Midpoint"))]  # fmt: skip
    case = resolved(write(line("shallow_water")), *own, "equation.bottom='0.1*x'")
    scheme = case.simulation.setup.scheme
    kinds = [type(part).__name__ for part in (scheme.reconstruction, scheme.riemann, scheme.integrator)]
    assert kinds == ["Fromm", "LaxFriedrichs", "Midpoint"]
    assert f"{NAME}:Fromm, {NAME}:LaxFriedrichs, {NAME}:Midpoint" in case.scheme


def test_a_stepper_of_diffusion(write):
    case = resolved(write(line("diffusion")), f"scheme.diffusion={NAME}:slow")
    assert case.simulation.setup.integrator.stages == 5
    assert case.config.scheme.stages is None


@pytest.mark.parametrize(
    ("override", "report"),
    [
        ("scheme.limiter=vanleer", 'scheme.limiter: found "vanleer", expected "mc" or "van_leer" or "minmod" or'),
        ("scheme.limiter=vanleer", 'or "module:name" (did you mean "van_leer"?)'),
        ("scheme.limiter=3", 'scheme.limiter: found 3, expected "mc"'),
        (f"scheme.limiter={NAME}:Albda", "scheme.limiter: "),
        (f"scheme.limiter={NAME}:Albda", "has no solvers.Limiter 'Albda'; did you mean Albada?"),
        (f"scheme.limiter={NAME}:Steep", f"has no solvers.Limiter 'Steep': it is <class '{NAME}.Steep'>"),
        (f"scheme.limiter={NAME}:no_class", "has no solvers.Limiter 'no_class': it is <function no_class"),
        (f"scheme.limiter={NAME}:Needy", "Needy needs 'beta'; name an object that is made already"),
        (f"scheme.limiter={NAME}:Unfinished", "scheme.limiter: fails: TypeError: Can't instantiate abstract class"),
        (f"scheme.limiter={NAME}:Sharp", "Sharp.__call__ fails: AttributeError: "),
        (f"scheme.limiter={NAME}:Sharp", f"({NAME}.py, line 19)"),
        (f"scheme.limiter={NAME}:Wide", "Wide.__call__ gives an array of shape (2, 6) where (6,) is expected"),
        ("scheme.limiter=no_such_module:A", "scheme.limiter: no module 'no_such_module'"),
        (f"scheme.integrator={NAME}:Slow", "scheme.integrator: Slow is for diffusion alone"),
        (f"refine.own={{type = '{NAME}:Step'}}", "has no amr.Indicator 'Step'; did you mean Steep?"),
        (
            f"refine.own={{type = '{NAME}:Steep', arguments = {{shar = 1}}}}",
            "refine.own.arguments.shar: no argument of",
        ),
        (f"refine.own=[{{type = '{NAME}:Steep'}}, {{type = '{NAME}:Lost'}}]", "refine.own[1].type: Lost: wishes fails"),
        ("refine.own={type = 'steep'}", "refine.own.type: found \"steep\", expected 'module:name'"),
        (f"domain.boundary={NAME}:TrafficLight", "domain.boundary.arguments.red: missing, "),
        (f"domain.boundary={{type = '{NAME}:light', arguments = {{red = 1}}}}", "is an object already and takes no"),
        (f"domain.boundary={{type = '{NAME}:light', argument = 1}}", "unknown key of"),
        (f"domain.boundary={{type = '{NAME}:TrafficLight', arguments = {{red = [1]}}}}", "red: found [1], expected"),
        (f"domain.boundary={{type = '{NAME}:TrafficLight', arguments = 3}}", "arguments: found 3, expected a table"),
        (
            f"domain.boundary={{type = '{NAME}:Short', arguments = {{red = 1}}}}",
            "Short.ghosts gives an array of shape",
        ),
        (f"domain.boundary={NAME}:Wrapped", "domain.boundary: Wrapped is periodic"),
    ],
)
def test_what_does_not_fit_is_told(write, override, report):
    assert any(report in found for found in reports(write(PHI.replace('"outflow"', '"wall"')), override))


def test_one_for_all_terms_is_no_stepper_of_diffusion(write):
    found = reports(write(line("diffusion")), f"scheme.diffusion={NAME}:Midpoint")
    assert any(report.startswith("scheme.diffusion: Midpoint is not of_diffusion") for report in found)


def test_an_implicit_stepper_that_does_not_fit_is_told_by_its_key(write):
    settings = ["equation.bottom='0.1*x'", "equation.viscosity=0.1", "scheme.diffusion=sdirk2"]
    (found,) = reports(write(line("shallow_water")), *settings)
    assert found.startswith("scheme.diffusion: SDIRK2 solves for what diffuses without coefficients of position")
