"""Pictures of the cases. They are drawn from numbers and fields that a case found, and look the same every time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from amr.field.field import Field

from .problems import disc

MARKERS = "osD^vPX*"


def colours(count: int) -> list:
    """As many colours that can be told apart."""
    return list(matplotlib.colormaps["viridis"](np.linspace(0, 0.85, count)))


def new_figure(width: float = 6.4, height: float = 4.2) -> Figure:
    """An empty one, that leaves nothing open behind it."""
    return Figure(figsize=(width, height), layout="constrained", dpi=110)


def convergence(cells: Sequence[int], ours: Mapping, others: Mapping, title: str) -> Figure:
    """Errors over the number of cells a side: ours as lines, those of others as dashed lines in grey."""
    figure = new_figure(7.4, 4.4)
    ax = figure.add_subplot()
    for (name, errors), colour, marker in zip(ours.items(), colours(len(ours)), MARKERS, strict=False):
        ax.loglog(cells, errors, color=colour, marker=marker, markersize=5, label=name)
    greys = matplotlib.colormaps["Greys"](np.linspace(0.55, 0.9, max(len(others), 1)))
    for (name, errors), colour, marker in zip(others.items(), greys, MARKERS, strict=False):
        ax.loglog(cells, errors, "--", color=colour, marker=marker, markersize=4, linewidth=1, label=name)
    ax.set(xlabel="cells a side", ylabel="mean error", title=title)
    ax.set_xticks(cells, [str(n) for n in cells])
    ax.minorticks_off()
    ax.grid(alpha=0.3)
    ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return figure


def field(found: Field, name: str | int = 0) -> Figure:
    """A field with its patches."""
    figure = found.plot(name, patches=True)
    figure.set_dpi(110)
    return figure


def discs(fields: Mapping[str, Field]) -> Figure:
    """Discs side by side, with the half-way contour of the exact one."""
    figure = new_figure(4.6 * len(fields), 4.1)
    edge = (np.arange(400) + 0.5) / 400
    x, y = np.meshgrid(edge, edge)
    exact = np.asarray(disc(x, y))
    for ax, (title, found) in zip(figure.subplots(1, len(fields)), fields.items(), strict=True):
        found.plot(patches=True, ax=ax)
        ax.contour(x, y, exact, [0.5], colors="tab:red", linewidths=1)
        ax.set(xlim=(0.25, 0.75), ylim=(0.5, 1.0))
        ax.set_title(f"{title} (red: exact)", fontsize="medium", loc="left")
    return figure


def lines(fields: Mapping[str, Field], exact: Callable) -> Figure:
    """Fields in one dimension over the exact solution."""
    figure = new_figure(8.0, 4.0)
    ax = figure.add_subplot()
    x = np.linspace(-1, 1, 2001)
    ax.plot(x, np.asarray(exact(x)), color="black", linewidth=1, label="exact")
    for (name, found), colour, marker in zip(fields.items(), colours(len(fields)), MARKERS, strict=False):
        centres = found.patches().centres(0).ravel()
        ax.plot(centres, found.uniform(), color=colour, marker=marker, markersize=2.5, linewidth=0.8, label=name)
    ax.set(xlabel="x", ylabel="phi", xlim=(-1, 1))
    ax.legend(fontsize="small", loc="upper right")
    return figure


def tube(found: Field, exact: Callable) -> Figure:
    """The density of a refined shock tube over the exact one, with the levels below."""
    figure = new_figure(7.4, 4.6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    leaves, x = found.patches(), np.linspace(-0.5, 0.5, 2001)
    above.plot(x, np.asarray(exact(x)), color="black", linewidth=1, label="exact")
    above.plot(leaves.centres(0).ravel(), leaves.values[:, 0].ravel(), ".", color="tab:blue", label="64 and 2 levels")
    above.set(ylabel="density", title="Sod's tube at t=.25")
    above.legend(frameon=False)
    below.stairs(leaves.level, [*leaves.lower[:, 0], 0.5], baseline=None, color="tab:blue")
    below.set(xlabel="x", ylabel="level", yticks=range(found.mesh.max_level + 1), xlim=(-0.5, 0.5))
    return figure
