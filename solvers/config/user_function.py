"""Functions that a config names as `"module:function"`."""

import difflib
import importlib
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amr.own import FOREIGN


class UserFunctionError(ValueError):
    """A function that cannot be found, takes other arguments than it is given, or fails."""


def is_reference(text: object) -> bool:
    """Whether a setting names a function; no expression has a colon."""
    return isinstance(text, str) and ":" in text


def find(reference: str, folder: Path, fits: Callable[[Any], bool], kind: str) -> Any:
    """What has that name in a module, if it `fits`; `kind` says in messages what was expected.

    Modules are looked for in `folder` first, then among what is installed.
    """
    if not re.fullmatch(r"\s*[\w.]+:\w+\s*", reference):
        expected = "'module:function' or an expression" if kind == "function" else "'module:name'"
        raise UserFunctionError(f"found {reference!r}, expected {expected}")
    module_name, name = reference.strip().split(":")
    module = _imported(module_name, folder)
    found = getattr(module, name, None)
    if not fits(found):
        close = difflib.get_close_matches(name, [key for key, value in vars(module).items() if fits(value)], 1)
        is_else = f": it is {found!r}" if hasattr(module, name) else ""
        hint = f"; did you mean {close[0]}?" if close else is_else
        raise UserFunctionError(f"{module.__file__} has no {kind} {name!r}{hint}")
    return found


def files_of(name: str, folder: Path) -> list[Path]:
    """The files below a folder of a module that was imported and, if it lies there, of all others from there: it may
    have imported them."""
    own_file = folder / (name.replace(".", "/") + ".py")
    main = Path(getattr(sys.modules.get(name), "__file__", None) or "")
    if not main.is_relative_to(folder):
        return [own_file] if own_file.exists() else []
    files = {Path(getattr(module, "__file__", None) or "") for module in list(sys.modules.values())}
    own = {path for path in files if path.is_relative_to(folder) and not FOREIGN.search(str(path))}
    return sorted(path for path in own if path.suffix == ".py" and path.exists())


def _imported(name: str, folder: Path):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and name.split(".")[: error.name.count(".") + 1] == error.name.split("."):
            raise UserFunctionError(f"no module {name!r} in {folder} or installed") from None
        raise UserFunctionError(f"importing {name} failed: {error}") from error
    except Exception as error:  # whatever a user's module raises
        raise UserFunctionError(f"importing {name} failed: {type(error).__name__}: {error}") from error


def takes(function: Callable, count: int) -> bool:
    """Whether a function can be called with so many arguments."""
    signature = signature_of(function)
    if signature is None:
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def signature_of(function: Callable) -> inspect.Signature | None:
    """How a function may be called; `None` if it does not tell, as compiled ones may not."""
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None
