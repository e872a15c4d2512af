"""Objects of the user's own, which a config names as `"module:name"` in the place of something built in."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import amr
from amr.own import failure
from solvers.equations import ConservationLaw

from .formulas import Formulas
from .toml_text import KeyPath, alternatives
from .user_function import signature_of


def own_object(
    path: KeyPath, reference: str, base: type, formulas: Formulas, arguments: Mapping[str, Any] | None = None
) -> Any:
    """What that is: an object of a class `base`, or what such a class (for laws also a function) makes of `arguments`.

    `path` is that of the reference; `arguments` stand in a table beside it (`None`: where none can stand). A class that
    takes `ndim` is told. `None` where there is a mistake.
    """
    mistakes, kind = formulas.mistakes, f"{base.__module__.partition('.')[0]}.{base.__name__}"

    def fits(found: Any) -> bool:
        if inspect.isclass(found):
            return issubclass(found, base) and found is not base
        return isinstance(found, base) or (base is ConservationLaw and inspect.isfunction(found))

    found = mistakes.attempt(path, formulas.user_object, reference, fits, kind)
    given, table = arguments or {}, (*(path[:-1] if path[-1] == "type" else path), "arguments")
    if isinstance(found, base):
        for name in given:
            mistakes.add((*table, name), f"{reference} is an object already and takes no arguments")
        return found
    if found is None:
        return None
    own, unfit = _fitted(found, reference, given, formulas.ndim)
    for name, message in unfit.items():
        if arguments is None:
            mistakes.add(path, f"{reference} needs {name!r}; name an object that is made already")
        else:
            mistakes.add((*table, name), message)
    if unfit:
        return None
    try:
        made = found(**own, **given)
    except amr.InvalidSettingError as error:
        mistakes.add((*table, error.key) if error.key in given else path, error.message)
        return None
    except Exception as error:  # whatever a user's class raises
        mistakes.add(path, failure(error))
        return None
    if isinstance(made, base):
        return made
    mistakes.add(path, f"{reference} gives a {type(made).__name__}, expected a {kind}")
    return None


def _fitted(
    make: Callable, reference: str, given: Mapping[str, Any], ndim: int | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """What a class or function takes besides the given arguments, and what is wrong with these."""
    signature = signature_of(make)
    known = {} if signature is None else signature.parameters
    own = {"ndim": ndim} if "ndim" in known else {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    unfit = {}
    for name in given if signature is not None else ():
        if name in own:
            unfit[name] = f"is {ndim} by the domain; leave it out"
        elif name not in known and all(p.kind is not inspect.Parameter.VAR_KEYWORD for p in known.values()):
            names = [key for key in known if key != "ndim"]
            hint = f"expected {alternatives(names, name)}" if names else "it takes none"
            unfit[name] = f"no argument of {reference}; {hint}"
    for name, parameter in known.items():
        if parameter.kind in named and parameter.default is parameter.empty and name not in own and name not in given:
            unfit[name] = f"missing, {reference} needs it"
    return own, unfit
