"""What mkdocs does besides: pages that have their source elsewhere in the repository, and links to its files."""

import ast
import re
from pathlib import Path

from mkdocs.structure.files import File, InclusionLevel

ROOT = Path(__file__).parent.parent
PAGES = {"index.md": "README.md", "contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
FOLDERS = {"examples": "*.py", "configs": "*.toml", "notebooks": "*.ipynb"}
# Those whose methods people call, or write themselves; of others the arguments are all there is to know.
WITH_METHODS = {
    "amr": "Boundary Field Indicator Mesh PatchView Patches Prolongation",
    "solvers": "ConservationLaw Diffusivity Elliptic Equation Equilibrium Integrator Limiter Reconstruction"
    " RiemannSolver Simulation Solution Stepper Term Velocity",
}


def on_files(files, config):
    """The README is the first page; examples and configs are part of the site, so that pages can link to them.

    What a README in one of these folders says is a page as well, beside the menu.
    """
    for page, source in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        for other, name in PAGES.items():
            text = text.replace(f"]({name})", f"]({other})")
        files.append(File.generated(config, page, content=text))
    for folder, pattern in FOLDERS.items():
        about = ROOT / folder / "README.md"
        if about.exists():
            text = about.read_text(encoding="utf-8").replace("](../docs/", "](../")
            files.append(
                File.generated(config, f"{folder}/README.md", content=text, inclusion=InclusionLevel.NOT_IN_NAV)
            )
        for path in sorted((ROOT / folder).glob(pattern)):
            files.append(File.generated(config, f"{folder}/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Links from docs/ to other folders of the repository; public names where they are defined."""
    if "/" in page.file.src_uri.removeprefix("api/"):
        return markdown
    for name, source in PAGES.items():
        markdown = markdown.replace(f"](../{source})", f"]({name})")
    for folder in FOLDERS:
        markdown = markdown.replace(f"](../{folder}/", f"]({folder}/")
    return re.sub(r"^::: (amr|solvers)\.(\w+)$", _defined, markdown, flags=re.MULTILINE)


def _defined(match):
    package, name = match.groups()
    home = home_of(package, name)
    options = {"heading": f"{package}.{name}", "toc_label": name}
    if name in WITH_METHODS[package].split():
        options["members"] = "null"
    return f"::: {home}.{name}\n    options:\n" + "\n".join(f"      {key}: {value}" for key, value in options.items())


def home_of(package, name):
    """The module where a public name is defined, which stubs tell one after the other, without running it."""
    stub = ROOT.joinpath(*package.split("."), "__init__.pyi")
    if not stub.exists():
        return package
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and name in (alias.asname for alias in node.names):
            return home_of(f"{package}.{node.module}", name)
    raise LookupError(f"no {name} in {stub}")
