"""The command `amrax`. Whatever needs JAX is imported when it is needed, so that help comes at once."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .examples import examples, init
from .info import info, schema
from .mistake import FAILED, Mistake
from .pictures import movie, plot

if TYPE_CHECKING:
    from solvers.config import Case
    from solvers.run import Checkpoint

    from .folder import RunFolder


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="amrax", prog_name="amrax")
def main() -> None:
    """Adaptive mesh refinement for partial differential equations.

    A run is described by a config file (TOML). To begin with:

    \b
        amrax examples                   configs that come with it, with comments
        amrax init sod                   write one of them, a shock tube: sod.toml
        amrax run sod.toml               run it
        amrax info runs/sod              what came out
        amrax plot runs/sod/*.vtkhdf     pictures of it

    `amrax COMMAND --help` has examples of each command.
    """


for other in (examples, init, info, plot, movie, schema):
    main.add_command(other)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--force", is_flag=True, help="Replace the results of an earlier run.")
@click.option("--dry-run", "dry", is_flag=True, help="Say what it would take, and write nothing.")
def run(file: Path, overrides: tuple[str, ...], force: bool, dry: bool) -> None:
    """Run the config FILE.

    Settings may be given behind it, which then count instead of those in the file:

    \b
        amrax run sod.toml
        amrax run sod.toml mesh.max_level=3 time.end=0.1
        amrax run sod.toml 'mesh.cells=[128]' --force
        amrax run sod.toml mesh.max_level=5 --dry-run

    The folder output.directory (runs/<name of the file> unless told otherwise) then holds the fields as
    .vtkhdf files for ParaView, PyVista and yt, a picture, summary.json and the config with all its defaults.

    With --force all that an earlier run left there is removed first, with the pictures that `amrax plot` and `amrax
    movie` made of it; files of yours stay, and pictures that you gave a name with --output.

    With --dry-run the first mesh is made and the program compiled, to tell patches, memory, steps and dumps.
    """
    case = _load(file, overrides)
    _keep_programs()
    if dry:
        _describe(file, case)
        _rehearse(case)
        return
    _perform(case, _prepare(case, file, force))


@main.command(short_help="Go on with the run in DIRECTORY.")
@click.argument("directory", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--from", "given", type=click.Path(path_type=Path), help="The file to go on from, not the newest.")
@click.option("--force", is_flag=True, help="Replace what was written after that file.")
def resume(directory: Path, overrides: tuple[str, ...], given: Path | None, force: bool) -> None:
    """Go on with the run in DIRECTORY, from its newest dump or checkpoint.

    The result equals that of a run never interrupted, bit by bit. Settings may change where that makes sense: the
    end, steps, what is written, thresholds, the scheme, more levels.

    \b
        amrax resume runs/advection_swirl_2d
        amrax resume runs/advection_swirl_2d time.end=4.0 output.every=0.1
        amrax resume runs/advection_swirl_2d --from runs/advection_swirl_2d/advection_swirl_2d_0002.vtkhdf
    """
    from solvers.config import ConfigError

    from .folder import RunFolder
    from .resume import NothingLeftError, resumable

    try:
        case, checkpoint, remarks = resumable(directory, overrides, given)
    except NothingLeftError as finished:
        click.echo(finished, err=True)
        return
    except ConfigError as error:
        raise Mistake(str(error)) from error
    for remark in (*remarks, *map("warning: {}".format, case.warnings)):
        click.echo(remark, err=True)
    _keep_programs()
    folder = RunFolder(case)
    try:
        folder.prepare_to_resume(directory / "config.toml", checkpoint, replace=force or given is None)
    except (ConfigError, OSError) as error:
        folder.release()
        raise Mistake(str(error)) from error
    click.echo(f"going on from t = {float(checkpoint.field.time):.6g}, step {checkpoint.field.step}", err=True)
    _perform(case, folder, checkpoint)


@main.command(short_help="Check the config FILE without running it.")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
def validate(file: Path, overrides: tuple[str, ...]) -> None:
    """Check the config FILE (and overrides) without running it.

    All mistakes are listed, each with its line.

    \b
        amrax validate my_config.toml
        amrax validate my_config.toml mesh.max_level=4 scheme.limiter=superbee
    """
    _describe(file, _load(file, overrides))


def _describe(file: Path, case: Case) -> None:
    """What a config asks for."""
    mesh = case.simulation.mesh
    finest = " x ".join(str(n * 2**mesh.max_level) for n in mesh.cells)
    click.echo(f"{file}: valid")
    click.echo(f"  equation  {case.equation}")
    click.echo(f"  scheme    {case.scheme}")
    if case.simulation.setup.why:
        click.echo(f"  chosen    {case.simulation.setup.why}")
    click.echo(f"  cells     {' x '.join(map(str, mesh.cells))} to {finest}, in patches of {mesh.patch} a side")
    click.echo(f"  time      0 to {case.config.time.end:g}, {len(case.output_times) + 2} dumps")
    click.echo(f"  output    {case.config.output.directory}")


def _rehearse(case: Case) -> None:
    """What a run would take."""
    from solvers.run import RunError

    from .dry_run import dry_run

    try:
        found = dry_run(case)
    except RunError as error:
        raise Mistake(f"the run would fail: {error}", FAILED) from error
    click.echo(str(found))
    if found.warning:
        click.echo(f"warning: {found.warning}", err=True)


def _load(file: Path, overrides: tuple[str, ...]) -> Case:
    from solvers.config import ConfigError, load

    try:
        case = load(file, overrides)
    except ConfigError as error:
        count = len(error.reports)
        many = "s" if count > 1 else ""
        raise Mistake(f"{error}\n{count} mistake{many} in the config; nothing was done.") from error
    for warning in case.warnings:
        click.echo(f"warning: {warning}", err=True)
    return case


def _prepare(case: Case, file: Path, force: bool) -> RunFolder:
    from solvers.config import ConfigError

    from .folder import RunFolder

    folder = RunFolder(case)
    try:
        folder.prepare(file, force)
    except (ConfigError, OSError) as error:
        folder.release()
        raise Mistake(str(error) if isinstance(error, ConfigError) else f"output.directory: {error}") from error
    return folder


def _perform(case: Case, folder: RunFolder, checkpoint: Checkpoint | None = None) -> None:
    """Run, and say what came of it."""
    from solvers.run import reporter

    from .session import perform

    try:
        with closing(reporter(case.config.time.end, sys.stderr)) as show:
            solution = perform(case, folder, show, checkpoint)
    except OSError as error:
        advice = f"\nwhat was written before is whole: amrax resume {folder.directory} goes on from there"
        raise Mistake(f"cannot write results: {error}{advice if folder.config.exists() else ''}", FAILED) from error
    finally:
        folder.release()
    click.echo(str(solution.summary))
    click.echo(f"results in {folder.directory}")


def _keep_programs() -> None:
    from solvers.run import enable_compilation_cache

    enable_compilation_cache()
