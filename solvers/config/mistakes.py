"""From what pydantic finds wrong with the tables of a config to sentences for people."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from amr.errors import InvalidSettingError

from .equation_tables import KINDS, equation_kind
from .expression import ExpressionError
from .tables import Config
from .toml_text import KeyPath, alternatives, show
from .user_function import UserFunctionError
from .values import RESERVED, Table

T = TypeVar("T")
Tables = dict[str, Any]
# Keys that can be left out, when they are wrong, without making other settings look wrong.
_DISPENSABLE = {
    ("equation", key) for key in ("gamma", "density", "sound_speed", "gravity", "bottom", "dry_depth", "mean")
}


class ConfigError(ValueError):
    """A config that cannot be run. Its text has one line for each mistake: file, line, key, found, expected.

    **Attributes:** `reports`: those lines.
    """

    def __init__(self, reports: list[str]):
        super().__init__("\n".join(reports))
        self.reports = reports


@dataclass
class Mistakes:
    """All that is found wrong with a config, each entry with the path of the key."""

    entries: list[tuple[KeyPath, str]] = field(default_factory=list)

    def add(self, path: KeyPath, message: str) -> None:
        self.entries.append((path, message))

    def blame(self, path: KeyPath) -> bool:
        """Whether something is wrong with that key or below it."""
        return any(found[: len(path)] == path for found, _ in self.entries)

    def attempt(self, path: KeyPath, make: Callable[..., T], *ingredients: Any) -> T | None:
        """What `make` gives; `None` where that is a mistake or an ingredient is missing because of an earlier one.

        The key of a setting is added to `path`.
        """
        if any(ingredient is None for ingredient in ingredients):
            return None
        try:
            return make(*ingredients)
        except InvalidSettingError as error:
            self.add((*path, error.key), error.message)
        except (ExpressionError, UserFunctionError) as error:
            self.add(path, str(error))
        return None

    def compare(self, path: KeyPath, table: Mapping[str, Any], names: Sequence[str], kind: str, missing: str) -> None:
        """The keys of a table must be these names."""
        for name in table.keys() - set(names):
            self.add((*path, name), f"no such {kind}; expected {alternatives(names, name)}")
        for name in names:
            if name not in table:
                self.add((*path, name), f"missing, expected {missing}")


def read_tables(data: Mapping[str, Any], mistakes: Mistakes) -> Tables:
    """Each table checked by itself, so that a mistake in one hides none in another; `None` for what cannot be used."""
    for name in data.keys() - Config.model_fields.keys():
        mistakes.add((name,), _unknown((name,)))
    parameters = _read_table("parameters", data, {}, mistakes)
    tables = {
        name: _read_table(name, data, parameters or {}, mistakes)
        for name in Config.model_fields.keys() - {"parameters"}
    }
    given = data.get("parameters")
    for name in RESERVED.intersection(given if isinstance(given, Mapping) else ()):
        mistakes.add(("parameters", name), "this name has a meaning of its own in expressions; choose another one")
    return {**tables, "parameters": parameters}


def _read_table(name: str, data: Mapping[str, Any], parameters: Mapping[str, float], mistakes: Mistakes) -> Any:
    info = Config.model_fields[name]
    if name not in data:
        if not info.is_required():
            return info.get_default(call_default_factory=True)
        if not any(name in _close(other, Config.model_fields) for other in data.keys() - Config.model_fields.keys()):
            mistakes.add((name,), f"missing, expected {info.description}")  # and not misspelt, which was told
        return None
    if not isinstance(data[name], Mapping):
        mistakes.add((name,), f"found {show(data[name])}, expected {info.description}")
        return None
    return _validated(name, dict(data[name]), parameters, mistakes)


def _validated(
    name: str,
    table: dict[str, Any],
    parameters: Mapping[str, float],
    mistakes: Mistakes,
    guessed: Sequence[KeyPath] = (),
) -> Any:
    """`guessed`: keys that stand for misspelt ones; what is wrong with them is not what was written."""
    kind: Any = Config.model_fields[name].annotation
    if name == "equation":
        kind = mistakes.attempt(("equation",), equation_kind, table)
        if kind is None:
            return None
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
    adapter = TypeAdapter(kind, config=None if is_model else Table.model_config)
    try:
        return adapter.validate_python(table, context=parameters)
    except ValidationError as error:
        errors = error.errors()
    for entry in errors:
        if entry["loc"][:1] not in guessed:
            mistakes.add(*_blamed(name, kind, table, entry))
    if all(entry["loc"] and _dispensable(name, entry) for entry in errors):
        # The rest of the table is needed to check the others.
        wrong = [entry["loc"][0] for entry in errors]
        mended = _mended(kind, table, wrong)
        return _validated(name, mended, parameters, mistakes, [(key,) for key in mended.keys() - table.keys()])
    return None


def _blamed(name: str, kind: Any, table: Mapping[str, Any], entry: Any) -> tuple[KeyPath, str]:
    """What one of pydantic's errors is about, and a sentence about it."""
    path = (name, *_as_written(table, entry["loc"]))
    if entry["loc"][-1:] == ("[key]",):
        return path, f"found {show(path[-1])}, expected a name of letters, digits and underscores"
    if name == "equation" and entry["type"] == "extra_forbidden" and len(path) == 2:
        return path, _misplaced(kind, str(path[1]))
    return path, _message(path, entry)


def _as_written(table: Any, loc: Sequence[str | int]) -> Iterator[str | int]:
    """The path of a key in the file, where a list of one may have been written without brackets."""
    for part in loc:
        if part == "[key]" or (isinstance(part, int) and not isinstance(table, list)):
            continue
        inside = (isinstance(table, Mapping) and part in table) or (isinstance(part, int) and part < len(table))
        table = table[part] if inside else None
        yield part


def _dispensable(name: str, entry: Any) -> bool:
    """Whether a key that is wrong can be left out without making other settings look wrong."""
    return (entry["type"] == "extra_forbidden" and len(entry["loc"]) == 1) or (name, entry["loc"][0]) in _DISPENSABLE


def _mended(kind: Any, table: Mapping[str, Any], wrong: Sequence[Any]) -> dict[str, Any]:
    """The table without the wrong keys; a misspelt one stands for what was probably meant."""
    sound = {key: value for key, value in table.items() if key not in wrong}
    known = getattr(kind, "model_fields", {})
    meant = {close[0]: table[key] for key in wrong if (close := _close(key, known)) and key not in close}
    return meant | sound


# --- sentences --------------------------------------------------------------------------------------------------------


def _message(path: KeyPath, entry: Any) -> str:
    match entry["type"]:
        case "extra_forbidden":
            return _unknown(path)
        case "missing":
            return f"missing, expected {_expected(path)}"
        case "value_error":
            return str(entry["ctx"]["error"])
        case "literal_error":
            choices = re.findall("'(.*?)'", entry["ctx"]["expected"])
            return f"found {show(entry['input'])}, expected {alternatives(choices, entry['input'])}"
    return f"found {show(entry['input'])}, expected {_expected(path)}"


def _unknown(path: KeyPath) -> str:
    key = str(path[-1])
    elsewhere = [f"{name}.{key}" for name in Config.model_fields if key in fields_of(name)]
    return f"unknown {'table' if len(path) == 1 else 'key'}; {_meant(key, fields_of(*path[:-1]), elsewhere)}"


def _misplaced(kind: type[Table], key: str) -> str:
    """About a key of `[equation]` that its type does not know."""
    others = [show(name) for name, known in KINDS.items() if key in known.model_fields]
    if others:
        own = next(name for name, known in KINDS.items() if known is kind)
        return f"belongs to type = {' or '.join(others)}, not to {show(own)}"
    return f"unknown key; {_meant(key, kind.model_fields)}"


def _meant(key: str, keys: Iterable[str], elsewhere: Sequence[str] = ()) -> str:
    close = _close(key, keys) or elsewhere
    return f"did you mean {close[0]}?" if close else f"expected one of {', '.join(keys)}"


def _close(key: str, keys: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(key, list(keys), 1)


def _expected(path: KeyPath) -> str:
    """What is expected of the key a path leads to; positions in lists belong to the list."""
    names = [part for part in path if isinstance(part, str)]
    info = fields_of(*names[:-1]).get(names[-1])
    otherwise = "a table" if path[:1] == ("record",) else "a finite number"
    return info.description if info is not None and info.description else otherwise


def fields_of(*path: str | int) -> dict[str, FieldInfo]:
    """The keys of a table, given by its path."""
    fields: Mapping[str, FieldInfo] = Config.model_fields
    named = False  # whether the next part is a name of the user's own
    for part in (part for part in path if isinstance(part, str)):
        if named:
            named = False
            continue
        annotation = fields[part].annotation if part in fields else None
        named = get_origin(annotation) is dict
        fields = {key: info for model in _models_in(annotation) for key, info in model.model_fields.items()}
    return {} if named else dict(fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
