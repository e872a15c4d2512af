"""What is compiled anew, counted by JAX: nothing for other numbers, everything that may have changed."""

import dataclasses
import functools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import amr
import solvers
from solvers.run import programs
from solvers.run.arguments import taken
from solvers.run.programs import PROGRAMS, Programs

pytestmark = pytest.mark.usefixtures("no_programs")


# --- runs -------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Choices:
    """The numbers of a run of heat that is carried along between two walls of given temperature."""

    viscosity: float = 0.01
    velocity: float = 1.0
    above: float = 0.1
    below: float = 0.05
    left: float = 0.2
    pulse: float = 0.3
    height: float = 1.0
    longest: float = 0.02
    end: float = 0.05

    def run(self, level=1):
        pulse, height = self.pulse, self.height
        inflow = amr.Dirichlet(lambda x, t: pulse * jnp.sin(t))
        simulation = solvers.Simulation(
            amr.Mesh(amr.Domain(0, 1, periodic=False), 16, patch=8, max_level=level),
            solvers.Diffusion(self.viscosity, velocity=(self.velocity,)),
            solvers.MethodOfLines(integrator=solvers.SSPRK2()),
            refine=amr.Difference(self.above, self.below),
            boundary=[(amr.Dirichlet(self.left), inflow)],
            longest=self.longest,
        )
        return simulation.run(lambda x: height * jnp.exp(-100 * (x - 0.5) ** 2), self.end)


def test_a_loop_over_any_number_compiles_once(compiled):
    first = Choices().run()
    assert first.summary.compilations == 1
    assert first.summary.compile_seconds > 0
    before = len(compiled)
    for field in dataclasses.fields(Choices):
        values = [field.default * factor for factor in (0.5, 0.75, 1.25, 1.5, 1.75)]
        if field.name in ("above", "below"):  # in this order
            values = [field.default + step for step in (-0.03, -0.02, -0.01, 0.01, 0.02)]
        for value in values:
            solution = dataclasses.replace(Choices(), **{field.name: value}).run()
            assert solution.summary.compilations == 0
            assert solution.summary.compile_seconds == 0
    assert len(compiled) == before


def test_a_program_gives_for_other_numbers_what_one_of_their_own_gives(monkeypatch):
    Choices().run(level=0)
    other = Choices(0.02, -1.3, 0.07, 0.02, 0.4, 0.1, 0.8, 0.01, 0.04)
    known = other.run(level=0)
    PROGRAMS.forget()
    fresh = other.run(level=0)
    plain = programs.taken
    monkeypatch.setattr(programs, "taken", lambda value, numbers=True: plain(value, False))
    constant = other.run(level=0)
    assert [run.summary.compilations for run in (known, fresh, constant)] == [0, 1, 1]
    assert known.summary.steps == fresh.summary.steps == constant.summary.steps
    np.testing.assert_array_equal(known.field.data, fresh.field.data)
    np.testing.assert_allclose(known.field.data, constant.field.data, rtol=0, atol=1e-14)


HEIGHT = 1.0


def test_a_global_number_of_an_initial_condition_is_an_argument(compiled, monkeypatch):
    def initial(x):
        return HEIGHT * jnp.sin(2 * jnp.pi * x)

    simulation = solvers.Simulation(amr.Mesh(amr.Domain(0, 1), 16, patch=8), solvers.Advection(1.0))
    heights, counts = [], []
    for height in (1.0, 2.0, 3.0, 4.0, 5.0):
        monkeypatch.setattr("test_compilations.HEIGHT", height)
        heights.append(simulation.run(initial, 0.0).field.maximum() / height)
        counts.append(len(compiled))
    assert counts[0] == counts[-1]
    np.testing.assert_allclose(heights, heights[0], rtol=1e-15)


def test_amplitudes_of_a_stream_function(compiled):
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (8, 8), patch=8)
    counts, moved = [], []
    for amplitude in (0.1, 0.2, 0.3, 0.4, 0.5):
        flow = solvers.StreamFunction(
            lambda x, y, a=amplitude: a * jnp.sin(jnp.pi * x) ** 2 * jnp.sin(jnp.pi * y) ** 2, amplitude=jnp.cos
        )
        solution = solvers.Simulation(mesh, solvers.Advection(flow)).run(lambda x, y: x * (1 - x), 0.1)
        counts.append(len(compiled))
        moved.append(np.asarray(solution.field.data).std())
    assert counts[0] == counts[-1]
    assert len(set(moved)) == 5


def test_gammas_of_a_gas(compiled):
    mesh = amr.Mesh(amr.Domain(0, 1, periodic=False), 16, patch=8)
    counts, pressures = [], []
    for gamma in (1.2, 1.3, 1.4, 1.5, 1.6):
        solution = solvers.Simulation(mesh, solvers.Euler(1, gamma)).run(
            lambda x: (1.0, 0.0, jnp.where(x < 0.5, 1.0, 0.1)), 0.1
        )
        counts.append(len(compiled))
        pressures.append(solution.field.maximum("momentum_x"))
    assert counts[0] == counts[-1]
    assert len(set(pressures)) == 5


class Rooted(solvers.ConservationLaw):
    """A law that has to know its number."""

    names = ("u",)
    square: float

    def flux(self, u, d):
        return math.sqrt(self.square) * u

    def max_speed(self, u, d):
        return jnp.full_like(u[0], math.sqrt(self.square))


def test_a_law_that_asks_for_its_number_is_compiled_for_each():
    mesh = amr.Mesh(amr.Domain(0, 1), 16, patch=8)
    found = []
    for square in (1.0, 4.0, 1.0):
        solution = solvers.Simulation(mesh, Rooted(square)).run(lambda x: jnp.sin(2 * jnp.pi * x), 0.25)
        found.append((solution.summary.compilations, solution.summary.steps))
    assert [count for count, _ in found] == [1, 1, 0]
    assert found[0][1] == found[2][1] < found[1][1]


def test_a_mistake_is_told_as_before():
    simulation = solvers.Simulation(amr.Mesh(amr.Domain(0, 1), 16, patch=8), solvers.Advection(1.0))
    for _ in range(2):
        with pytest.raises(amr.InvalidSettingError, match="write it with"):
            simulation.run(lambda x: np.sin(x), 0.1)


# --- what must not be taken for the same ------------------------------------------------------------------------------

SCALE = 2.0
STEPS = 2


def helper(x):
    return SCALE * x


def outcome(function, x=3.0, **options):
    """What a function gives through a program that may be known, and whether it was."""
    prepared = PROGRAMS.prepare(lambda_call, function, jnp.asarray(x))
    return float(prepared(*prepared.arguments)), prepared.seconds is None


def lambda_call(function, x):
    return function(x)


def test_a_function_made_anew_is_known_with_other_numbers():
    found = [outcome(lambda x, a=a, b=b: a * x + b) for a, b in ((1.0, 0.5), (2.0, 0.25), (3.0, 0.125))]
    assert found == [(3.5, False), (6.25, True), (9.125, True)]


def test_a_changed_global(monkeypatch):
    def function(x):
        return helper(x) ** STEPS

    assert outcome(function) == (36.0, False)
    monkeypatch.setattr("test_compilations.SCALE", 1.0)
    assert outcome(function) == (9.0, True)
    monkeypatch.setattr("test_compilations.STEPS", 3)
    assert outcome(function) == (27.0, False)
    monkeypatch.setattr("test_compilations.helper", lambda x: x + 1)
    assert outcome(function) == (64.0, False)
    monkeypatch.setattr("test_compilations.helper", math.sin)
    with pytest.raises(TypeError):
        outcome(function)


def test_a_changed_variable_around():
    factor, shift = 2.0, 1

    def function(x):
        return factor * x + shift

    assert outcome(function) == (7.0, False)
    factor = 3.0
    assert outcome(function) == (10.0, True)
    shift = 2
    assert outcome(function) == (11.0, False)
    factor = jnp.asarray(4.0)
    assert outcome(function) == (14.0, False)


def test_a_changed_default():
    def function(x, factor=2.0, *, shift=1):
        return factor * x + shift

    assert outcome(function) == (7.0, False)
    function.__defaults__ = (3.0,)
    assert outcome(function) == (10.0, True)
    function.__kwdefaults__ = {"shift": 2}
    assert outcome(function) == (11.0, False)


def test_changed_code():
    def function(x):
        return 2.0 * x

    assert outcome(function) == (6.0, False)
    function.__code__ = (lambda x: 3.0 * x).__code__
    assert outcome(function) == (9.0, False)
    assert outcome(lambda x: 2.0 * x) == (6.0, False)


def test_a_list_that_changes():
    factors, table = [2.0], {"factor": 2.0}
    for function in (lambda x: factors[0] * x, lambda x: table["factor"] * x):
        factors[0] = table["factor"] = 2.0
        assert outcome(function) == (6.0, False)
        factors[0] = table["factor"] = 3.0
        assert outcome(function) == (9.0, False)


def test_an_object_that_changes():
    class Holder:
        factor = 2.0

        def __call__(self, x):
            return self.factor * x

    holder = Holder()
    for function in (holder, holder.__call__, lambda x: holder.factor * x, functools.partial(Holder.__call__, holder)):
        holder.factor = 2.0
        assert outcome(function) == (6.0, False)
        holder.factor = 3.0
        assert outcome(function) == (9.0, False)


def test_numbers_that_are_more_than_numbers():
    class Whole(int):
        def __mul__(self, other):
            return self.factor * other

    class Real(float):
        def __mul__(self, other):
            return self.factor * other

    for number in (Whole(2), Real(2.0)):

        def function(x, number=number):
            return number * x

        number.factor = 2.0
        assert outcome(function) == (6.0, False)
        number.factor = 3.0
        assert outcome(function) == (9.0, False)


def test_a_class_that_changes():
    class Holder:
        factor = 2.0

    def function(x):
        return Holder.factor * x

    assert outcome(function) == (6.0, False)
    assert outcome(function) == (6.0, True)
    Holder.factor = 3.0
    assert outcome(function) == (9.0, False)


def test_a_module_whose_method_changes(monkeypatch):
    class Scaled(eqx.Module):
        factor: float

        def __call__(self, x):
            return self.factor * helper(x)

    assert outcome(Scaled(1.0)) == (6.0, False)
    assert outcome(Scaled(2.0)) == (12.0, True)
    monkeypatch.setattr("test_compilations.SCALE", 1.0)
    assert outcome(Scaled(2.0)) == (6.0, False)
    Scaled.__call__ = lambda self, x: self.factor + x
    assert outcome(Scaled(2.0)) == (5.0, False)


def test_an_array_that_changes():
    table = np.array([1.0, 2.0])

    def function(x):
        return table[1] * x

    assert outcome(function) == (6.0, False)
    table[1] = 3.0
    assert outcome(function) == (9.0, True)
    table = np.array([1.0, 4.0, 0.0])
    assert outcome(function) == (12.0, False)
    table = np.array([1.0, 5.0, 0.0], np.float32)
    with jax.numpy_dtype_promotion("standard"):
        assert outcome(function) == (15.0, False)


def test_an_array_that_is_asked_for_its_numbers():
    table = np.array([1.0, 2.0])

    def function(x):
        return float(table[1]) * x

    assert outcome(function) == (6.0, False)
    table[1] = 3.0
    assert outcome(function) == (9.0, False)
    assert outcome(function) == (9.0, True)


def test_what_a_function_does_besides():
    seen = []

    def noting(x):
        seen.append(x)
        return x

    def counting(x):
        nonlocal count
        count += 1
        return count * x

    def drawing(x):
        return np.random.default_rng().uniform() * x

    count = 0
    assert [outcome(noting), outcome(noting), len(seen)] == [(3.0, False), (3.0, False), 2]
    assert [outcome(counting), outcome(counting)] == [(3.0, False), (6.0, False)]
    assert outcome(drawing) != outcome(drawing)


def test_functions_that_hold_functions():
    def twice(inner):
        return lambda x: inner(inner(x))

    def wrapped(factor):
        return functools.partial(lambda a, x, b: a * x + b, factor, b=1.0)

    assert outcome(twice(lambda x: 2.0 * x)) == (12.0, False)
    assert outcome(twice(lambda x: 3.0 * x)) == (27.0, False)
    assert outcome(wrapped(2.0)) == (7.0, False)
    assert outcome(wrapped(3.0)) == (10.0, True)
    assert outcome(jax.jit(lambda x: 2.0 * x))[0] == 6.0
    assert outcome(functools.wraps(helper)(lambda x: 3.0 * x)) == (9.0, False)


def test_whole_numbers_and_kinds_of_numbers_are_told_apart():
    def power(n):
        return lambda x: x**n

    found = [outcome(power(n)) for n in (2, 2, 3, 2.0, 3.0, True, np.float64(2.0))]
    assert found == [
        *((9.0, False), (9.0, True), (27.0, False)),
        *((9.0, False), (27.0, True), (3.0, False), (9.0, False)),
    ]


def test_settings_of_jax_count():
    def function(x):
        return 2.0 * x

    assert outcome(function) == (6.0, False)
    with jax.numpy_dtype_promotion("standard"):
        assert outcome(function) == (6.0, False)
    with jax.default_matmul_precision("highest"):
        assert outcome(function) == (6.0, False)
    assert outcome(function) == (6.0, True)


def test_python_numbers_stay_weakly_typed():
    prepared = PROGRAMS.prepare(lambda_call, lambda x, a=2.0: a * x, jnp.ones(3, jnp.float32))
    assert prepared(*prepared.arguments).dtype == jnp.float32


def test_few_programs_are_kept():
    store = Programs(2)
    sizes = (1, 2, 3, 3, 2, 1)
    found = [store.prepare(lambda_call, jnp.sin, jnp.ones(size)).seconds is None for size in sizes]
    assert found == [False, False, False, True, True, False]
    assert len(store.kept) == 2


def test_taking_apart_leaves_all_else_as_it_is():
    pair = (amr.Robin(1.0, 2.0, 3.0), amr.Neumann(0.5))
    assert taken(pair).leaves == [1.0, 2.0, 3.0, 0.5]
    assert taken(pair, numbers=False)[1:] == (pair, [], True)
    periodic = amr.Mesh(amr.Domain(0, 1), 16, patch=8)
    assert taken(periodic).template is periodic
    assert taken(periodic).key != taken(amr.Mesh(amr.Domain(0, 2), 16, patch=8)).key
