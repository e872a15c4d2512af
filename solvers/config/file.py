"""A config file with its overrides from the command line, and where in it a mistake stands."""

import difflib
import math
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .gallery import gallery_configs
from .mistakes import ConfigError, Mistakes
from .toml_text import KeyPath, key_lines, line_of, show

COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Source:
    """What a config file and its overrides say, before anything is checked.

    **Attributes:** `path` of the file; `data`: the tables; `lines`: where each key stands; `overridden`: keys that were
    given on the command line.
    """

    path: Path
    data: dict[str, Any]
    lines: dict[KeyPath, int]
    overridden: frozenset[KeyPath]

    def names(self, table: str) -> list[str]:
        """The keys of a table as they stand there, right or wrong."""
        found = self.data.get(table)
        return list(found) if isinstance(found, dict) else []

    def error(self, mistakes: Mistakes) -> ConfigError:
        """All mistakes as one error, in the order of the file, those of the command line at the end."""
        reports = {(self._line(path), f"{_key(path)}: {message}") for path, message in mistakes.entries}
        places = {math.inf: COMMAND_LINE}
        return ConfigError([f"{places.get(line, f'{self.path}:{line}')}: {text}" for line, text in sorted(reports)])

    def _line(self, path: KeyPath) -> int | float:
        """Where a key stands in the file, infinity if it comes from the command line."""
        below = any(path[: len(key)] == key for key in self.overridden)
        above = path not in self.lines and any(key[: len(path)] == path for key in self.overridden)
        # A table that only the command line mentions is its mistake as well.
        return math.inf if below or above else line_of(self.lines, path)


def read_source(path: str | Path, overrides: Sequence[str], mistakes: Mistakes, text: str | None = None) -> Source:
    """Read a file, or take the text that it had, and put the overrides, `"table.key=value"`, into it.

    Raises `ConfigError` where there is no TOML to go on with; what is wrong with an override goes to `mistakes`.
    """
    path = Path(path)
    text = _read_text(path) if text is None else text
    data = _parse(path, text)
    lines = key_lines(text)
    overridden = frozenset(_override(data, override, mistakes) for override in overrides)
    return Source(path, data, lines, overridden)


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        raise ConfigError([f"{path}: no such file{_similar_file(path)}"]) from None
    except IsADirectoryError:
        raise ConfigError([f"{path}: is a folder, expected a config file (TOML)"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is no text, expected a config file (TOML)"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None


def _similar_file(path: Path) -> str:
    near = [str(p) for folder in {path.parent, Path("configs")} for p in folder.glob("*.toml")]
    close = difflib.get_close_matches(str(path), near, 1)
    if not close and path.stem in gallery_configs():
        return f" (amrax init {path.stem} writes one)"
    return f" (did you mean {close[0]}?)" if close else ""


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
    except RecursionError:
        message = "too deeply nested"
    raise ConfigError([f"{path}:{_broken(text, message)}"])


def _broken(text: str, message: str) -> str:
    """The line of a mistake in TOML, what it is, and where in the line."""
    lines = text.splitlines() or [""]
    place = re.search(r" \(at line (\d+), column (\d+)\)", message)
    if place is None:
        return f"{len(lines)}: broken TOML: {message}"
    line, column = int(place.group(1)), int(place.group(2))
    problem = re.sub(r"Cannot declare \((.*?),?\) twice", r"the table \1 is there twice", message[: place.start()])
    problem = problem.replace("Cannot overwrite a value", "this key is there twice")
    shown = lines[min(line, len(lines)) - 1]
    return f"{line}: broken TOML: {problem}\n    {shown}\n    {' ' * (column - 1)}^"


def _override(data: dict[str, Any], text: str, mistakes: Mistakes) -> KeyPath:
    """Set one key from `"table.key=value"`; gives its path."""
    name, equals, value = text.partition("=")
    path = tuple(part.strip() for part in name.split("."))
    if not equals or not all(path):
        mistakes.add((text,), "expected table.key=value, such as mesh.max_level=3")
        return (text,)
    table: Any = data
    for n, part in enumerate(path[:-1], 1):
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            mistakes.add(path, f"{_key(path[:n])} is {show(table)}, no table")
            return path
    try:
        table[path[-1]] = _override_value(value.strip())
    except tomllib.TOMLDecodeError as error:
        mistakes.add(path, f"broken TOML {value!r}: {error}")
    return path


def _override_value(text: str) -> Any:
    """The value as TOML; what is none, and does not look as if it should be, is a string (an expression, a name)."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        if text[:1] in ("[", "{", '"', "'"):
            raise
        return text
    return parsed["value"] if len(parsed) == 1 else text


def _key(path: KeyPath) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
