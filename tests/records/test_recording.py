"""What is recorded step by step is what the fields say, and recording changes nothing in a run."""

import csv
import json
import math
import os
import shutil
import tomllib
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner
from problems import bump, swirl_simulation

import amr
import solvers
from amr.errors import InvalidSettingError
from solvers.command.cli import main
from solvers.config.build import load
from solvers.config.mistakes import ConfigError
from solvers.records import recording
from solvers.records.files import RecordFile
from solvers.records.record import Recorded
from solvers.run.programs import PROGRAMS

END = 0.4
PROBES = [(0.5, 0.75), (0.0, 0.0), (1.0, 1.0), (0.49, 0.8)]


def choices():
    return {
        "totals": solvers.Record(solvers.Integrals(), solvers.Extrema()),
        "probes": solvers.Record(solvers.Points(PROBES), every_steps=3),
        "line": solvers.Record(solvers.Line((0, 0.25), (1, 0.75), 11), every=0.05),
        "slice": solvers.Record(solvers.Slice("x", 0.3, level=0), every=0.1),
    }


def swirling(**options):
    return swirl_simulation(16, 8, 1, amr.Value(1.1), interval=2, **options)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A run that is recorded, its fields at every regrid, and a checkpoint on the way. Buffers hold 3 rows."""
    PROGRAMS.forget()
    fields, folder = {}, tmp_path_factory.mktemp("checkpoints")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "MOST_ROWS", 3)
        solution = swirling().run(
            bump,
            END,
            outputs=[0.2],
            on_output=lambda field: fields.setdefault(field.step, field),
            every_steps=2,
            checkpoints=solvers.Checkpoints(folder, every_steps=6, keep=99),
            records=choices(),
        )
    PROGRAMS.forget()
    return solution, fields, sorted(folder.iterdir())


@pytest.fixture(scope="module")
def plain():
    """The same run without records."""
    PROGRAMS.forget()
    return swirling().run(bump, END, outputs=[0.2], on_output=lambda field: None, every_steps=2)


def whole_sum(field, name=0):
    """The integral without rounding."""
    leaves = field.patches()
    cells = leaves.values[:, field.index(name)].astype(np.float64) * leaves.dx.prod(1).reshape(
        -1, *(1,) * field.mesh.ndim
    )
    return math.fsum(cells.ravel())


def row(record, step):
    (found,) = np.flatnonzero(record.step == step)
    return found


# --- what is recorded -------------------------------------------------------------------------------------------------


def test_integrals_and_extrema_are_those_of_the_fields(recorded):
    solution, fields, _ = recorded
    totals = solution.records["totals"]
    assert len(fields) > 7
    for step, field in fields.items():
        at = row(totals, step)
        assert totals.time[at] == field.time
        assert totals["phi_integral"][at] == pytest.approx(field.integral(), rel=1e-15)
        assert totals["phi_integral"][at] == pytest.approx(whole_sum(field), rel=3e-16)
        assert totals["phi_min"][at] == field.minimum()
        assert totals["phi_max"][at] == field.maximum()
    assert np.ptp(totals["phi_integral"]) < 1e-14


@pytest.mark.parametrize("name", ["probes", "line", "slice"])
def test_values_at_points_are_those_of_the_fields(recorded, name):
    solution, fields, _ = recorded
    record = solution.records[name]
    points = choices()[name].points(swirling().mesh)
    common = [step for step in record.step if step in fields]
    assert len(common) > 2
    for step in common:
        assert (record["phi"][row(record, step)] == fields[step].sample(points)).all()
    assert record["phi"].shape == (len(record), *points.shape[:-1])


def test_rows_come_when_they_are_due(recorded):
    solution, _, _ = recorded
    records, last = solution.records, solution.summary.steps
    assert (records["totals"].step == np.arange(last + 1)).all()
    assert (records["probes"].step == sorted({*range(0, last + 1, 3), last})).all()
    times = records["totals"].time
    for name, every in (("line", 0.05), ("slice", 0.1)):
        due = [int(np.argmax(times >= n * every - 1e-12)) for n in range(round(END / every) + 1)]
        assert list(records[name].step) == due
    assert times[-1] == END


def test_recording_changes_nothing(recorded, plain):
    solution, _, _ = recorded
    # Two programs: without optimization each may contract products and sums in its own way.
    np.testing.assert_allclose(solution.field.data, plain.field.data, rtol=0, atol=4e-15)
    assert solution.summary.steps == plain.summary.steps
    assert solution.summary.compilations == plain.summary.compilations == 1
    assert plain.records == {}


@pytest.mark.slow
@pytest.mark.skipif("AMRAX_TESTS_OPTIMIZED" not in os.environ, reason="of programs as users have them")
def test_recording_changes_no_bit(recorded, plain):
    np.testing.assert_array_equal(recorded[0].field.data, plain.field.data)


def test_a_resumed_run_records_what_the_whole_one_does(recorded):
    solution, _, checkpoints = recorded
    file = checkpoints[len(checkpoints) // 2]
    step = amr.io.read(file).step
    resumed = swirling().resume(
        file, END, outputs=[0.2], on_output=lambda field: None, every_steps=2, records=choices()
    )
    assert 0 < step < solution.summary.steps
    for name, whole in solution.records.items():
        later = whole.step > step
        part = resumed.records[name]
        assert (part.step == whole.step[later]).all()
        assert (part.time == whole.time[later]).all()
        for column in whole.values:
            assert (part[column] == whole[column][later]).all()


def test_a_pool_that_grows_loses_no_row():
    mesh = amr.Mesh(amr.Domain(0, 1, periodic=False), 128, 4, 2, capacity=64)
    spreading = solvers.Advection(lambda x, t: (3 * (x - 0.5),))
    simulation = solvers.Simulation(mesh, spreading, solvers.MethodOfLines(), amr.Value(0.01))
    totals, told = solvers.Record(solvers.Integrals()), []
    solution = simulation.run(
        lambda x: jnp.exp(-(((x - 0.5) / 0.03) ** 2)),
        0.5,
        records={"totals": totals},
        progress=lambda progress: told.append(progress.step if progress.message else 0),
    )
    found = solution.records["totals"]
    assert max(told) > 0
    assert solution.summary.growths > 0
    assert (found.step == np.arange(solution.summary.steps + 1)).all()
    assert np.ptp(found["phi_integral"]) < 1e-14


def test_single_precision_in_three_dimensions_sums_with_twice_the_digits():
    mesh = amr.Mesh(amr.Domain((0, 0, 0), (1, 2, 1)), (8, 16, 8), 4)
    simulation = solvers.Simulation(mesh, solvers.Advection((1.0, 0.5, -0.25)), dtype="float32", interval=1)
    points = [(0.1, 1.9, 0.3), (0.5, 1.0, 0.5)]
    fields = {}
    solution = simulation.run(
        lambda x, y, z: jnp.exp(-20 * ((x - 0.5) ** 2 + (y - 1) ** 2 + (z - 0.5) ** 2)),
        0.1,
        on_output=lambda field: fields.setdefault(field.step, field),
        every_steps=1,
        records={
            "totals": solvers.Record(solvers.Integrals(), solvers.Points(points)),
            "plane": solvers.Record(solvers.Slice("z", 0.5), every=0.02),
        },
    )
    totals, plane = solution.records["totals"], solution.records["plane"]
    assert list(totals.step) == list(fields)
    for step, field in fields.items():
        assert totals["phi_integral"][row(totals, step)] == pytest.approx(whole_sum(field), rel=1e-13)
        assert (totals["phi"][row(totals, step)] == field.sample(np.array(points))).all()
    assert plane["phi"].shape[1:] == (8, 16)
    assert (plane["phi"][-1] == fields[plane.step[-1]].slice("z", 0.5).values).all()


def test_steps_between_regrids_are_recorded_as_they_are():
    """On a mesh that does not change the division into rounds is of no matter."""
    mesh = amr.Mesh(amr.Domain(0, 1), 32, 16)
    initial = lambda x: 1.0 + 0.5 * jnp.sin(2 * jnp.pi * x)  # noqa: E731
    fields, records = [], {"all": solvers.Record(solvers.Extrema(), solvers.Points([0.1, 0.7]))}
    steps = solvers.Simulation(mesh, solvers.Burgers(), interval=1)
    steps.run(initial, 0.05, on_output=fields.append, every_steps=1)
    rounds = solvers.Simulation(mesh, solvers.Burgers(), interval=4).run(initial, 0.05, records=records)
    found = rounds.records["all"]
    assert list(found.step) == [field.step for field in fields]
    assert list(found.time) == [field.time for field in fields]
    name = fields[0].names[0]
    assert (found[name] == [field.sample(np.array([0.1, 0.7])) for field in fields]).all()
    assert (found[f"{name}_max"] == [field.maximum() for field in fields]).all()


def test_nothing_to_do_records_the_start():
    simulation = solvers.Simulation(amr.Mesh(amr.Domain(0, 1), 16, 8), solvers.Advection(1.0))
    solution = simulation.run(jnp.ones_like, 0.0, records={"totals": solvers.Record(solvers.Integrals())})
    assert list(solution.records["totals"].step) == [0]


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_times_next_to_a_multiple_are_there(dtype):
    tape = recording.Tape((), None, 0.1)
    for n in range(1, 50):
        time = jnp.asarray(n * 0.1, dtype)
        assert float(tape.number(jnp.asarray(0), time)) == n
        assert float(tape.number(jnp.asarray(0), time * jnp.asarray(1 - 1e-5, dtype))) == n - 1


# --- what people get --------------------------------------------------------------------------------------------------


def test_a_record_is_easy_to_handle(recorded, tmp_path):
    probes = recorded[0].records["probes"]
    assert repr(probes) == f"Recorded {len(probes)} rows, t = 0 to 0.4: phi[4]"
    assert list(probes.columns()) == ["step", "time", "phi_0", "phi_1", "phi_2", "phi_3"]
    with pytest.raises(InvalidSettingError, match="did you mean 'phi'"):
        probes["phj"]
    probes.to_csv(tmp_path / "probes.csv")
    table = np.genfromtxt(tmp_path / "probes.csv", delimiter=",", names=True)
    assert (table["phi_2"] == probes["phi"][:, 2]).all()
    assert (table["time"] == probes.time).all()
    assert len(probes.plot(["phi_1"]).axes) == 1
    assert "every_steps=3" in repr(choices()["probes"])


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: solvers.Record(), "record"),
        (lambda: solvers.Record("integrals"), "record"),
        (lambda: solvers.Record(solvers.Points([[0, 0]]), solvers.Slice("x", 0.5)), "record"),
        (lambda: solvers.Record(solvers.Integrals(), every=0.1, every_steps=1), "every"),
        (lambda: solvers.Record(solvers.Integrals(), every=-1), "every"),
        (lambda: solvers.Record(solvers.Integrals(), every_steps=0), "every_steps"),
    ],
)
def test_records_that_make_no_sense_are_refused(make, key):
    with pytest.raises(InvalidSettingError) as caught:
        make()
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("measure", "key"),
    [
        (solvers.Points([(2.0, 0.0)]), "points"),
        (solvers.Points([(0.5,)]), "points"),
        (solvers.Points([]), "points"),
        (solvers.Points([("a", "b")]), "points"),
        (solvers.Line((0, 0), (0, 0)), "end"),
        (solvers.Line((0, 0), (0, 2)), "end"),
        (solvers.Line((0, 0), (0, 1), 1), "count"),
        (solvers.Slice("z", 0.5), "axis"),
        (solvers.Slice("x", 1.5), "at"),
        (solvers.Slice("x", 0.5, level=3), "level"),
    ],
)
def test_measures_that_do_not_fit_are_refused_before_the_run(measure, key):
    with pytest.raises(InvalidSettingError) as caught:
        swirling().run(bump, 1.0, records={"wrong": solvers.Record(measure)})
    assert caught.value.key == key


def test_columns_of_the_same_name_are_refused():
    mesh = amr.Mesh(amr.Domain(0, 1), 16, 8)
    simulation = solvers.Simulation(mesh, solvers.Advection(1.0, names=("phi", "phi_min")))
    with pytest.raises(InvalidSettingError, match="two columns would be called phi_min"):
        simulation.run(lambda x: (x, x), 1.0, records={"one": solvers.Record(solvers.Extrema(), solvers.Points([0.5]))})


# --- files ------------------------------------------------------------------------------------------------------------

TINY = """\
[domain]
lower = 0.0
upper = 1.0
[mesh]
cells = 16
patch = 8
max_level = 1
[equation]
velocity = 1.0
[initial]
phi = "exp(-((x - 0.5) / 0.1)**2)"
[refine]
value = {above = 0.1}
[time]
end = 0.5
[output]
picture = false
derived = {square = "phi**2"}
[checkpoint]
every_steps = 8
keep = 99
[record.totals]
integrals = true
extrema = true
[record.probe]
points = [0.5, 0.25]
every_steps = 3
[record.cut]
line = {from = 0.0, to = 1.0, points = 5}
every = 0.1
[record.table]
line = {from = 0.0, to = 1.0, points = 3}
every_steps = 10
format = "csv"
"""
RECORDS = ["tiny_cut.json", "tiny_cut.jsonl", "tiny_probe.csv", "tiny_probe.json", "tiny_table.csv", "tiny_table.json",
           "tiny_totals.csv"]  # fmt: skip


def amrax(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run from a config."""
    place = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("AMRAX_CACHE_DIR", "")
        (place / "tiny.toml").write_text(TINY)
        with jnp_promotion():
            done = amrax("run", "tiny.toml")
    assert done.exit_code == 0, done.output
    return place / "runs" / "tiny"


def jnp_promotion():
    """Formulas mix dtypes freely."""
    import jax

    return jax.numpy_dtype_promotion("standard")


def table(path):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def test_a_run_leaves_files_that_programs_read(finished):
    assert sorted(path.name for path in finished.glob("tiny_*.[cj]*")) == RECORDS
    totals, probe = table(finished / "tiny_totals.csv"), table(finished / "tiny_probe.csv")
    assert list(totals) == ["step", "time", "phi_integral", "square_integral", "phi_min", "phi_max", "square_min",
                            "square_max"]  # fmt: skip
    assert list(probe) == ["step", "time", "phi_0", "phi_1", "square_0", "square_1"]
    derived = load(finished / "config.toml").derived
    first, last = (amr.io.read(finished / f"tiny_{n:04d}.vtkhdf") for n in (0, 1))
    for field, at in ((first, 0), (last, -1)):
        assert totals["phi_integral"][at] == pytest.approx(field.integral(), rel=1e-15)
        more = derived.added_to(field)
        assert totals["square_integral"][at] == pytest.approx(more.integral("square"), rel=1e-14)
        assert totals["square_max"][at] == pytest.approx(more.maximum("square"), rel=1e-14)
        assert [probe["phi_0"][at], probe["phi_1"][at]] == list(field.sample(np.array([0.5, 0.25])))
    lines = [json.loads(line) for line in (finished / "tiny_cut.jsonl").read_text().splitlines()]
    assert [list(line) for line in lines] == [["step", "time", "phi", "square"]] * 6
    assert lines[-1]["phi"] == list(last.sample(np.linspace(0, 1, 5)))
    assert json.loads((finished / "tiny_cut.json").read_text()) == {"points": [[0.0], [0.25], [0.5], [0.75], [1.0]]}
    assert list(table(finished / "tiny_table.csv"))[2:5] == ["phi_0", "phi_1", "phi_2"]


def test_the_resolved_config_says_when_and_how(finished):
    config = tomllib.loads((finished / "config.toml").read_text())["record"]
    assert (config["totals"]["every_steps"], config["totals"]["format"]) == (1, "csv")
    assert (config["cut"]["every"], config["cut"]["format"]) == (0.1, "jsonl")
    assert config["cut"]["line"] == {"from": [0.0], "to": [1.0], "points": 5}
    load(finished / "config.toml")


def test_a_resumed_run_leaves_the_same_files(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("AMRAX_CACHE_DIR", "")
    folder = tmp_path / "again"
    shutil.copytree(finished, folder)
    with (folder / "tiny_totals.csv").open("a") as file:
        file.write("99,0.6,0.1")  # a row half written
    with jnp_promotion():
        done = amrax("resume", folder, "--force", "--from", folder / "checkpoints" / "tiny_00000008.vtkhdf")
    assert done.exit_code == 0, done.output
    for name in RECORDS:
        assert (folder / name).read_bytes() == (finished / name).read_bytes()


def test_other_rows_do_not_go_into_the_same_file(finished):
    checkpoint = finished / "checkpoints" / "tiny_00000008.vtkhdf"
    before = (finished / "tiny_probe.csv").read_bytes()
    done = amrax("resume", finished, "--from", checkpoint, "record.probe.points=[0.5, 0.3]")
    assert done.exit_code == 2
    assert "record.probe.points: found [[0.5], [0.3]], the run had [[0.5], [0.25]]; its file has other" in done.stderr
    done = amrax("resume", finished, "--from", checkpoint, "output.derived={cube = 'phi**3'}")
    assert done.exit_code == 2
    assert 'output.derived.cube: found "phi**3"; records contain it; give it another name' in done.stderr
    assert (finished / "tiny_probe.csv").read_bytes() == before


def test_files_of_records_count_as_results(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TINY)
    folder = tmp_path / "runs" / "tiny"
    folder.mkdir(parents=True)
    shutil.copy(finished / "config.toml", folder)
    for name in ("tiny_probe.csv", "tiny_other.csv"):
        (folder / name).write_text("step,time\n")
    case = load("tiny.toml")
    from solvers.command.folder import RunFolder

    with pytest.raises(ConfigError, match=r"tiny_probe\.csv"):
        RunFolder(case).prepare(Path("tiny.toml"), replace=False)
    RunFolder(case).prepare(Path("tiny.toml"), replace=True)
    assert not (folder / "tiny_probe.csv").exists()
    assert (folder / "tiny_other.csv").exists()


def test_what_is_no_number_is_null(tmp_path):
    rows = Recorded(np.array([3]), np.array([0.5]), {"phi": np.array([[np.nan, 1.0]])})
    RecordFile(tmp_path / "a.jsonl").append(rows)
    assert (tmp_path / "a.jsonl").read_text() == '{"step": 3, "time": 0.5, "phi": [null, 1.0]}\n'


# --- mistakes in a config ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ("points = [0.5, 2.0]", "3: record.probe.points[1]: [2.0] is outside the domain"),
        ("points = [[0.5, 0.5]]", "3: record.probe.points[0]: expected a point with 1 coordinates, got [0.5, 0.5]"),
        ("points = []", "3: record.probe.points: found [], expected a list of points"),
        ("points = 0.5\nevery = 1\nevery_steps = 2", "2: record.probe: found every and every_steps, expected one"),
        ("every = 1", "2: record.probe: asks for nothing, expected one of integrals = true, extrema = true, points"),
        ("points = 0.5\nline = {from = 0, to = 1}", "2: record.probe: found points and line, expected one of them"),
        (
            "integrals = true\ninterpolate = true",
            "2: record.probe: found interpolate = true, which is for points and line",
        ),
        ("pionts = 0.5", "3: record.probe.pionts: unknown key; did you mean points?"),
        ("integrals = 1", "3: record.probe.integrals: found 1, expected true or false"),
        ("points = 0.5\nevery = 0", "4: record.probe.every: found 0, expected the time between two rows"),
        ('points = 0.5\nformat = "cvs"', '4: record.probe.format: found "cvs", expected "csv" or "jsonl" (did you'),
        ("line = {from = 0, to = 2}", "3: record.probe.line.to: [2.0] is outside the domain"),
        ("line = {from = 0, two = 2}", "3: record.probe.line.two: unknown key; did you mean to?"),
        ("line = {from = 0, to = 1, points = 1}", "3: record.probe.line.points: found 1, expected how many points"),
        ('slice = {axis = "w", at = 0.5}', '3: record.probe.slice.axis: found "w", expected "x" or "y" or "z"'),
        ('slice = {axis = "x", at = 0.5}', "3: record.probe.slice.axis: slices are for 2D and 3D"),
    ],
)
def test_each_mistake_is_told_with_its_line(tmp_path, text, report):
    path = tmp_path / "wrong.toml"
    path.write_text("\n[record.probe]\n" + text + "\n" + TINY.partition("[record")[0])
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert any(line.startswith(f"{path}:{report}") for line in caught.value.reports), caught.value.reports


@pytest.mark.parametrize(
    ("override", "report"),
    [
        ("record.probe=3", "record.probe: found 3, expected a table"),
        ("record=3", "record: found 3, expected tables, such as [record.totals]"),
        ('record={"a b" = {extrema = true}}', 'record.a b: found "a b", expected a name of letters'),
        ("record.Probe.extrema=true", "record.Probe: differs from probe in capitals alone"),
        ("probe.points=0.5", "probe: unknown table"),
    ],
)
def test_names_and_tables_are_checked(tmp_path, override, report):
    (tmp_path / "tiny.toml").write_text(TINY)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "tiny.toml", [override])
    assert caught.value.reports[0].startswith(f"command line: {report}")
