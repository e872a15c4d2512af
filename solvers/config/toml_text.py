"""What `tomllib` leaves out: on which line each key of a TOML text stands, and how to write one."""

import difflib
import itertools
import json
import re
import tomllib
from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

KeyPath = tuple[str | int, ...]

_STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|' r"'''.*?'{3,5}|" r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'", re.DOTALL)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"(?:\s|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}\n#]*")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of each table, key and array element, by its path. The text must be valid TOML."""
    return _Scanner(text.replace("\r\n", "\n")).scan()


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """The line of a key or, if the text does not mention it, of the nearest table around it."""
    return next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), 1)


class _Scanner:
    """Reads valid TOML just far enough to tell keys from values."""

    def __init__(self, text: str):
        self.text, self.at = text, 0
        self.breaks = [found.start() for found in re.finditer("\n", text)]
        self.lines: dict[KeyPath, int] = {}
        self.arrays: Counter[KeyPath] = Counter()

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self.space()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.space()
        return self.lines

    def header(self) -> KeyPath:
        of_array = self.text.startswith("[[", self.at)
        self.at += 1 + of_array
        line = self.line()
        path = self.inside_arrays(self.key())
        if of_array:
            self.lines.setdefault(path, line)
            path = (*path, self.arrays[path])
            self.arrays[path[:-1]] += 1
        self.at += 1 + of_array
        self.lines[path] = line
        return path

    def inside_arrays(self, key: KeyPath) -> KeyPath:
        """A header below an array of tables means the array's latest element."""
        path: KeyPath = ()
        for n, part in enumerate(key):
            path = (*path, part)
            if n < len(key) - 1 and self.arrays[path]:
                path = (*path, self.arrays[path] - 1)
        return path

    def pair(self, table: KeyPath) -> None:
        line = self.line()
        key = self.key()
        for n in range(1, len(key) + 1):
            self.lines.setdefault(table + key[:n], line)
        self.at += 1  # the equals sign
        self.value(table + key)

    def key(self) -> KeyPath:
        parts: list[str | int] = []
        while True:
            self.space()
            word = self.match(_STRING if self.text[self.at] in "\"'" else _BARE)
            parts += tomllib.loads(f"{word} = 0")  # without its quotes
            self.space()
            if self.text[self.at] != ".":
                return tuple(parts)
            self.at += 1

    def value(self, path: KeyPath) -> None:
        self.space()
        opening = self.text[self.at]
        if opening not in "[{":
            self.match(_STRING if opening in "\"'" else _SCALAR)
            return
        self.at += 1
        for index in self.items("]" if opening == "[" else "}"):
            if opening == "{":
                self.pair(path)
            else:
                self.lines[*path, index] = self.line()
                self.value((*path, index))

    def items(self, closing: str) -> Iterator[int]:
        """The number of each item of an inline table or an array, before it is read."""
        for index in itertools.count():
            self.space()
            if self.text[self.at] == closing:
                self.at += 1
                return
            yield index
            self.space()
            self.at += self.text[self.at] == ","

    def space(self) -> None:
        self.match(_SPACE)

    def line(self) -> int:
        return bisect(self.breaks, self.at) + 1

    def match(self, pattern: re.Pattern) -> str:
        found = pattern.match(self.text, self.at)
        assert found is not None, "the text was valid TOML"
        self.at = found.end()
        return found.group()


# --- writing ----------------------------------------------------------------------------------------------------------


def dumps(data: Mapping[str, Any]) -> str:
    """A nested mapping of plain values as a TOML text: tables as sections, what is inside lists inline."""
    return "\n".join(_section(data, ())).lstrip("\n") + "\n"


def _section(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    tables = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    if path and (len(tables) < len(table) or not table):
        yield f"\n[{'.'.join(map(_key, path))}]"
    for key, value in table.items():
        if key not in tables:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in tables.items():
        yield from _section(value, (*path, key))


def show(value: Any) -> str:
    """A value as it reads in a TOML text, shortened to fit into a message."""
    try:
        text = _value(value)
    except TypeError:  # dates
        text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def alternatives(choices: Sequence[str], found: object) -> str:
    """The choices of a setting in words, with the one that was probably meant."""
    close = difflib.get_close_matches(str(found), choices, 1)
    hint = f" (did you mean {show(close[0])}?)" if close else ""
    return " or ".join(map(show, choices)) + hint


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            return text_value(value)
        case Mapping():
            return f"{{{', '.join(f'{_key(k)} = {_value(v)}' for k, v in value.items())}}}"
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else text_value(key)


def text_value(text: str) -> str:
    """A string as it stands in a TOML text."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
