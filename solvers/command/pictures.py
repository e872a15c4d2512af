"""The commands `amrax plot` and `amrax movie`. What needs JAX or matplotlib is imported when it is needed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .made import remember
from .mistake import Mistake
from .picture_options import Shown, option_of

if TYPE_CHECKING:
    from amr.field import Field

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
]


def picture_options(command: Callable) -> Callable:
    """The options that both commands have."""
    return reduce(lambda made, option: option(made), reversed(OPTIONS), command)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@picture_options
@click.option("--same-scale", is_flag=True, help="One range of values for the pictures of all files.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="A picture's name, or a folder for many.")
@click.option("--dpi", type=click.FloatRange(10, 2400), default=150, show_default=True, help="Pixels an inch.")
def plot(files: tuple[Path, ...], same_scale: bool, output: Path | None, dpi: float, **options) -> None:
    """Draw the fields in FILE..., which a run left behind as .vtkhdf files.

    Each picture is written beside its file, as <file>_<variable>.png, unless --output says otherwise:

    \b
        amrax plot runs/advection_swirl_2d/*.vtkhdf --same-scale
        amrax plot runs/sod/sod_0001.vtkhdf --variable density -o density.pdf
        amrax plot runs/advection_swirl_2d                   its last dump
        amrax plot run_totals.csv                            what a record has, over time
        amrax plot run_0003.vtkhdf --levels                  the levels of refinement
        amrax plot run_0003.vtkhdf --line y=0.5              a curve along x (in 3D: y=0.5,z=0.5)
        amrax plot run_0003.vtkhdf --line 0,0:1,0.5          a curve from one point to another
        amrax plot run_0003.vtkhdf --projection z            the integral along z
        amrax plot run_0003.vtkhdf --slice x=0.3             in 3D; without it, three slices through the middle

    In 1D the picture is a curve, in 2D an image, in 3D slices. Of the folder of a run the last dump is drawn; a record
    (*.csv, *.jsonl) becomes curves over time, of the --variable or of all columns. More than one -V makes a picture of
    each.
    """
    every, (vmin, vmax) = prepare(options)
    records = tuple(file for file in files if file.suffix in RECORDS)
    for file in records:
        _plot_record(file, [one.variable for one in every if one.variable], output if len(files) == 1 else None, dpi)
    files = tuple(dumps(file)[1][-1] if file.is_dir() else file for file in files if file not in records)
    if not files:
        return
    names = [_output_names(files, output, shown, len(every)) for shown in every]
    ends = [_shared(files, shown, vmin, vmax) if same_scale else (vmin, vmax) for shown in every]
    for n, file in enumerate(files):
        with mistakes(file):
            field = read(file)
        for shown, named, (low, high) in zip(every, names, ends, strict=True):
            with mistakes(file):
                path = named[n](field)
                path.parent.mkdir(parents=True, exist_ok=True)
                shown.view(field).draw(field, low, high).savefig(path, dpi=dpi)
                told(path, output)


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
    shown = [Shown(variable=variable, **options) for variable in options.pop("variables") or (None,)]
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


def _output_names(
    files: tuple[Path, ...], output: Path | None, shown: Shown, variables: int
) -> list[Callable[[Field], Path]]:
    """For each file, the name of its picture as a function of its field."""
    if output is not None and output.suffix:
        if len(files) * variables > 1:
            what = f"{len(files)} files" if variables == 1 else f"{variables} variables"
            raise Mistake(f"--output: {what} make as many pictures; give a folder, not {output}")
        if output.suffix.lower() not in PICTURES:
            raise Mistake(f"--output: expected a name in {', '.join(PICTURES)}, got {output}")
        return [lambda field: output]

    def named(file: Path) -> Callable[[Field], Path]:
        return lambda field: (output or file.parent) / f"{file.stem}_{shown.name(field)}.png"

    return [named(file) for file in files]


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
