"""The JSON schema of configs takes what is right and refuses what is wrong."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from config_texts import FLAME, GAS, ROAD
from jsonschema import Draft202012Validator

from solvers.command.cli import main
from solvers.config.boundaries import PLAIN
from solvers.config.boundary_tables import KEYS, PLAIN as NAMES
from solvers.config.equation_tables import KINDS
from solvers.config.file import read_source
from solvers.config.json_schema import schema
from solvers.config.mistakes import Mistakes
from solvers.config.tables import Config

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.toml"))
SCHEMA = Draft202012Validator(schema())


def wrong(path, *overrides):
    """Where the schema finds mistakes in a config with some settings changed."""
    data = read_source(path, overrides, Mistakes()).data
    return [error.json_path for error in SCHEMA.iter_errors(data)]


@pytest.fixture
def gas(tmp_path):
    (tmp_path / "gas.toml").write_text(GAS)
    return tmp_path / "gas.toml"


def test_the_schema_is_one_and_the_command_prints_it_without_jax():
    Draft202012Validator.check_schema(schema())
    assert json.loads(CliRunner().invoke(main, ["schema"]).output) == schema()
    script = "import sys, solvers.config.json_schema as s; s.schema(); print('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "False\n"


def test_every_table_and_equation_is_in_it():
    made = schema()
    assert made["properties"].keys() == Config.model_fields.keys()
    assert len(made["properties"]["equation"]["anyOf"]) == len(KINDS)
    assert made["$defs"]["MeshTable"]["properties"]["patch"]["default"] == 16
    assert "null" not in json.dumps(made)
    assert tuple(PLAIN) == NAMES
    assert KEYS.keys() >= PLAIN.keys()


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_is_right(path):
    assert wrong(path) == []


@pytest.mark.parametrize("text", [GAS, FLAME, ROAD], ids=["gas", "flame", "road"])
def test_every_form_is_right(text):
    assert list(SCHEMA.iter_errors(tomllib.loads(text))) == []


@pytest.mark.parametrize(
    "override",
    [
        "mesh.cells=32",
        "time.end=2*pi",
        "scheme.ratio=inf",
        "domain.boundary=wall",
        "domain.boundary=['wall', ['outflow', {type = 'function', name = 'a:b'}]]",
        "domain.boundary={type = 'by_variable', pressure = {type = 'neumann', slope = 0}, rest = 'wall'}",
        "refine.value=[{above = [0.1, 0.2]}, {above = 1, variable = 'energy'}]",
        "initial.pressure=3",
        "output.derived={speed = 'velocity_x'}",
        "equation={type = 'diffusion', diffusivity = {x = 1, y = ['u', 0.1]}, reaction = {u = 0}}",
        "equation={velocity = [1, 'y']}",
        "equation={type = 'my:Law', arguments = {speed = 2}}",
    ],
)
def test_other_forms_are_right_too(gas, override):
    assert wrong(gas, override) == []


@pytest.mark.parametrize(
    ("override", "place"),
    [
        ("equaton.type=euler", "$"),
        ("mesh.cels=3", "$.mesh"),
        ("mesh.patch=7", "$.mesh.patch"),
        ("mesh.patch=2", "$.mesh.patch"),
        ("mesh.max_level=-1", "$.mesh.max_level"),
        ("mesh.cells=many", "$.mesh.cells"),
        ("domain.lower=true", "$.domain.lower"),
        ("domain.boundary=wal", "$.domain.boundary"),
        ("domain.boundary={type = 'inflow'}", "$.domain.boundary"),
        ("domain.boundary={type = 'inflow', value = 1, slope = 1}", "$.domain.boundary"),
        ("domain.boundary=[['wall', 'wall', 'wall']]", "$.domain.boundary"),
        ("equation.type=eulr", "$.equation"),
        ("equation.gamma=1.0", "$.equation"),
        ("equation={}", "$.equation"),
        ("equation={velocity = 1, stream_function = 'x'}", "$.equation"),
        ("parameters.my-name=1", "$.parameters"),
        ("parameters.a=[1]", "$.parameters.a"),
        ("initial.pressure=[1]", "$.initial.pressure"),
        ("scheme.limiter=super", "$.scheme.limiter"),
        ("scheme.bounded=1", "$.scheme.bounded"),
        ("refine.value={}", "$.refine.value"),
        ("refine.value={above = 1, belw = 1}", "$.refine.value"),
        ("time.end=0", "$.time.end"),
        ("time.cfl=1.5", "$.time.cfl"),
        ("time={cfl = 0.5}", "$.time"),
        ("output.every_steps=0", "$.output.every_steps"),
        ("output.derived={a = true}", "$.output.derived.a"),
        ("checkpoint.keep=0", "$.checkpoint.keep"),
    ],
)
def test_mistakes_are_found_where_they_are(gas, override, place):
    assert wrong(gas, override) == [place]
