"""The commands `amrax plot` and `amrax movie`. What needs JAX or matplotlib is imported when it is needed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .exact import exact_solution
from .made import remember
from .mistake import Mistake
from .picture_options import Shown, option_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from amr.field import Field
    from amr.pictures import View

SUFFIX = ".vtkhdf"
RECORDS = (".csv", ".jsonl")
PICTURES = (".png", ".pdf", ".svg", ".jpg")

OPTIONS = [
    click.option(
        "--variable",
        "-V",
        "variables",
        multiple=True,
        metavar="NAME",
        help="Which variable to show; default the first.",
    ),
    click.option("--level", type=int, metavar="L", help="Show no finer cells than those of level L, but their means."),
    click.option("--levels", is_flag=True, help="Show the levels of refinement instead of values."),
    click.option("--slice", "cut", metavar="AXIS=VALUE", help="In 3D, one slice (x=0.3; z is in the middle)."),
    click.option("--projection", metavar="AXIS", help="The integral along an axis."),
    click.option("--line", metavar="LINE", help="Values along a line: y=0.5, in 3D y=0.5,z=0.5, or 0,0:1,0.5."),
    click.option("--cmap", metavar="NAME", help="A colour map of matplotlib's, such as magma or RdBu_r."),
    click.option("--vmin", type=float, help="The lower end of the range of values."),
    click.option("--vmax", type=float, help="The upper end."),
    click.option("--log", is_flag=True, help="A logarithmic scale of values."),
    click.option("--patches/--no-patches", default=True, help="Whether to draw the outlines of the patches."),
    click.option("--title", metavar="TEXT", help="A title in the place of the time, which replaces {time} in it."),
    click.option("--contours", metavar="N|VALUES", help="Lines of equal values: how many, or where (0.1,0.5)."),
    click.option("--fill/--no-fill", default=True, help="Whether the plane has colours; without, contours have them."),
    click.option("--vectors", metavar="U,V", help="Arrows of the flow with these components, or of this name."),
    click.option("--streamlines", metavar="U,V", help="Lines along the flow with these components."),
]


def picture_options(command: Callable) -> Callable:
    """The options that both commands have."""
    return reduce(lambda made, option: option(made), reversed(OPTIONS), command)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@picture_options
@click.option("--exact/--no-exact", default=True, help="Whether curves have the exact solution of the config.")
@click.option("--together", is_flag=True, help="All files in one picture, a panel each.")
@click.option("--same-scale", is_flag=True, help="One range of values for the pictures of all files.")
@click.option("--csv", "table", type=click.Path(path_type=Path), help="Write numbers along --line, and no picture.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="A picture's name, or a folder for many.")
@click.option("--dpi", type=click.FloatRange(10, 2400), default=150, show_default=True, help="Pixels an inch.")
def plot(files: tuple[Path, ...], output: Path | None, dpi: float, table: Path | None, **options) -> None:
    """Draw the fields in FILE..., which a run left behind as .vtkhdf files.

    Each picture is written beside its file, as <file>_<variable>.png, unless --output says otherwise:

    \b
        amrax plot runs/advection_swirl_2d/*.vtkhdf --same-scale
        amrax plot runs/sod/sod_0001.vtkhdf --variable density -o density.pdf
        amrax plot runs/sod -V density -V momentum           both of its last dump, a panel each
        amrax plot runs/sod/*.vtkhdf --together              all times, a panel each
        amrax plot run_totals.csv                            what a record has, over time
        amrax plot run_0003.vtkhdf --levels                  the levels of refinement
        amrax plot run_0003.vtkhdf --contours 10 --vectors u,v
        amrax plot run_0003.vtkhdf --line y=0.5              a curve along x (in 3D: y=0.5,z=0.5)
        amrax plot run_0003.vtkhdf --line 0,0:1,0.5          a curve from one point to another
        amrax plot run_0003.vtkhdf --line y=0.5 --csv a.csv  its numbers
        amrax plot run_0003.vtkhdf --projection z            the integral along z
        amrax plot run_0003.vtkhdf --slice x=0.3             in 3D; without it, three slices through the middle

    In 1D the picture is a curve, in 2D an image, in 3D slices. Of the folder of a run the last dump is drawn; a record
    (*.csv, *.jsonl) becomes curves over time, of the --variable or of all columns. More than one -V makes panels.

    Curves are compared with the [exact] solution of the config; one without t in it is drawn at the end only.
    """
    choice = {key: options.pop(key) for key in ("exact", "together", "same_scale")}
    every, ends = prepare(options)
    records = tuple(file for file in files if file.suffix in RECORDS)
    holding = tuple(dumps(file)[1][-1] if file.is_dir() else file for file in files if file not in records)
    if table is not None:
        _write_table(files, holding, every, table)
        return
    for file in records:
        _plot_record(file, [one.variable for one in every if one.variable], output if len(files) == 1 else None, dpi)
    for path, figure in Pictures(holding, every, ends, output, **choice).drawn():
        with mistakes(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(path, dpi=dpi)
            told(path, output)


@dataclass(frozen=True)
class Pictures:
    """The pictures of some files: one of each, or one of all together; more variables are panels in each of them."""

    files: tuple[Path, ...]
    every: list[Shown]
    ends: tuple[float | None, float | None]
    output: Path | None
    exact: bool
    together: bool
    same_scale: bool

    def drawn(self) -> Iterator[tuple[Path, Figure]]:
        """Each picture with the path that it is to have."""
        groups = [self.files] if self.together and self.files else [(file,) for file in self.files]
        _check_output(self.output, len(groups))
        shared = [_shared(self.files, one, *self.ends) if self.same_scale else self.ends for one in self.every]
        for group in groups:
            with mistakes(group[0]):
                fields = [read(file) for file in group]
                figure = self._draw(group[0], fields, shared)
                name = "_".join(dict.fromkeys(one.name(fields[0]) for one in self.every))
            stem = group[0].stem if len(group) == 1 else f"{group[0].stem}_to_{group[-1].stem}"
            whole = self.output if self.output is not None and self.output.suffix else None
            yield whole or (self.output or group[0].parent) / f"{stem}_{name}.png", figure

    def _draw(self, file: Path, fields: list[Field], ends: list) -> Figure:
        from amr.pictures import draw_panels

        if len(fields) == len(self.every) == 1:
            return self._views(file, fields, self.every)[0].draw(fields[0], *ends[0])
        views = self._views(file, fields, [replace(one, title=None) for one in self.every])
        return draw_panels(fields, views, title=self.every[0].title, ends=ends)

    def _views(self, file: Path, fields: list[Field], every: list[Shown]) -> list[View]:
        """What is shown of the fields; a curve is compared with the exact solution."""
        curves = [one for one in every if one.shows_curve(fields[0].mesh.ndim)]
        exact, remark = exact_solution(file, fields) if self.exact and curves else (None, "")
        if remark:
            click.echo(f"warning: {remark}", err=True)
        known = {} if exact is None else {one: exact.of(one.variable_in(fields[0])) for one in curves}
        return [one.view(fields[0], known.get(one)) for one in every]


def _write_table(files: tuple[Path, ...], holding: tuple[Path, ...], every: list[Shown], table: Path) -> None:
    """The numbers along a line of one field."""
    if len(files) > 1 or not holding:
        raise Mistake("--csv: is for one file with a field")
    with mistakes(holding[0]):
        field = read(holding[0])
        field = field if every[0].level is None else field.coarsened(every[0].level)
        names = [one.variable_in(field) for one in every] if every[0].variable is not None else None
        every[0].line_in(field).to_csv(table, names)
        click.echo(table)


def _shared(files: tuple[Path, ...], shown: Shown, vmin: float | None, vmax: float | None) -> tuple[Any, Any]:
    """One range of values for all files."""
    with mistakes(files[0]):
        from amr.pictures import shared_range

        return shared_range(files, shown.view(read(files[0])), vmin, vmax)


def _plot_record(file: Path, variables: list[str], output: Path | None, dpi: float) -> None:
    """The history that a run has recorded, beside its file unless told otherwise."""
    with mistakes(file):
        from amr.pictures import plot_history

        path = output or file.with_suffix(".png")
        plot_history(file, variables or None).savefig(path, dpi=dpi)
        told(path, output)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@picture_options
@click.option("--fps", type=click.FloatRange(0.1, 100), default=10, show_default=True, help="Pictures a second.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="The movie: *.gif, or *.mp4 (needs ffmpeg).")
@click.option("--dpi", type=click.FloatRange(10, 600), default=100, show_default=True, help="Pixels an inch.")
def movie(directory: Path, fps: float, output: Path | None, dpi: float, **options) -> None:
    """Make a movie of the dumps in the folder DIR of a run.

    It is written into DIR as <name>_<variable>.gif unless --output says otherwise:

    \b
        amrax movie runs/advection_swirl_2d
        amrax movie runs/advection_swirl_2d --fps 20 --cmap magma --no-patches -o swirl.mp4
        amrax movie runs/sod --variable density
        amrax movie runs/deformation_3d --projection z

    All pictures have the same range of values. For more pictures, let the run write more dumps: output.every=0.05.
    The list of dumps, *.vtkhdf.series, gives their order; without one it is that of their names.
    """
    every, (vmin, vmax) = prepare(options)
    if len(every) > 1:
        raise Mistake("--variable: a movie shows one variable; make one of each")
    (shown,), (name, files) = every, dumps(directory)
    with mistakes(files[0]):
        from amr.pictures import movie as movies

        first = read(files[0])
        path = output or directory / f"{name}_{shown.name(first)}.gif"
        options = {"fps": fps, "dpi": dpi, "vmin": vmin, "vmax": vmax, "view": shown.view(first)}
        hidden = not sys.stderr.isatty()
        with click.progressbar(length=len(files), label="pictures", file=sys.stderr, hidden=hidden) as bar:
            movies.movie(files, path, on_frame=lambda number, total: bar.update(1), **options)
        told(path, output)


def told(path: Path, chosen: Path | None) -> None:
    """Name a picture that was written; the folder of its run lists it, unless people have chosen where it lies."""
    if chosen is None:
        remember(path, path.parent)
    click.echo(path)


def prepare(options: dict[str, Any]) -> tuple[list[Shown], tuple[float | None, float | None]]:
    """What to show, one after the other, and the given ends of the range of values. From here on there is JAX."""
    ends = options.pop("vmin"), options.pop("vmax")
    variables: dict[str | None, None] = dict.fromkeys(options.pop("variables"))
    variables = variables if variables and not options["levels"] else {None: None}
    shown = [Shown(variable=variable, **options) for variable in variables]
    os.environ.setdefault("JAX_PLATFORMS", "cpu")  # pictures leave accelerators to those who compute
    import jax

    jax.config.update("jax_enable_x64", True)  # or files of float64 could not be read as they are
    return shown, ends


@contextmanager
def mistakes(file: Path):
    """What may go wrong with a file becomes one line and an exit status."""
    from amr.errors import InvalidSettingError
    from amr.files import FileError

    try:
        yield
    except (FileError, ImportError) as error:
        raise Mistake(str(error)) from error
    except InvalidSettingError as error:
        named = error.key == "record"  # and so is the file
        raise Mistake(error.message if named else f"{file}: {option_of(error.key)}: {error.message}") from error
    except OSError as error:
        told = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise Mistake(f"cannot write pictures: {told}") from error


def read(file: Path) -> Field:
    """A file's field, with its derived variables; rounded values are good enough for pictures."""
    from amr.files import load

    return load(file)


def _check_output(output: Path | None, pictures: int) -> None:
    """Whether so many pictures can have that name."""
    if output is None or not output.suffix:
        return
    if pictures > 1:
        advice = f"give a folder, not {output}, or --together"
        raise Mistake(f"--output: {pictures} files make as many pictures; {advice}")
    if output.suffix.lower() not in PICTURES:
        raise Mistake(f"--output: expected a name in {', '.join(PICTURES)}, got {output}")


def dumps(directory: Path) -> tuple[str, list[Path]]:
    """The name of a run and its dumps in order: those of the list that it wrote, or else all that are there."""
    from amr.files import dumps_in

    if not directory.is_dir():
        found = "is a file" if directory.exists() else "does not exist"
        raise Mistake(f"{directory}: {found}; expected the folder of a run")
    lists = sorted(directory.glob(f"*{SUFFIX}.series"))
    if len(lists) > 1:
        raise Mistake(f"{directory}: holds the dumps of {len(lists)} runs: {', '.join(path.name for path in lists)}")
    if lists:
        return lists[0].name.removesuffix(f"{SUFFIX}.series"), _listed(lists[0])
    files = dumps_in(directory)
    if not files:
        raise Mistake(f"{directory}: holds no dumps (*{SUFFIX}); expected the folder of a run")
    return directory.resolve().name, files


def _listed(series: Path) -> list[Path]:
    """The files of a series, in the order of time."""
    try:
        entries = json.loads(series.read_text(encoding="utf-8"))["files"]
        files = [series.parent / entry["name"] for entry in sorted(entries, key=lambda entry: entry["time"])]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Mistake(f"{series}: cannot be read ({error}); remove it to take the files by their names") from error
    if not files:
        raise Mistake(f"{series}: lists no dumps")
    return files
