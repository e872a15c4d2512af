"""Units of what fields hold: from texts and dimensions, in pictures, files and yt."""

import jax.numpy as jnp
import numpy as np
import pytest
import yt
from click.testing import CliRunner

import amr
import solvers
from solvers.command.cli import main
from solvers.config.build import load
from solvers.config.mistakes import ConfigError

yt.set_log_level("error")
GIVEN = amr.Units("pc", "Myr", "Msun", {"tracer": "1", "speed": "km/s"})
TEXT = """
[domain]
lower = [0.0, 0.0]
upper = [2.0, 1.0]
[mesh]
cells = [16, 8]
patch = 8
[equation]
type = "euler"
[initial]
density = "1 + x"
velocity_x = "0.3"
velocity_y = "0"
pressure = "1"
[time]
end = 0.01
[output]
derived = {pressure = "pressure", speed = "velocity_x"}
variable = "pressure"
[units]
"""


@pytest.mark.parametrize(
    ("unit", "power", "made"),
    [
        ("density", (-3, 0, 1), "Msun/pc**3"),
        ("momentum", (-2, -1, 1), "Msun/(pc**2*Myr)"),
        ("rate", (0, -1, 0), "1/Myr"),
        ("root", (0.5, 0, 0), "pc**0.5"),
        ("number", (0, 0, 0), "1"),
    ],
)
def test_units_follow_from_dimensions(unit, power, made):
    units = GIVEN.with_dimensions({unit: power})
    assert units.of(unit) == made
    assert amr.Units("pc").with_dimensions({unit: power}).of(unit) == (made if power[1] == power[2] == 0 else None)
    assert amr.Units(**units.record()) == units
    assert hash(amr.Units(**units.record())) == hash(units)
    assert eval(repr(GIVEN), {"Units": amr.Units}) == GIVEN


def test_labels():
    assert GIVEN.label("speed") == "speed [km/s]"
    assert GIVEN.label("tracer") == "tracer"
    assert GIVEN.with_dimensions({"density": (-3, 0, 1)}).label("density") == "density [Msun/pc³]"
    assert (GIVEN.place("x"), amr.Units().place("x")) == ("x [pc]", "x")
    assert (GIVEN.instant("t = 1"), GIVEN.at("z = 0")) == ("t = 1 Myr", "z = 0 pc")
    assert amr.Units("cm").with_dimensions({"k": (-1, 0, 0), "m": (2.5, 0, 0)}).label("m") == "m [cm^2.5]"


@pytest.mark.parametrize(
    "unit", ["", "cm cm", "cm**x", "cm+s", "exp(cm)", "cm**", "3 cm", "__import__('os')", "a" * 10**5 + "("]
)
def test_what_is_no_unit_is_told(unit):
    with pytest.raises(amr.InvalidSettingError, match='length: expected a unit such as "cm"'):
        amr.Units(length=unit)


@pytest.fixture(scope="module")
def gas():
    mesh = amr.Mesh(amr.Domain((0, 0), (2, 1), periodic=(True, False)), (16, 8), 8, 1)
    refine = amr.Difference(0.2, variable="density")
    sim = solvers.Simulation(mesh, solvers.Euler(2), refine=refine, units=GIVEN)
    blob = lambda x, y: 1 + jnp.exp(-((x - 1) ** 2 + (y - 0.5) ** 2) / 0.02)  # noqa: E731
    return sim.run(lambda x, y: (blob(x, y), 0.3 + 0 * x, 0.1 + 0 * x, 1 + 0 * x), 0.0)


def test_fields_keep_their_units(gas, tmp_path):
    field = gas.field
    assert field.units.of("energy") == "Msun/(pc*Myr**2)"
    path = tmp_path / "gas.vtkhdf"
    field.save(path)
    assert amr.read(path).units == field.units
    derived = field.with_variable("speed", lambda density: 0 * density)
    assert derived.units == field.coarsened(0).units == field.units
    ax = derived.plot("speed").axes[0]
    assert [ax.get_xlabel(), ax.get_ylabel(), ax.child_axes[0].get_ylabel()] == ["x [pc]", "y [pc]", "speed [km/s]"]
    assert ax.get_title(loc="left") == "t = 0 Myr"
    along = amr.plot.plot_line(field.line((0, 0.5), (2, 0.5)), "density").axes[0]
    assert (along.get_xlabel(), along.get_ylabel()) == ("x [pc]", "density [Msun/pc³]")


def test_yt_has_masses_and_velocities(gas, tmp_path):
    gas.field.save(tmp_path / "gas.vtkhdf")
    ds = yt.load(str(tmp_path / "gas.vtkhdf"))
    everything = ds.all_data()
    mass = float(everything["gas", "cell_mass"].sum().to("Msun"))
    assert mass == pytest.approx(gas.field.integral("density"), rel=1e-12)
    np.testing.assert_allclose(everything["gas", "velocity_x"].to("pc/Myr"), 0.3, rtol=1e-12)
    assert str(everything["gas", "total_energy_density"].to("erg/cm**3").units) == "erg/cm**3"
    assert ("gas", "pressure") not in ds.derived_field_list
    known = yt.load(str(tmp_path / "gas.vtkhdf"), parameters={"gamma": 1.4}).all_data()
    np.testing.assert_allclose(known["gas", "pressure"].to("Msun/(pc*Myr**2)"), 1.0, rtol=1e-12)
    assert float(ds.length_unit.to("pc")) == pytest.approx(1)
    assert ds.periodicity[:2] == (True, False)


def test_yt_knows_dimensions_without_units(tmp_path):
    mesh = amr.Mesh(amr.Domain(0, 1), 16, 8)
    field = solvers.Simulation(mesh, solvers.Euler(1)).run(lambda x: (2 + 0 * x, 0 * x, 1 + 0 * x), 0.0).field
    field.save(tmp_path / "gas.vtkhdf")
    everything = yt.load(str(tmp_path / "gas.vtkhdf")).all_data()
    assert float(everything["gas", "cell_mass"].sum().to("code_mass")) == pytest.approx(2)
    assert field.units.of("density") is None


def test_configs_name_units(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "gas.toml"
    file.write_text(TEXT + 'length = "pc"\ntime = "Myr"\nmass = "Msun"\nspeed = "km/s"\n')
    done = CliRunner().invoke(main, ["run", str(file)])
    assert done.exit_code == 0, done.output
    field = amr.read(tmp_path / "runs" / "gas" / "gas_0001.vtkhdf")
    plain = CliRunner().invoke(main, ["run", str(file), "output.derived={}", "output.name=plain", "units.speed=s"])
    assert "units.speed: no such variable" in plain.output
    assert field.units.of("speed") == "km/s"
    assert field.units.of("pressure") == "Msun/(pc*Myr**2)"
    # The ratio of specific heats is in the config.
    head, rest = TEXT.split("derived = ", 1)
    file.write_text(head + rest.split("\n", 2)[2] + 'length = "pc"\ntime = "Myr"\nmass = "Msun"\n')
    assert CliRunner().invoke(main, ["run", str(file), "output.name=plain", "time.end=1e-9"]).exit_code == 0
    (plain,) = (tmp_path / "runs").glob("*/plain_0000.vtkhdf")
    pressure = yt.load(str(plain)).all_data()["gas", "pressure"]
    np.testing.assert_allclose(pressure.to("Msun/(pc*Myr**2)"), 1.0, rtol=1e-9)
    told = CliRunner().invoke(main, ["info", "runs/gas/gas_0001.vtkhdf"]).output
    assert "length in pc, time in Myr, mass in Msun, speed in km/s" in told
    for line, message in (
        ('width = "cm"', "units.width: no such variable; expected "),
        ('density = "g per cm"', 'units.density: expected a unit such as "cm", "kg/m**3" or "1/s", got '),
        ("length = 3", "units.length: found 3, expected"),
    ):
        file.write_text(TEXT + line + "\n")
        with pytest.raises(ConfigError) as error:
            load(file)
        assert message in str(error.value)
