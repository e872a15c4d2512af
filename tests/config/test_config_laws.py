"""Config files of systems of equations, all schemes and boundaries: what is right becomes what Python would make."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from config_texts import GAS, MOVING, NAME, ROAD, SYSTEMS, VALUES, face, line, reports, writer

import amr
import solvers
from solvers.config.build import load
from solvers.schemes.riemann import HLL, HLLC, Rusanov, Upwind


@pytest.fixture
def write(tmp_path):
    return writer(tmp_path)


def round_trip(path, *overrides):
    """The case, after a look whether its resolved config gives the same one."""
    case = load(path, overrides)
    resolved = path.parent / "resolved.toml"
    resolved.write_text(case.config.to_toml())
    again = load(resolved)
    assert again.config.model_dump() == case.config.model_dump()
    assert again.simulation.setup.mesh == case.simulation.setup.mesh
    assert hash(again.simulation.setup.mesh) == hash(case.simulation.setup.mesh)
    # What was chosen is the same; that it was chosen is not.
    old, new = (dataclasses.replace(one.simulation.setup, why="") for one in (case, again))
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
    assert (table.riemann is None) == (kind in ("advection", "diffusion"))
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
    '"no_slip"', '[["wall", {type = "no_slip", velocity = [0, "2*ramp"], temperature = 1.5}], "no_slip"]',
    '["wall", {type = "split", where = "x < 0.5 and t < 1", inside = "wall",'
    ' outside = {type = "split", where = "x < 0.7", inside = {type = "by_variable"}, outside = "outflow"}}]',
]  # fmt: skip


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_every_boundary_resolves_to_itself(write, boundary):
    text = GAS[: GAS.index("boundary =")] + f"boundary = {boundary}\n" + GAS[GAS.index("[mesh]") :]
    round_trip(write(text))


def test_boundaries_are_what_the_config_says(write):
    (left, right), (below, above) = load(write(GAS)).simulation.setup.faces
    assert (left, right) == (amr.Wall(), amr.Outflow())
    assert isinstance(below, amr.Split)
    assert (below.inside, below.outside) == (amr.Wall(), amr.Wall())
    assert bool(below.where(0.2, 0.0, 0.0)) > bool(below.where(0.3, 0.0, 0.0))
    density, along, across, pressure = above.value
    assert (density, across) == (1.4, 0.0)
    assert float(along(0.5, 1.0, 0.25)) == 0.125
    assert float(pressure(0.5, 1.0, 0.25)) == 1.05


def test_gas_with_floors(write):
    floors = "\nleast_density = 1e-3\nleast_pressure = 1e-5"
    for kind in ('type = "euler"', 'type = "navier_stokes"\nviscosity = 0.01'):
        law = round_trip(write(GAS.replace('type = "euler"', kind + floors))).simulation.setup.equation
        assert (law.least_density, law.least_pressure) == (1e-3, 1e-5)


@pytest.mark.parametrize("rest", ["", "\nconductivity = 0.03", "\nprandtl = 1.0"])
def test_a_gas_with_friction(write, rest):
    text = GAS.replace('type = "euler"', f'type = "navier_stokes"\nviscosity = 0.01{rest}')
    case = round_trip(write(text))
    law = case.simulation.setup.equation
    assert isinstance(law, solvers.NavierStokes)
    assert float(law.viscosity) == 0.01
    assert float(law.conductivity) == pytest.approx({"": 0.035 / 0.72, "\nprandtl = 1.0": 0.035}.get(rest, 0.03))
    assert isinstance(case.simulation.setup.scheme.integrator, solvers.SSPRK2)


@pytest.mark.parametrize("kind", ["burgers", "shallow_water"])
def test_laws_may_be_viscous(write, kind):
    text = line(kind).replace(f'type = "{kind}"', f'type = "{kind}"\nviscosity = 0.01')
    setup = round_trip(write(text), "scheme.diffusion=rkl2").simulation.setup
    assert setup.equation.viscosity == 0.01
    assert isinstance(setup.integrator, solvers.RKL2)


def test_indicators_are_what_the_config_says(write):
    case = round_trip(write(GAS), "refine.detail={above = [1, 2], variable = 'momentum_x'}")
    first, second, detail, loehner = case.simulation.setup.refine.indicators
    assert isinstance(first, amr.Difference)
    assert (first.variable, first.below) == ("density", (0.01,))
    assert isinstance(second, amr.UpTo)
    assert (second.level, second.indicator.variable) == (1, "energy")
    assert isinstance(detail, amr.Detail)
    assert (detail.variable, detail.above) == ("momentum_x", (1.0, 2.0))
    assert isinstance(loehner, amr.Loehner)
    assert (loehner.filter, loehner.above) == (0.02, (0.8,))
    curvature = load(write(GAS), ["refine.curvature={above = 1, below = 0.5}"]).simulation.setup.refine
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
    domain = amr.Domain((0, 0), (1, 1), periodic=False)
    sim = solvers.Simulation(
        amr.Mesh(domain, (16, 16), patch=8),
        solvers.Euler(2, 1.4),
        solvers.MethodOfLines(solvers.MUSCL(solvers.MonotizedCentral()), solvers.HLLC()),
        boundary=[(amr.Wall(), right), (corner, top)],
    )
    expected = sim.run(lambda x, y: (1 + 0.2 * x, 0.0, 0.1 * y, 1.0), 0.05)
    assert found.summary.steps == expected.summary.steps
    np.testing.assert_allclose(found.field.data, expected.field.data, rtol=1e-13, atol=1e-14)
    assert bool(jnp.isfinite(found.field.data).all())


def test_boundaries_of_equal_text_are_equal(write):
    one, two = (load(write(GAS, name)).simulation.setup.faces for name in ("a.toml", "b.toml"))
    assert one == two
    other = load(write(GAS.replace("x < ramp", "x <= ramp"))).simulation.setup.faces
    assert one != other
