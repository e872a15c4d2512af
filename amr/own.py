"""What users write: tried before anything is compiled, and told about where it fails."""

import dataclasses
import re
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import InvalidSettingError

# Files that are not the user's: what is installed, and ours.
_OURS = re.escape(str(Path(__file__).parents[1]))
FOREIGN = re.compile(rf"[\\/](site|dist)-packages[\\/]|^<|^{_OURS}[\\/](amr|solvers)[\\/]")
_UNKNOWN_TEXT = (
    "asks for values that JAX has not computed yet; write it with jax.numpy: jnp.where in the place of if, jnp.exp in "
    "that of functions of math or numpy"
)
_FROZEN_TEXT = "sets an attribute; declare what an object holds as fields of its class, such as `rate: float`"


def failure(error: Exception) -> str:
    """What a function of the user's raised, and on which line of which file."""
    import jax  # not above: config files are read without

    unknown = jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not FOREIGN.search(f.filename)]
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    if isinstance(error, unknown):
        return f"{_UNKNOWN_TEXT}{place}"
    if isinstance(error, dataclasses.FrozenInstanceError):
        return f"{_FROZEN_TEXT}{place}"
    first = (str(error).splitlines() or [""])[0]
    return f"fails: {type(error).__name__}: {first}{place}"


def shapes_of(key: str, name: str, function: Callable, *arguments: Any) -> Any:
    """Shapes of what a user's function gives, found without computing anything; `arguments` may be shapes.

    Raises `InvalidSettingError` where it fails.
    """
    import jax

    try:
        return jax.eval_shape(function, *arguments)
    except InvalidSettingError:
        raise
    except Exception as error:  # whatever it raises
        raise InvalidSettingError(key, f"{name} {failure(error)}") from error


def expect_shape(key: str, name: str, found: Any, shape: tuple[int, ...], note: str = "") -> None:
    """Raise `InvalidSettingError` unless that is an array of this shape; `note` says more about it."""
    if getattr(found, "shape", None) != shape:
        told = f"an array of shape {found.shape}" if hasattr(found, "shape") else f"{type(found).__name__}, no array,"
        raise InvalidSettingError(key, f"{name} gives {told} where {shape} is expected{note}")


def expect(key: str, value: Any, kind: Any, what: str) -> None:
    """Raise `InvalidSettingError` unless a value is of a class; `what` says it in words."""
    if not isinstance(value, kind):
        advice = "; make an object of it: put () behind" if isinstance(value, type) else ""
        raise InvalidSettingError(key, f"expected {what}, got {value!r}{advice}")


def is_own(thing: Any) -> bool:
    """Whether that is of a class that a user wrote."""
    return type(thing).__module__.partition(".")[0] not in ("amr", "solvers")


def own_parts(thing: Any) -> list[str]:
    """Names of the classes of users' objects in a tree of modules, and of their functions."""
    import equinox as eqx

    if isinstance(thing, eqx.Module):
        within = [name for part in vars(thing).values() for name in own_parts(part)]
        return [type(thing).__name__, *within] if is_own(thing) else within
    if isinstance(thing, dict | list | tuple):
        parts = thing.values() if isinstance(thing, dict) else thing
        return [name for part in parts for name in own_parts(part)]
    module = getattr(thing, "__module__", None) if isinstance(thing, types.FunctionType) else None
    own = module is not None and module.partition(".")[0] not in ("amr", "solvers", "jax", "numpy")
    return [thing.__qualname__.rpartition("<locals>.")[2]] if own else []
