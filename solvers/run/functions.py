"""Plain functions as data: their code, and all that it refers to.

A function that is defined in a loop or in a cell of a notebook is a new object each time, though it may say the same.
Taken as its code and what that refers to, it is known again, and a number that it refers to can be an argument of a
compiled program. That holds where nothing but these decides what it does: where its code neither writes to variables
outside of itself nor imports, nor calls what gives something else each time.
"""

import builtins
import dis
import functools
import sys
import types
from collections.abc import Callable
from typing import Any, NamedTuple

# What these hold does not change; ours is among them.
LIBRARIES = frozenset(
    (
        *("amr", "solvers", "jax", "jaxlib", "numpy", "equinox", "math", "builtins"),
        *("abc", "collections", "dataclasses", "functools", "itertools", "operator", "typing"),
    )
)
PURE = frozenset(
    (
        *("abs", "all", "any", "bool", "complex", "dict", "divmod", "enumerate", "filter", "float", "frozenset"),
        *("hasattr", "int", "isinstance", "issubclass", "iter", "len", "list", "map", "max", "min", "next", "object"),
        *("pow", "property", "range", "reversed", "round", "set", "slice", "sorted", "str", "sum", "super", "tuple"),
        *("type", "zip", "NotImplemented", "NotImplementedError", "TypeError", "ValueError", "AssertionError"),
    )
)
# Of the libraries, what reads files or draws random numbers, by the name that code has for it.
CHANGING = frozenset(
    ("random", "load", "loadtxt", "genfromtxt", "fromfile", "fromregex", "memmap", "open", "io", "read", "config")
)
READS = frozenset(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"))
WRITES = frozenset(("STORE_GLOBAL", "DELETE_GLOBAL", "IMPORT_NAME"))
CELL_WRITES = frozenset(("STORE_DEREF", "DELETE_DEREF"))


class NotPlainError(Exception):
    """A function that may do something else though its code and what that refers to are the same."""


class Plain(NamedTuple):
    """A function as data.

    **Attributes:** `code`; `cells`: the variables around it that it refers to, in the order of its code;
    `names`, `values`: the globals; `defaults`, `keywords`: of its arguments.
    """

    code: types.CodeType
    cells: tuple[Any, ...]
    names: tuple[str, ...]
    values: tuple[Any, ...]
    defaults: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...]


def plain(function: types.FunctionType) -> Plain:
    """A function taken apart. Raises `NotPlainError` where its code says that it may depend on something else."""
    if vars(function):
        raise NotPlainError("it has attributes, or wraps another function")
    names = tuple(name for name in referred(function.__code__) if not _is_builtin(function, name))
    try:
        cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
        values = tuple(function.__globals__[name] for name in names)
    except (ValueError, KeyError) as error:
        raise NotPlainError("it refers to what is not there yet") from error
    keywords = tuple((function.__kwdefaults__ or {}).items())
    return Plain(function.__code__, cells, names, values, function.__defaults__ or (), keywords)


def made(parts: Plain) -> types.FunctionType:
    """The function of such parts."""
    outside = {"__builtins__": builtins, "__name__": __name__} | dict(zip(parts.names, parts.values, strict=True))
    cells = tuple(types.CellType(value) for value in parts.cells)
    function = types.FunctionType(parts.code, outside, None, parts.defaults or None, cells)
    function.__kwdefaults__ = dict(parts.keywords) or None
    return function


def _is_builtin(function: types.FunctionType, name: str) -> bool:
    return name not in function.__globals__ and name in PURE and hasattr(builtins, name)


@functools.lru_cache(1024)
def referred(code: types.CodeType) -> tuple[str, ...]:
    """The globals and builtins that a code refers to, with those of the functions defined in it.

    Raises `NotPlainError` where it writes to variables outside of itself, imports, or names what changes.
    """
    found: dict[str, None] = {}
    for part in _nested(code):
        if CHANGING & set(part.co_names):
            raise NotPlainError(f"it names {', '.join(sorted(CHANGING & set(part.co_names)))}")
        for instruction in dis.get_instructions(part):
            outside = instruction.opname in CELL_WRITES and instruction.argval in code.co_freevars
            if outside or instruction.opname in WRITES:
                raise NotPlainError(f"it changes or imports {instruction.argval}")
            if instruction.opname in READS:
                found[instruction.argval] = None
    return tuple(found)


def _nested(code: types.CodeType) -> list[types.CodeType]:
    """A code and those in it."""
    inner = [part for constant in code.co_consts if isinstance(constant, types.CodeType) for part in _nested(constant)]
    return [code, *inner]


def of_library(value: Any) -> bool:
    """Whether this is a module, class or function of a library, found there under its name."""
    if isinstance(value, types.ModuleType):
        return _root(value.__name__) in LIBRARIES
    module, name = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if not (isinstance(module, str) and isinstance(name, str)) or _root(module) not in LIBRARIES:
        return False
    listed = name not in CHANGING if module != "builtins" else name in PURE
    return listed and getattr(sys.modules.get(module), name, None) is value


def _root(module: str) -> str:
    return module.partition(".")[0]


def members(kind: type) -> list[tuple[str, Callable | Any]]:
    """What a class of a user's adds to those of libraries, one entry for each name that methods may use."""
    own = [base for base in kind.__mro__ if not of_library(base)]
    pairs = [(name, value) for base in own for name, value in vars(base).items() if not _generated(name, value)]
    return [(name, part) for name, value in pairs for part in _accessed(value)]


def _generated(name: str, value: Any) -> bool:
    """Whether Python, `dataclass` or `abc` have put it there."""
    if name == "_abc_impl":
        return True
    special = name.startswith("__") and name.endswith("__")
    return special and (not isinstance(value, types.FunctionType) or value.__code__.co_filename == "<string>")


def _accessed(value: Any) -> tuple[Any, ...]:
    """The functions behind a property or a method."""
    if isinstance(value, property):
        return tuple(part for part in (value.fget,) if part is not None)
    if isinstance(value, staticmethod | classmethod):
        return (value.__func__,)
    return (value.func,) if isinstance(value, functools.cached_property) else (value,)
