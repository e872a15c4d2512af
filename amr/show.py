"""Objects in words: trees of choices as the calls that make them, functions by their names or their source."""

import dataclasses
import functools
import inspect
import linecache
import re
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

WIDTH = 100  # of a line
LONGEST = 72  # letters of a lambda that are shown
FEW = 4  # numbers of an array that are shown


@dataclasses.dataclass(frozen=True)
class Call:
    """How an object is shown: a name, and arguments with labels, which are empty for positional ones. None is left
    out. An object says so by a method `_shown`, which may also return another object that stands for it."""

    name: str
    arguments: tuple[tuple[str, Any], ...]


def text(value: Any, indent: int = 0, used: int = 0) -> str:
    """The words for an object, in as many lines as it needs; `used` letters of the first line are taken."""
    if hasattr(value, "_shown"):
        value = value._shown()
    if isinstance(value, Call):
        parts = [(label + "=" if label else "", part) for label, part in value.arguments if part is not None]
        return _group(value.name + "(", parts, ")", indent, used)
    if isinstance(value, list | tuple) and not _is_single(value):
        ends = ("[", "]") if isinstance(value, list) else ("(", ",)" if len(value) == 1 else ")")
        return _group(ends[0], [("", part) for part in value], ends[1], indent, used)
    if isinstance(value, dict):
        return _group("{", [(f"{key!r}: ", part) for key, part in value.items()], "}", indent, used)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        call = Call(type(value).__name__, tuple(_arguments(value)))
        return text(call, indent, used)
    return _leaf(value)


def _group(begin: str, parts: list[tuple[str, Any]], end: str, indent: int, used: int) -> str:
    """Parts in one line if they fit, else in one line each."""
    whole = begin + ", ".join(label + text(part) for label, part in parts) + end
    if "\n" not in whole and indent + used + len(whole) <= WIDTH:
        return whole
    margin = " " * (indent + 2)
    lines = [f"{margin}{label}{text(part, indent + 2, len(label))}," for label, part in parts]
    return "\n".join([begin, *lines, " " * indent + end.lstrip(",")])


def _arguments(value: Any) -> Iterator[tuple[str, Any]]:
    """What the constructor of a dataclass is given, as far as it is known by the same names, or else all fields."""
    parameters = list(inspect.signature(type(value).__init__).parameters.values())[1:]
    fields = {field.name for field in dataclasses.fields(value) if field.repr}
    unknown = [p for p in parameters if not hasattr(value, p.name)]
    for parameter in parameters:
        if parameter in unknown:
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            yield from (("", part) for part in getattr(value, parameter.name))
        elif parameter.name in fields or not unknown:
            yield parameter.name, getattr(value, parameter.name)
    if unknown:
        yield from ((name, getattr(value, name)) for name in sorted(fields - {p.name for p in parameters}))


def _leaf(value: Any) -> str:
    if isinstance(value, tuple | list):
        return _leaf(value[0])
    if isinstance(value, float):
        short = f"{value:.6g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, functools.partial):  # also those of JAX
        held = [*map(text, value.args), *(f"{k}={text(v)}" for k, v in value.keywords.items())]
        return f"{type(value).__name__}({', '.join([text(value.func), *held])})"
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        return _array(value)
    if isinstance(value, type) or (callable(value) and hasattr(value, "__name__")):
        return function(value)
    return repr(value)


def _array(value: Any) -> str:
    if isinstance(value, jax.core.Tracer) or value.size > FEW:
        return f"{value.dtype}[{','.join(map(str, value.shape))}]"
    return np.array2string(np.asarray(value), separator=", ")


def function(value: Callable) -> str:
    """A function by its name; a lambda by its source, where there is one."""
    name = value.__name__
    code = getattr(value, "__code__", None)
    if name != "<lambda>" or code is None:
        return name
    arguments = ", ".join(map(str, inspect.signature(value).parameters.values()))
    body = _source(code)
    words = f"lambda {arguments}: {body}" if body else f"lambda {arguments}"
    return words if len(words) <= LONGEST else words[: LONGEST - 3] + "..."


def _source(code: Any) -> str:
    """What a lambda gives, in one line, from where its instructions say that they come from."""
    spans = [span for span in code.co_positions() if None not in span and span[2:] != (0, 0)]
    if not spans:
        return ""
    (first, begin), (last, end) = min((a, c) for a, _, c, _ in spans), max((b, d) for _, b, _, d in spans)
    lines = [linecache.getline(code.co_filename, n).encode() for n in range(first, last + 1)]
    lines[-1] = lines[-1][:end]  # before the first one is cut, which it may be
    lines[0] = lines[0][begin:]
    return re.sub(r"\s+", " ", b" ".join(lines).decode(errors="replace")).strip()


def _is_single(value: tuple | list) -> bool:
    """Whether a sequence may be given as the one number or name that it holds."""
    return isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], str | int | float)
