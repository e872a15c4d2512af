"""Writes the pages that follow from the code: keys of a config file, the command line with its options, the rooms.

    python docs/generate.py

`tests/whole/test_docs.py` fails where the pages are not what this writes.
"""

import ast
import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from solvers.command.cli import main
from solvers.config.equation_tables import KINDS
from solvers.config.tables import Config
from solvers.config.toml_text import show
from solvers.config.values import Table

HERE = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py. -->\n"
EXPECTED = {"domain.boundary": "a [boundary](config.md#boundaries), or one entry for each dimension"}
ROW = re.compile(r"^\| (?:\*\*`\[+(\w+)[.\w]*\]+`\*\*,? ?)?(?:`|\*|\.\.\. )(.*?) \| (.*?) \|(?: (.*?) ?\|)?$")
CONFIG = f"""{NOTE}
# Keys of the config file

Every table and key that `amrax` reads. What is expected is what the program itself checks, in the words of its error
messages; what a key means is taken from [the guide](config.md), which has more to say about expressions, equations and
boundaries.

*required* means that there is no default, *none* that nothing is done. Where the program chooses, `config.toml` beside
the results says what it chose.
"""
COMMANDS = f"""{NOTE}
# Command line

What `amrax --help` and the help of each command say. Settings behind a config file, `table.key=value`, count instead of
those in the file; a value is written as in TOML, and a text may go without quotes.

Exit statuses: 0 done, 1 failed, 2 a mistake in the config or on the command line, 130 interrupted, 124 ended
by `time.max_steps` or `time.max_minutes` (as `timeout` does); what was interrupted or ended so can be resumed.
"""
ROOMS = f"""{NOTE}
# Rooms

Every module with the first sentence that it says of itself, wing by wing, those above importing from those below. [How
it works](concepts.md) has the ideas behind them, [Contributing](../CONTRIBUTING.md) the rules.
"""
WINGS = (
    *("solvers/command", "solvers/config", "solvers/run", "solvers/elliptic", "solvers/schemes", "solvers/records"),
    *("solvers/equations", "solvers/integrators", "solvers"),
    *("amr/pictures", "amr/files", "amr/field", "amr/refine", "amr/grid", "amr/mesh", "amr"),
)


def rooms() -> str:
    """The modules of all wings, and what they are for."""
    text = ROOMS
    for wing in WINGS:
        text += f"\n## `{wing}`\n\n| | |\n|---|---|\n"
        for path in sorted((HERE.parent / wing).glob("*.py")):
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            if said and path.name != "__init__.py":
                first = " ".join(said.split("\n\n")[0].split())
                text += f"| `{path.name}` | {first} |\n"
    return text


def config_reference() -> str:
    """All tables of a config file, each with its keys."""
    text, known = CONFIG, meanings()
    for key, field in Config.model_fields.items():
        tables = tables_in(field.annotation)
        if key == "equation":
            text += f"\n## `[equation]`\n\nWhich keys there are depends on `type`, by default {show('advection')}.\n"
            for kind, table in KINDS.items():
                text += section(f'`type = "{kind}"`', table, known, level=3, path=key)
        elif tables:
            for table in tables:
                shown = f"[{key}.NAME]" if get_origin(field.annotation) is dict else f"[{key}]"
                text += section(f"`{shown}`", table, known, level=2, path=key)
        else:
            text += f"\n## `[{key}]`\n\nA table of your own: {expected(field, key)}.\n"
    return text


def meanings() -> dict[str, tuple[str, str]]:
    """What the guide says about `table.key`: its meaning and its default."""
    found: dict[str, tuple[str, str]] = {}
    table, heading = "", ""
    for line in (HERE / "config.md").read_text(encoding="utf-8").replace("](#", "](config.md#").splitlines():
        heading = line.removeprefix("## ") if line.startswith("## ") else heading
        row = ROW.match(line)
        if row is None or heading == "Boundaries":  # whose keys are no keys of a table
            continue
        named, keys, meaning, default = row.groups()
        table = named or ("equation" if heading in ("Equations", "Diffusion and reaction") else table)
        for key in re.findall(r"[\w.]+", keys):
            found[f"{table}.{key}"] = (meaning, default or "")
    return found


def section(title: str, table: type[Table], known: dict[str, tuple[str, str]], *, level: int, path: str) -> str:
    """One table with its keys, and below it the tables that stand in it."""
    about = re.sub(r"^`[^`]*`: ", "", (table.__doc__ or "").strip().split("\n")[0])
    text = f"\n{'#' * level} {title}\n\n{about[:1].upper() + about[1:]}\n\n"
    text += "| key | meaning | expected | default |\n|---|---|---|---|\n"
    inner: dict[type[Table], list[str]] = {}
    for key, field in table.model_fields.items():
        if key == "type" and path == "equation":  # which is in the title
            continue
        meaning, otherwise = known.get(f"{path}.{key}") or known.get(f"{path.split('.')[0]}.{key}", ("", ""))
        text += f"| `{key}` | {meaning} | {expected(field, f'{path}.{key}')} | {default(field, otherwise)} |\n"
        for found in tables_in(field.annotation):
            inner.setdefault(found, []).append(key)
    for found, keys in inner.items():
        text += section(
            f"In {', '.join(f'`{key}`' for key in keys)}", found, known, level=level + 1, path=f"{path}.{keys[0]}"
        )
    return text


def expected(field: FieldInfo, path: str) -> str:
    """What may stand behind a key, in words."""
    words = EXPECTED.get(path) or as_code(field.description or "")
    if choices := literals(field.annotation):
        words = ", ".join(f"`{show(choice)}`" for choice in choices) + (f": {words}" if words else "")
    return words.replace("|", "\\|")


def as_code(words: str) -> str:
    """Pieces of TOML in a sentence, marked as such."""
    return re.sub(
        r"""(\w+ = "[^"]*"|\[?\{(?:[^{}]|\{[^{}]*\})*\}\]?|"[^"]*"|'[^']*'|\[(?:[^][]|\[[^][]*\])*\])""", r"`\1`", words
    )


def default(field: FieldInfo, otherwise: str) -> str:
    """What counts if a key is left out; where the program chooses, in the words of the guide."""
    if field.is_required():
        return "*required*"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return otherwise or "*none*"
    if isinstance(value, Table) or value in ((), {}, []):
        return "*none*"
    return f"`{show(list(value) if isinstance(value, tuple) else value)}`"


def literals(annotation: Any) -> tuple[Any, ...]:
    """The values of a `Literal` somewhere in an annotation."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for part in get_args(annotation) if part is not type(None) for value in literals(part))


def tables_in(annotation: Any) -> list[type[Table]]:
    """The tables somewhere in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return [annotation]
    return list(dict.fromkeys(table for part in get_args(annotation) for table in tables_in(part)))


def command_reference() -> str:
    """The help of the command and of all that stands behind it."""
    text = COMMANDS
    with click.Context(main, info_name="amrax", terminal_width=100, **main.context_settings) as context:
        text += f"\n## `amrax`\n\n```text\n{main.get_help(context)}\n```\n"
        for name in main.list_commands(context):
            command = main.get_command(context, name)
            with click.Context(command, info_name=name, parent=context, terminal_width=100) as own:
                text += f"\n## `amrax {name}`\n\n```text\n{command.get_help(own)}\n```\n"
    return text


def pages() -> dict[str, str]:
    """The generated pages by their names in docs/."""
    return {"config_reference.md": config_reference(), "command_line.md": command_reference(), "rooms.md": rooms()}


if __name__ == "__main__":
    for name, page in pages().items():
        (HERE / name).write_text(page, encoding="utf-8")
        print(HERE / name)
