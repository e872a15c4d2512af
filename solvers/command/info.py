"""The commands `amrax info` and `amrax schema`, which need no JAX and so answer at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .mistake import Mistake

if TYPE_CHECKING:
    from amr.files import FileInfo

    from .run_info import RunInfo

CHEAP = 64_000_000  # bytes of a file whose values are read without being asked for


@click.command(short_help="Say what files and folders of runs hold.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE|DIR...")
@click.option("--config", is_flag=True, help="Print the config of the run that wrote it, and nothing else.")
@click.option("--ranges", is_flag=True, help="Least and largest values also of files above 64 MB.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list with an object for each FILE or DIR.")
def info(paths: tuple[Path, ...], config: bool, ranges: bool, as_json: bool) -> None:
    """Say what is in a FILE that a run wrote (*.vtkhdf), or how far the run in a folder DIR came.

    \b
        amrax info runs/sod/sod_0001.vtkhdf              variables, mesh, levels, time, precision
        amrax info runs/sod                              dumps and checkpoints; finished or not
        amrax info runs/sod/sod_0001.vtkhdf --config > again.toml
        amrax info runs/* --json | jq '.[] | .directory, .state'
    """
    from .info_text import record, text

    found = [_read(path, ranges) for path in paths]
    if config:
        for path, one in zip(paths, found, strict=True):
            if not one.config:
                raise Mistake(f"{path}: holds no config; expected a file that a run wrote")
            click.echo(one.config, nl=False)
        return
    click.echo(json.dumps([record(one) for one in found], indent=2) if as_json else "\n\n".join(map(text, found)))


@click.command()
def schema() -> None:
    """Print the JSON schema of config files, for editors.

    With it an editor completes keys, shows what each may be and underlines mistakes while you type. In VS Code, with
    the extension "Even Better TOML" (in other editors: the language server Taplo), write it to a file, and name that
    in the first line of a config:

    \b
        amrax schema > amrax.schema.json
        echo '#:schema ./amrax.schema.json' | cat - sod.toml > my_config.toml

    What formulas say, and whether settings fit each other, the schema cannot know; `amrax validate FILE` can.
    """
    from solvers.config import schema as made

    click.echo(json.dumps(made(), indent=2))


def _read(path: Path, ranges: bool) -> FileInfo | RunInfo:
    from amr.files import FileError, file_info

    from .run_info import run_info

    try:
        if path.is_dir():
            return run_info(path)
        return file_info(path, ranges or (path.exists() and path.stat().st_size <= CHEAP))
    except FileError as error:
        raise Mistake(str(error)) from error
