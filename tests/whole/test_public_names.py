"""The names that packages and their wings hand out, which are imported when they are first used."""

import ast
import importlib
import importlib.metadata
import inspect
import pathlib
import subprocess
import sys

import pytest

import amr
import amrax
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


def test_one_import_has_the_names_of_both_packages():
    assert set(dir(amrax)) == {*amr.__all__, *solvers.__all__, "__version__"}
    assert len(amrax.__all__) == len(set(amrax.__all__))
    assert all(getattr(amrax, name) is getattr(package, name) for package in (amr, solvers) for name in package.__all__)
    assert amrax.__version__ == importlib.metadata.version("amrax")
    with pytest.raises(AttributeError, match="No amrax attribute nothing"):
        _ = amrax.nothing


def test_the_command_is_a_module_as_well():
    found = subprocess.run([sys.executable, "-m", "amrax", "--version"], capture_output=True, text=True, check=True)
    assert found.stdout == f"amrax, version {amrax.__version__}\n"
