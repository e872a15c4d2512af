"""The names that packages and their wings hand out, which are imported when they are first used."""

import ast
import importlib
import inspect
import pathlib

import pytest

import amr
import solvers

ROOT = pathlib.Path(amr.__file__).parents[1]
STUBS = sorted(path.relative_to(ROOT) for folder in ("amr", "solvers") for path in (ROOT / folder).rglob("*.pyi"))
PACKAGES = [".".join(path.parent.parts) for path in STUBS]


@pytest.mark.parametrize("name", PACKAGES)
def test_all_names_lead_somewhere(name):
    """What type checkers read in the stub is there, and is no module of the same name that shadows it."""
    package, stub = (
        importlib.import_module(name),
        ast.parse((ROOT / name.replace(".", "/") / "__init__.pyi").read_text()),
    )
    assert set(package.__all__) <= set(dir(package))
    for line in stub.body:
        for alias in line.names:
            found = getattr(package, alias.name)
            assert inspect.ismodule(found) == (line.module is None)
    with pytest.raises(AttributeError, match=f"No {name} attribute nothing"):
        _ = package.nothing


def test_every_wing_has_a_stub():
    folders = {path.parent for folder in ("amr", "solvers") for path in (ROOT / folder).rglob("*.py")}
    assert {".".join(folder.relative_to(ROOT).parts) for folder in folders} == set(PACKAGES)


def test_files_and_pictures_are_among_the_names():
    assert {"io", "plot", "read"} <= set(dir(amr))
    assert "Simulation" in dir(solvers)
