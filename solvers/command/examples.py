"""The commands `amrax examples` and `amrax init`: configs to begin with, also where there is no checkout."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from .mistake import Mistake

EXPLAINED = "advection_swirl_2d"  # the config with all explanations


@click.command()
def examples() -> None:
    """List the configs that come with Amrax, with what they show.

    `amrax init NAME` makes a copy of one:

    \b
        amrax examples
        amrax init sod
        amrax run sod.toml
    """
    from solvers.config import gallery_configs, told_by

    for name, path in gallery_configs().items():
        click.echo(f"{name}\n{click.wrap_text(told_by(path), 100, '    ', '    ')}")


@click.command(short_help="Write a config to begin with.")
@click.argument("name", default=EXPLAINED)
@click.argument("file", required=False, type=click.Path(path_type=Path))
def init(name: str, file: Path | None) -> None:
    """Write the config NAME, one of those that `amrax examples` lists, as FILE, to be run and changed.

    Without NAME it is the one with all explanations, without FILE it is called NAME.toml. No file is written over.

    \b
        amrax init
        amrax init sod
        amrax init kelvin_helmholtz my_config.toml
    """
    from solvers.config import gallery_configs, text_for

    known = gallery_configs()
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {close[0]}?" if close else "amrax examples lists them"
        raise Mistake(f"no config {name!r} comes with Amrax; {hint}")
    path = file or Path(f"{name}.toml")
    try:
        with path.open("x", encoding="utf-8") as written:
            written.write(text_for(name, path))
    except FileExistsError:
        raise Mistake(f"{path}: is there already; give another name: amrax init {name} FILE") from None
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}") from error
    click.echo(f"{path}\nto run it: amrax run {path}")
