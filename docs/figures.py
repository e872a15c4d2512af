"""Draws the figures of concepts.md and tutorial.md, each by the program that they explain.

python docs/figures.py [NAME]...
"""

import ast
import json
import re
import sys
import tempfile
import textwrap
import tomllib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

import amr
import solvers
from amr.pictures.plot import plot, plot_levels
from solvers.config.build import load

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
COLOURS = {"own": "#dddddd", "same": "#4c78a8", "coarser": "#f2a541", "finer": "#54a24b"}


def swirl(cells: int = 64, levels: int = 2, scheme=None) -> solvers.Simulation:
    """The flow of examples/advection_swirl.py."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=True), cells=(cells, cells), patch=8, max_level=levels)
    flow = solvers.StreamFunction(
        lambda x, y: jnp.sin(jnp.pi * x) ** 2 * jnp.sin(jnp.pi * y) ** 2 / jnp.pi,
        amplitude=lambda t: jnp.cos(jnp.pi * t / 2),
    )
    refine = amr.Difference(0.01) if levels else None
    return solvers.Simulation(mesh, solvers.Advection(flow), scheme, refine)


def bump(x, y, t=0.0):
    return 1 + jnp.exp(-((x - 0.5) ** 2 + (y - 0.75) ** 2) / 0.01)


def levels() -> Figure:
    """A field with its patches, and their levels."""
    field = swirl().run(bump, 1.0).field
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    plot(field, "phi", ax=left)
    plot_levels(field, ax=right)
    return figure


def ghosts() -> Figure:
    """The leaves around a patch, and where its ghost cells come from."""
    mesh = amr.Mesh(amr.Domain((0, 0), (4, 4)), cells=(16, 16), patch=4, max_level=2)
    sim = solvers.Simulation(
        mesh, solvers.Advection((0.0, 0.0)), refine=amr.Region((2.55, 2.55), (2.7, 2.7), 2), buffer=0
    )
    field = sim.run(lambda x, y: 0 * x, 0.01).field
    patches = field.patches()
    chosen = int(
        np.argmin(np.abs((patches.lower + patches.upper) / 2 - [2.25, 2.75]).sum(1) + 9 * (patches.level != 1))
    )
    figure = Figure(figsize=(9.5, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for ax, thick in ((left, 1.5), (right, 2.0)):
        outlines(ax, patches, thick)
    for ax in (left, right):
        around(ax, field, patches, chosen, width=2)
    left.set(xlim=(0, 4), ylim=(0, 4), aspect="equal", title="leaves: neighbours differ by one level at most")
    lower, upper = patches.lower[chosen] - 0.4, patches.upper[chosen] + 0.4
    right.set(xlim=(lower[0], upper[0]), ylim=(lower[1], upper[1]), aspect="equal", title="a patch and its ghost cells")
    names = {"own": "the patch", "same": "copied from its level", "coarser": "prolonged", "finer": "averaged"}
    handles = [Patch(facecolor=COLOURS[key], edgecolor="gray", label=words) for key, words in names.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    return figure


def outlines(ax, patches, thick: float) -> None:
    """Cells thin, patches thick."""
    for lower, upper, dx in zip(patches.lower, patches.upper, patches.dx, strict=True):
        grid = [[(x, lower[1]), (x, upper[1])] for x in np.arange(lower[0], upper[0], dx[0])]
        grid += [[(lower[0], y), (upper[0], y)] for y in np.arange(lower[1], upper[1], dx[1])]
        ax.add_collection(LineCollection(grid, colors="silver", linewidths=0.5, zorder=1))
        ax.add_patch(Rectangle(lower, *(upper - lower), fill=False, linewidth=thick, edgecolor="black", zorder=4))


def around(ax, field: amr.Field, patches, chosen: int, width: int) -> None:
    """Colours for a patch and for its ghost cells, by the level of the leaf that each lies in."""
    dx, lower, n = patches.dx[chosen], patches.lower[chosen], patches.values.shape[2]
    for i in range(-width, n + width):
        for j in range(-width, n + width):
            corner = lower + np.array([i, j]) * dx
            level = int(field.levels(corner + 0.5 * dx)) - patches.level[chosen]
            inside = 0 <= i < n and 0 <= j < n
            key = "own" if inside else {0: "same", -1: "coarser", 1: "finer"}[level]
            ax.add_patch(Rectangle(corner, *dx, facecolor=COLOURS[key], edgecolor="white", linewidth=0.8, zorder=2))


def carried(cells: int, levels: int, above: float) -> solvers.Solution:
    """A narrow pulse that a uniform flow carries once across a periodic box, back to where it was."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=True), cells=(cells, cells), patch=8, max_level=levels)
    scheme = solvers.CTU(solvers.Unlimited())
    refine = amr.Detail(above) if levels else None
    sim = solvers.Simulation(mesh, solvers.Advection((1.0, 0.5)), scheme, refine)
    return sim.run(pulse, 2.0, exact=lambda x, y, t: pulse(x, y))


def pulse(x, y):
    return jnp.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / 0.05**2)


def saving() -> Figure:
    """Errors of uniform and of adaptive meshes, over the width of the finest cells and over the work."""
    finest = np.array([64, 128, 256, 512])
    uniform = [carried(int(n), 0, 1.0).summary for n in finest]
    adaptive = [carried(32, k + 1, 0.004 / 4**k).summary for k in range(len(finest))]
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for runs, words, style in ((uniform, "uniform", "o-"), (adaptive, "adaptive, from 32 x 32 cells", "s--")):
        errors = [run.variables["phi"].error["l1"] for run in runs]
        left.loglog(1 / finest, errors, style, label=words)
        right.loglog([run.cell_updates for run in runs], errors, style)
        print(words, errors, [run.cell_updates for run in runs])
    left.loglog(1 / finest, 3 * finest**-2.0, "k:", label="second order")
    left.set(xlabel="width of the finest cells", ylabel="mean error")
    left.set_xticks(1 / finest, [f"1/{n}" for n in finest])
    left.minorticks_off()
    left.legend(frameon=False)
    right.set(xlabel="cells updated in all")
    return figure


def smoke() -> Figure:
    """What the config of the tutorial gives."""
    text = (IMAGES.parent / "tutorial.md").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "smoke.toml"
        path.write_text(re.search(r'title="smoke.toml"\n(.*?)```', text, re.DOTALL)[1], encoding="utf-8")
        case = load(path)
    return plot(case.simulation.run(case.initial, case.config.time.end).field, "smoke")


def floors() -> dict[str, list[list[str]]]:
    """The wings of each package, floor by floor from above, from the contracts of pyproject.toml: a wing is a folder.
    What is none are names that users import, and small modules that all wings share."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    found = {}
    for contract in contracts:
        if contract["type"] == "layers":
            (package,) = contract["containers"]
            layers = [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]
            wings = [[name for name in layer if (ROOT / package / name).is_dir()] for layer in layers]
            found[package] = [floor for floor in wings if floor]
    return found


def purpose(package: str, wing: str) -> str:
    """What a wing says of itself."""
    text = ast.get_docstring(ast.parse((ROOT / package / wing / "__init__.py").read_text(encoding="utf-8")))
    return text.removesuffix(".").replace("`", "")


def house() -> Figure:
    """The wings on their floors. Each may import from all floors below it."""
    figure = Figure(figsize=(12, 5.2), layout="constrained")
    known = floors()
    for ax, package, colour in zip(figure.subplots(1, 2), ("solvers", "amr"), ("same", "finer"), strict=True):
        for height, floor in enumerate(reversed(known[package])):
            for n, wing in enumerate(floor):
                box(ax, n / len(floor), height, 1 / len(floor), wing, purpose(package, wing), COLOURS[colour])
        arrow = {"arrowstyle": "-|>", "color": "gray", "linewidth": 1.5}
        top = len(known[package])
        ax.annotate("", (1.04, 0.1), (1.04, top - 0.1), arrowprops=arrow, annotation_clip=False)
        ax.text(1.06, top / 2, "may import", rotation=270, va="center", color="gray")
        title = "solvers (may import all of amr)" if package == "solvers" else "amr (knows nothing of solvers)"
        ax.set(xlim=(0, 1.12), ylim=(0, max(map(len, known.values()))), title=title)
        ax.axis("off")
    return figure


def box(ax, x: float, y: float, width: float, name: str, text: str, colour: str) -> None:
    """A wing, with as many words as it has room for in two lines."""
    ax.add_patch(Rectangle((x + 0.01, y + 0.06), width - 0.02, 0.88, facecolor=colour, edgecolor="none"))
    ax.text(x + width / 2, y + 0.69, name, ha="center", va="center", color="white", fontsize=12, weight="bold")
    words = textwrap.fill(text, int(64 * width))
    ax.text(x + width / 2, y + 0.31, words, ha="center", va="center", color="white", fontsize=8.5)


FIGURES = {
    "concepts_house": house,
    "concepts_levels": levels,
    "concepts_ghosts": ghosts,
    "concepts_saving": saving,
    "tutorial_smoke": smoke,
}

# What a picture says of its data, so that a test can see whether it is up to date.
TOLD = {"concepts_house": lambda: {"Description": json.dumps(floors())}}


def main(names: list[str]) -> None:
    jax.config.update("jax_enable_x64", True)
    for name in names or FIGURES:
        path = IMAGES / f"{name}.png"
        FIGURES[name]().savefig(path, dpi=110, metadata=TOLD[name]() if name in TOLD else None)
        print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
