"""Limiters, laws and boundaries of users that have a fault: told before anything is compiled, in their words."""

import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from laws import LAWS

import amr
import solvers
from amr.errors import InvalidSettingError
from solvers.equations import try_law

LINE = amr.Mesh(amr.Domain(0.0, 1.0), 16, patch=8)
OPEN = amr.Mesh(amr.Domain(0.0, 1.0, periodic=False), 16, patch=8)
BOX = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (16, 16), patch=8)


class Ratio(solvers.Limiter):
    def __call__(self, left, right):
        return jnp.maximum(0, left * right) / (left + right)  # 0 / 0 where data are flat


class Branching(solvers.Limiter):
    def __call__(self, left, right):
        return left if left.sum() > 0 else right


class Cars(solvers.ConservationLaw):
    names = ("cars",)

    def flux(self, u, d):
        return u * (1 - u)

    def max_speed(self, u, d):
        return jnp.abs(1 - 2 * u[0])


class Slow(Cars):
    def max_speed(self, u, d):
        return 0.1 + 0 * u[0]


class Backwards(Cars):
    def max_speed(self, u, d):
        return u[0] - 1


class Other(Cars):
    given = ("speed",)

    def primitive(self, u):
        return 1 - u


class Lossy(Other):
    def conserved(self, w):
        return 0.5 - w


class Wavering(Cars):
    def flux(self, u, d):
        if u[0, 0] > 0:
            return u
        return -u


class Growing(Cars):
    """Doubles its density in each step, beyond what it admits."""

    def source(self, u, place):
        return 100 * u

    def admissible(self, u):
        return u[0] < 2


class Beside(amr.Boundary):
    def ghosts(self, beyond):
        return beyond.nearest


class Related(amr.Boundary):
    def ghosts(self, beyond):
        return beyond.mirrored

    def relation(self, face):
        return face.no_such_thing


class Fixed(amr.Boundary):
    def __init__(self):
        self.value = 1.0

    def ghosts(self, beyond):
        return beyond.mirrored


class Outwards(amr.Boundary):
    """Falls by one for each unit of length away from the face."""

    def ghosts(self, beyond):
        assert beyond.d in (0, 1)
        assert beyond.outward in (-1, 1)
        face = 0.5 * (beyond.outward + 1)
        return beyond.nearest - beyond.outward * (beyond.x[beyond.d] - face)


def hill(x):
    return 0.4 + 0.2 * jnp.sin(2 * jnp.pi * x)


def road(law, **options):
    return solvers.Simulation(OPEN, law, **options)


def flow(scheme):
    return solvers.Simulation(LINE, solvers.Advection(1.0), scheme)


FAULTS = [
    (
        lambda: solvers.Simulation(LINE, solvers.Advection(1.0), solvers.CTU(Ratio())),
        "limiter",
        "Ratio.*nan for left = 0",
    ),
    (lambda: road(Cars(), scheme=solvers.MethodOfLines(solvers.MUSCL(Ratio()))), "limiter", "guard what is divided by"),
    (lambda: road(Wavering()), "type", "Wavering.flux asks for values .* jnp.where in the place of if.* line"),
    (lambda: road(Other()), "type", "speed, than are stored; it needs conserved"),
    (lambda: road(Slow()).run(hill, 0.1), "type", "max_speed along x is exceeded by signals of speed"),
    (lambda: road(Backwards()).run(hill, 0.1), "type", "max_speed along x gives -.*, expected 0 or more"),
    (lambda: road(Lossy()).run(hill, 0.1), "type", r"primitive\(conserved\(w\)\) is 0.5 off"),
    (lambda: road(Cars(), boundary=Related()), "boundary", "Related.relation fails: AttributeError"),
    (lambda: road(Cars(), boundary=Beside()), "boundary", r"Beside.ghosts .* \(1, 2, 1, 5\) where \(1, 2, 3, 5\)"),
]


@pytest.mark.parametrize(("make", "key", "words"), FAULTS, ids=[words for *_, words in FAULTS])
def test_a_fault_is_told(make, key, words):
    with pytest.raises(InvalidSettingError, match=words) as caught:
        make()
    assert caught.value.key == key


def test_branches_of_python_are_told_where_they_are_traced():
    with pytest.raises(InvalidSettingError, match=r"jnp\.where in the place of if.*\(test_own_parts.py, line"):
        amr.own.shapes_of("limiter", "Branching", Branching(), *(np.ones(3),) * 2)


def test_fields_are_declared():
    with pytest.raises(InvalidSettingError, match="declare what an object holds as fields of its class"):
        amr.own.shapes_of("boundary", "Fixed", lambda: Fixed().value)


@pytest.mark.parametrize(("law", "ndim"), LAWS)
def test_no_signal_of_a_law_is_faster_than_it_says(law, ndim):
    """Eigenvalues of the slopes of the fluxes, and conversions that are inverse to each other."""
    rng = np.random.default_rng(1)
    try_law(law, [0.5 + rng.random(32) for _ in law.names], [rng.random(32) for _ in range(ndim)])


def test_a_run_that_leaves_what_the_law_admits_ends_with_the_last_good_state():
    simulation = road(Growing(), scheme=solvers.MethodOfLines(Fine()), interval=1, boundary=amr.Wall())
    with pytest.raises(solvers.RunError, match=r"makes no sense to the law .* on level 0: cars = ") as caught:
        simulation.run(hill, 1.0)
    assert "Fine, Growing" in str(caught.value)
    assert caught.value.field.maximum() < 2


class Fine(solvers.Reconstruction):
    ghost = 1
    order = 1

    def ends(self, stencil):
        return stencil[0], stencil[0]


def test_a_boundary_knows_its_face():
    """Both ends, both dimensions: what falls away from the face is as if the field went on."""
    for d in (0, 1):
        simulation = solvers.Simulation(BOX, solvers.Advection((0.0, 0.0)), boundary=Outwards())
        grid = simulation.run(lambda *x, d=d: x[d], 0.0)
        assert np.isfinite(grid.field.uniform()).all()
    rest = solvers.Simulation(BOX, solvers.Advection((1.0, -0.5)), boundary=Outwards())
    assert np.isfinite(rest.run(lambda x, y: x + y, 0.1).field.uniform()).all()


ARGUMENTS = """
import amr, solvers
for make in (
    lambda: solvers.CTU("minmod"),
    lambda: solvers.MUSCL(solvers.Minmod),
    lambda: solvers.MethodOfLines("weno5"),
    lambda: solvers.MethodOfLines(integrator=solvers.SSPRK3),
):
    try:
        make()
    except amr.InvalidSettingError as error:
        print(error)
"""


def test_arguments_of_the_wrong_kind_are_told():
    """Without the checks of types that the tests have."""
    done = subprocess.run([sys.executable, "-c", ARGUMENTS], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert lines[0] == "limiter: expected a limiter such as solvers.MonotizedCentral(), got 'minmod'"
    assert lines[1].endswith("make an object of it: put () behind")
    assert lines[2].startswith("reconstruction: expected a reconstruction such as")
    assert lines[3].startswith("integrator: expected an integrator such as")
