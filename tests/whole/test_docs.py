"""The pages say what is so: code runs, commands exist, generated pages are up to date, links lead somewhere.

The code of docs/equations.md and docs/diffusion.md is run by test_examples.
"""

import ast
import importlib
import inspect
import json
import os
import re
import runpy
import shlex
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from click.testing import CliRunner
from daily import daily
from PIL import Image

import amr
import solvers
from solvers.command.cli import main
from solvers.config.build import load
from solvers.config.gallery import gallery_configs

ROOT = Path(__file__).parents[2]
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
@pytest.mark.parametrize("page", daily(["README.md", "docs/extend.md", "docs/concepts.md"], {"README.md"}.__contains__))
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
        if words[0] == "init" and len(words) > 1:
            assert words[1] in {*gallery_configs(), "NAME"}, f"{page.name}: amrax {line}"
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


# --- what the pages say of the house ----------------------------------------------------------------------------------

LISTED = re.compile(r"`([a-z]+)`")
PATH = re.compile(r"\b((?:amr|solvers|tests|docs|benchmarks|configs|examples|notebooks)/[\w/]*\w+\.(?:pyi?|md|toml))\b")
DOTTED = re.compile(r"`((?:amr|solvers|benchmarks)(?:\.\w+)+)(?:\(.*?\))?`")
SOURCES = sorted(path for folder in ("amr", "solvers") for path in (ROOT / folder).rglob("*.py"))


@pytest.fixture(scope="module")
def figures():
    return runpy.run_path(str(DOCS / "figures.py"))


def test_the_picture_of_the_house_is_that_of_the_contracts(figures):
    floors = figures["floors"]()
    told = json.loads(Image.open(DOCS / "images" / "concepts_house.png").info["Description"])
    assert told == floors, "run: python docs/figures.py concepts_house"
    drawn = {f"{package}.{wing}" for package, stack in floors.items() for floor in stack for wing in floor}
    assert drawn == {".".join(path.parent.relative_to(ROOT).parts) for path in SOURCES} - {"amr", "solvers"}


def test_the_table_of_wings_says_what_each_may_import(figures):
    text, seen = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), set()
    floors = figures["floors"]()
    for package, wing, below in re.findall(r"^\| `(amr|solvers)/(\w+)` \|.*\|(.*)\|$", text, re.MULTILINE):
        stack = floors[package]
        (floor,) = (n for n, names in enumerate(stack) if wing in names)
        expected = [name for names in stack[floor + 1 :] for name in names] + ["amr"] * (package == "solvers")
        assert LISTED.findall(below) == expected, f"{package}/{wing}"
        seen.add(wing)
    assert seen == {wing for stack in floors.values() for names in stack for wing in names}


@pytest.mark.parametrize("page", [*PAGES, *SOURCES], ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_modules_that_are_named_are_there(page):
    text = page.read_text(encoding="utf-8")
    for path in PATH.findall(text):
        assert (ROOT / path).exists(), f"{page.name}: {path}"
    for name in DOTTED.findall(text):
        assert found(name), f"{page.name}: {name}"


def found(name: str):
    """What a dotted name leads to: a module, or something in one."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        for part in parts[n:]:
            thing = getattr(thing, part, None) or getattr(thing, "__dataclass_fields__", {}).get(part)
        return thing
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_imported_on_a_page_is_there(page):
    for kind, _, body in pieces(page):
        for node in ast.walk(ast.parse(body)) if kind == "python" else ():
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ("amr", "solvers", "benchmarks"):
                for alias in node.names:
                    assert found(f"{node.module}.{alias.name}"), f"{page.name}: {node.module}.{alias.name}"


def gas(x):
    return 1 + 0.1 * jnp.sin(6 * x), 0 * x, 1 + 0 * x


def simulation(equation, scheme=None):
    mesh = amr.Mesh(amr.Domain(0, 1, periodic=False), cells=16, patch=8, max_level=1)
    return solvers.Simulation(mesh, equation, scheme, amr.Difference(0.1))


CALLS = {
    "A step of advection": lambda: (simulation(solvers.Advection((1.0,))), jnp.cos),
    "A step of the Euler equations": lambda: (simulation(solvers.NavierStokes(1, viscosity=0.1)), gas),
    "A step of implicit diffusion": lambda: (
        simulation(solvers.Diffusion(1.0), solvers.MethodOfLines(integrator=solvers.SDIRK2())),
        jnp.cos,
    ),
    "A regrid": lambda: (simulation(solvers.Advection((1.0,))), jnp.cos),
}


@pytest.mark.parametrize("title", CALLS)
def test_functions_call_each_other_as_the_page_says(title):
    """While a run is traced, everything that the paragraph names with a dot is called."""
    text = (DOCS / "concepts.md").read_text(encoding="utf-8")
    paragraph = re.search(rf"^\*\*{title}\*\*.*?(?=\n\*\*|\n## )", text, re.MULTILINE | re.DOTALL)[0]
    named = set(re.findall(r"`([\w.]*\w\.\w+)(?:\(.*?\))?`", paragraph)) | set(
        re.findall(r"^ +(\w+\.\w+)", paragraph, re.MULTILINE)
    )
    assert len(named) >= 5
    sim, initial = CALLS[title]()
    called = calls(lambda: jax.eval_shape(lambda: sim.advance(sim.start(initial, 0.1, capacity=8), 0.1).values))
    missing = {name for name in named if not ways(name) & called}
    assert not missing


def calls(function) -> set[str]:
    """What is called meanwhile, by qualified names and by those of modules."""
    seen = set()

    def note(frame, event, _):
        if event == "call":
            code = frame.f_code
            module = ".".join(Path(code.co_filename).with_suffix("").parts[-3:])
            seen.update((code.co_qualname, f"{module}.{code.co_qualname}", module))

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return seen


def ways(name: str) -> set[str]:
    """Under which names it may be called: a method also as one of a subclass; a function where it is defined."""
    owner, _, method = name.rpartition(".")
    if not owner.startswith(("amr", "solvers")):
        return {f"{kind}.{method}" for kind in heirs(owner)}
    thing = found(name)
    assert thing is not None, name
    return {name, f"{thing.__module__}.{method}"} if hasattr(thing, "__module__") else {name}


def heirs(name: str) -> set[str]:
    """The classes of that name in the wings, and all that come from them."""
    kinds, waiting = set(), [kind for module in list(sys.modules.values()) for kind in [vars(module).get(name)]]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and kind not in kinds:
            kinds.add(kind)
            waiting += type.__subclasses__(kind)
    return {kind.__qualname__ for kind in kinds if kind.__module__.split(".")[0] in ("amr", "solvers")}
