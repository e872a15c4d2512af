"""The command `amrax`. Whatever needs JAX is imported when it is needed, so that help comes at once."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from .build import Case
    from .run_folder import RunFolder
    from .simulation import Solution

FAILED, WRONG_CONFIG, INTERRUPTED = 1, 2, 130  # exit statuses


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="amrax", prog_name="amrax")
def main() -> None:
    """Adaptive mesh refinement for partial differential equations.

    A run is described by a config file (TOML); configs/ has examples with comments.
    """


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--force", is_flag=True, help="Replace the results of an earlier run.")
def run(file: Path, overrides: tuple[str, ...], force: bool) -> None:
    """Run the config FILE.

    Settings may be given behind it, which then count instead of those in the file:

    \b
        amrax run configs/advection_swirl_2d.toml mesh.max_level=3 time.end=1.0
        amrax run configs/advection_swirl_2d.toml 'mesh.cells=[128, 128]' --force

    The folder output.directory (runs/<name of the file> unless told otherwise) then holds the fields as
    .vtkhdf files for ParaView, PyVista and yt, a picture, summary.json and the config with all its defaults.
    """
    case = _load(file, overrides)
    enable_compilation_cache()
    folder = _prepare(case, file, force)
    try:
        solution = _simulate(case, folder)
        folder.finish(solution)
    except OSError as error:
        _fail(f"cannot write results: {error}", FAILED)
    click.echo(str(solution.summary))
    click.echo(f"results in {folder.directory}")


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
def validate(file: Path, overrides: tuple[str, ...]) -> None:
    """Check the config FILE (and overrides) without running it.

    All mistakes are listed, each with its line.
    """
    case = _load(file, overrides)
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


def _load(file: Path, overrides: tuple[str, ...]) -> Case:
    from .build import load
    from .config_errors import ConfigError

    try:
        return load(file, overrides)
    except ConfigError as error:
        count = len(error.reports)
        _fail(f"{error}\n{count} mistake{'s' if count > 1 else ''} in the config; nothing was done.", WRONG_CONFIG)


def _prepare(case: Case, file: Path, force: bool) -> RunFolder:
    from .config_errors import ConfigError
    from .run_folder import RunFolder

    folder = RunFolder(case)
    try:
        folder.prepare(file, force)
    except ConfigError as error:
        _fail(str(error), WRONG_CONFIG)
    except OSError as error:
        _fail(f"output.directory: {folder.directory}: {error}", WRONG_CONFIG)
    return folder


def _simulate(case: Case, folder: RunFolder) -> Solution:
    """The run itself, with its progress shown and its dumps written."""
    from .progress import reporter
    from .simulation import RunError

    end = case.config.time.end
    try:
        with closing(reporter(end, sys.stderr)) as show:

            def write(field) -> None:
                path = folder.dump(field)
                show.say(f"t = {float(field.time):.4g}: wrote {path}")

            return case.simulation.run(
                case.initial, end, exact=case.exact, outputs=case.output_times, on_output=write, progress=show
            )
    except RunError as error:
        _fail(f"the run failed: {error}\nthe last good field is in {folder.dump_failed(error.field)}", FAILED)
    except KeyboardInterrupt:
        done = f"dumps up to t = {folder.dumps[-1][1]:.4g} are in" if folder.dumps else "there are no dumps yet in"
        _fail(f"interrupted; {done} {folder.directory}", INTERRUPTED)


def enable_compilation_cache() -> None:
    """Let JAX keep compiled programs between runs, in AMRAX_CACHE_DIR (default ~/.cache/amrax/jax; empty: do not)."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    directory = os.environ.get("AMRAX_CACHE_DIR", os.path.join(home, "amrax", "jax"))
    if not directory:
        return
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError:
        return  # it only saves time
    import jax

    jax.config.update("jax_compilation_cache_dir", directory)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _fail(message: str, status: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(status)
