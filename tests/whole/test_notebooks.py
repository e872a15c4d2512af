"""The notebooks run, are small, and say what their texts say."""

import ast
import importlib.util
import pathlib
import re
import sys
import tomllib

import nbformat
import pytest

FOLDER = pathlib.Path(__file__).parents[2] / "notebooks"
TEXTS = sorted(FOLDER.glob("[0-9]*.py"))
LARGEST = 150_000  # bytes


@pytest.fixture(scope="module")
def refresh():
    spec = importlib.util.spec_from_file_location("refresh", FOLDER / "refresh.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_notebook_runs(text, refresh, tmp_path, monkeypatch, request):
    # What was compiled before is kept for the next time.
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(request.config.cache.mkdir("jax-notebooks")))
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")
    refresh.execute(refresh.from_text(text), tmp_path)


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_notebook_is_that_of_its_text(text, refresh):
    kept, made = nbformat.read(text.with_suffix(".ipynb"), as_version=4), refresh.from_text(text)
    advice = f"python notebooks/refresh.py {text.stem}"
    assert [(c.cell_type, c.source) for c in kept.cells] == [(c.cell_type, c.source) for c in made.cells], advice
    assert kept.metadata.jupytext == made.metadata["jupytext"]
    nbformat.validate(kept)


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_kept_outputs_are_small_and_right(text):
    path = text.with_suffix(".ipynb")
    assert path.stat().st_size < LARGEST
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not any(output.output_type == "error" or output.get("name") == "stderr" for output in outputs)


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_what_a_notebook_imports_is_brought_by_what_it_names(text):
    source = text.read_text(encoding="utf-8")
    assert 'pip install ".[notebooks]"' in source.split("\n\n")[0]
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    brought = [*project["dependencies"], *extras["notebooks"], *extras["yt"], *extras["xarray"], *extras["pyvista"]]
    assert "amrax[yt,xarray,pyvista]" in brought
    packages = {re.match(r"\w+", each)[0] for each in brought} | {"amr", "solvers", "IPython"}  # of ipykernel
    tree = ast.walk(ast.parse(source))
    names = [each.name for node in tree if isinstance(node, ast.Import) for each in node.names]
    names += re.findall(r"^from (\w+)", source, re.MULTILINE)
    assert {name.split(".")[0] for name in names} - sys.stdlib_module_names <= packages


def test_every_text_has_a_notebook():
    assert len(TEXTS) == 6
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == {path.stem for path in TEXTS}


@pytest.mark.slow
def test_a_failing_cell_is_named(refresh, tmp_path):
    text = tmp_path / "wrong.py"
    text.write_text("# %%\na = 1\n\n# %%\nb = a / 0  # here\n")
    with pytest.raises(Exception, match=r"b = a / 0  # here[\s\S]*ZeroDivisionError"):
        refresh.execute(refresh.from_text(text), tmp_path)
