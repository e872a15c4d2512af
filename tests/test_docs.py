"""The pages say what is so: code runs, commands exist, generated pages are up to date, links lead somewhere.

The code of docs/equations.md and docs/diffusion.md is run by test_examples.
"""

import inspect
import os
import re
import runpy
import shlex
from pathlib import Path

import jax
import pytest
from click.testing import CliRunner
from daily import daily

import amr
import solvers
from solvers.command.cli import main
from solvers.config.build import load

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("**/*.md")])
FENCE = re.compile(r'^```(\w+)(?: title="(.*?)")?\n(.*?)^```$|^    (amrax [^\n]*)$', re.MULTILINE | re.DOTALL)
WITH_COMMANDS = [page for page in PAGES if "amrax " in page.read_text(encoding="utf-8")]


@pytest.fixture
def programs(request):
    """Compiled programs are kept for the next time: the code of pages seldom changes."""
    jax.config.update("jax_compilation_cache_dir", str(request.config.cache.mkdir("programs")))
    least = jax.config.jax_persistent_cache_min_compile_time_secs
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    yield
    jax.config.update("jax_persistent_cache_min_compile_time_secs", least)
    jax.config.update("jax_compilation_cache_dir", None)


def pieces(page: Path):
    """What a page has the reader save, run and type, in its order: `(kind, file name, text)`."""
    for kind, title, body, command in FENCE.findall(page.read_text(encoding="utf-8")):
        yield ("command", "", command) if command else (kind, title, body)


def follow(page: Path, names: dict, monkeypatch) -> dict:
    """Do what a page says in the working directory; gives what its Python code defined."""
    monkeypatch.syspath_prepend(os.getcwd())
    with jax.numpy_dtype_promotion("standard"):
        for kind, title, body in pieces(page):
            if title:
                Path(title).write_text(body, encoding="utf-8")
            elif kind == "command":
                obey(shlex.split(body.split(" > ")[0], comments=True)[1:])
            elif kind == "python":
                exec(compile(body, str(page), "exec"), names)
    return names


def obey(arguments: list[str]) -> None:
    """Run a command; one that only runs the same again in another way is checked alone, to save time."""
    if arguments[0] == "run" and len(arguments) > 2:
        load(Path(arguments[1]), [word for word in arguments[2:] if not word.startswith("--")])
    else:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, f"amrax {' '.join(arguments)}: {result.output}"


@pytest.mark.slow
@pytest.mark.usefixtures("programs")
def test_the_tutorial_works_and_its_files_open_as_they_should(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMRAX_CACHE_DIR", "")
    names = follow(DOCS / "tutorial.md", {}, monkeypatch)
    smoke = names["solution"].summary.variables["smoke"]
    assert abs(smoke.integral["relative_change"]) <= 1e-13
    assert names["spreads"][-1] > names["spreads"][0]
    assert len(names["times"]) == 5
    follow(DOCS / "output.md", {}, monkeypatch)


def test_mistakes_are_listed_as_the_tutorial_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (config,) = (body for _, title, body in pieces(DOCS / "tutorial.md") if title == "smoke.toml")
    (shown,) = (body for kind, _, body in pieces(DOCS / "tutorial.md") if kind == "text")
    Path("smoke.toml").write_text(config.replace("patch = 8", "patch = 7").replace("end = 1.0", "ned = 1.0"))
    assert CliRunner().invoke(main, ["validate", "smoke.toml"]).output == shown


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("page", daily(["README.md", "docs/extend.md"], {"README.md"}.__contains__))
def test_the_code_of_the_page_runs(page, tmp_path, monkeypatch):
    """That of the README needs the names of examples/own_equation.py, where its law comes from."""
    monkeypatch.chdir(tmp_path)
    names = {key: runpy.run_path(str(ROOT / "examples" / "own_equation.py"))[key] for key in ("SOUND", "gravity")}
    with jax.numpy_dtype_promotion("standard"):
        for kind, _, body in pieces(ROOT / page):
            if kind == "python":
                exec(compile(body, page, "exec"), names)


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_commands_name_what_there_is(page):
    """Every `amrax ...` on the pages names a command that there is, with options and config files that it knows."""
    text = page.read_text(encoding="utf-8")
    saved = {title for _, title, _ in pieces(page)}
    for line in re.findall(r"(?:^    |`)(?:\S*/)?amrax ([a-z][^`\n]*)", text, re.MULTILINE):
        words = shlex.split(line.replace("...", "").split(" > ")[0], comments=True)
        command = main.commands.get(words[0])
        assert command is not None, f"{page.name}: amrax {line}"
        options = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
        for word in words[1:]:
            assert not word.startswith("-") or word.split("=")[0] in options, f"{page.name}: amrax {line}"
            if word.startswith(("configs/", "examples/")):
                assert (ROOT / word).exists(), f"{page.name}: amrax {line}"
        if words[0] == "run" and len(words) > 2 and words[1].startswith("configs/"):
            load(ROOT / words[1], [word for word in words[2:] if "=" in word])
        if words[1:] and words[1].endswith(".toml") and words[1] == Path(words[1]).name and saved - {""}:
            assert words[1] in saved | {"my_config.toml"}, f"{page.name}: amrax {line}"


def test_generated_pages_are_up_to_date():
    generate = runpy.run_path(str(DOCS / "generate.py"))
    for name, text in generate["pages"]().items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"run: python docs/generate.py ({name})"


def test_the_guide_explains_every_key():
    """A key that the reference has no meaning for stands in no table of docs/config.md."""
    rows = re.findall(r"^\| `(\w+)` \|  \|", (DOCS / "config_reference.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert not rows, "say in a table of docs/config.md what these mean, then run docs/generate.py"


@pytest.mark.parametrize("package", [amr, solvers])
def test_the_reference_has_every_public_name(package):
    text = (DOCS / "api" / f"{package.__name__}.md").read_text(encoding="utf-8")
    shown = re.findall(rf"^::: {package.__name__}\.(\w+)$", text, re.MULTILINE)
    names = {name for name in package.__all__ if not inspect.ismodule(getattr(package, name))}
    assert sorted(names - set(shown)) == []
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Those to files; mkdocs checks anchors. Of others the form alone, since tests do without the net."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", target):
            assert re.fullmatch(r"https://[\w.-]+\.[a-z]+(/[\w.,~%#=?/&+-]*)?", target), f"{page.name}: {target}"
        elif not target.startswith("#"):
            assert (page.parent / target.split("#")[0]).exists(), f"{page.name}: {target}"
