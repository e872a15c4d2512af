"""The public names of both packages, which are imported when they are first used."""

import ast
import importlib
import inspect

import pytest

import amr
import solvers

both_packages = pytest.mark.parametrize("package", [amr, solvers], ids=lambda package: package.__name__)


def typed_names(package) -> dict[str, str | None]:
    """What type checkers see: for each name its module, None for the modules themselves."""
    (block,) = (node for node in ast.parse(inspect.getsource(package)).body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    return {alias.asname or alias.name: line.module for line in block.body for alias in line.names}


@both_packages
def test_lists_of_names_agree(package):
    typed = typed_names(package)
    assert {name: module for name, module in typed.items() if module is not None} == package._HOME
    assert {name for name, module in typed.items() if module is None} <= set(dir(package))
    assert sorted(package.__all__) == sorted(package._HOME)
    assert set(package.__all__) <= set(dir(package))


@both_packages
def test_all_names_lead_somewhere(package):
    for name, module in package._HOME.items():
        found = getattr(package, name)
        assert found is getattr(importlib.import_module(f"{package.__name__}.{module}"), name)
        assert found.__module__ == f"{package.__name__}.{module}", f"{name} is only imported there"
    assert all(hasattr(package, name) for name in dir(package))
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'nothing'"):
        _ = package.nothing


def test_files_and_pictures_are_among_the_names():
    assert {"io", "plot", "read"} <= set(dir(amr))
