"""What a program is given, taken apart: numbers and arrays, which it gets anew with each call, and all the rest, which
it is compiled for.

A setup with another viscosity, velocity or threshold has the same key, and so the same program. Whole numbers, flags
and texts choose what is computed: they belong to the key. Where something may change without being seen (an object of
a class that is not a pytree, a list that a function refers to) nothing is known again: see `Taken.shared`.
"""

import dataclasses
import enum
import functools
import types
from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

from .functions import NotPlainError, Plain, made, members, of_library, plain

FIXED = frozenset((bool, int, str, bytes, type(None), type(...), range))
FIXED_KINDS = (np.bool_, np.integer, np.dtype, enum.Enum)
JITTED = type(jax.jit(lambda: None))
DEFAULT_DEVICE = "jax_default_device"  # of the configuration; its type does not tell it
ARRAYS = "biufc"  # kinds of NumPy arrays that JAX takes


class Slot(NamedTuple):
    """Stands for a number or an array: where it is in the list of them."""

    number: int


class Made(NamedTuple):
    """Stands for an object that holds numbers: how it is made, and what of."""

    make: Callable[..., Any]
    parts: tuple[Any, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Same:
    """Known again by being the same object."""

    value: Any

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value


class Taken(NamedTuple):
    """A value taken apart.

    **Attributes:**

    - `key`: equal for values that differ in numbers alone.
    - `template`: the value with a `Place` for each number; `restored` reverses that.
    - `leaves`: the numbers and arrays.
    - `shared`: whether the key says all that a program could depend on.
    """

    key: Hashable
    template: Any
    leaves: list[Any]
    shared: bool


def taken(value: Any, numbers: bool = True) -> Taken:
    """A value taken apart; with `numbers=False` Python's numbers, and all that functions refer to, stay in it."""
    taker = _Taker(numbers)
    key, template = taker.take(value, not numbers)
    return Taken(key, template, taker.leaves, taker.shared)


def restored(template: Any, leaves: list[Any]) -> Any:
    """The value of a template and its numbers and arrays."""
    if isinstance(template, Slot):
        return leaves[template.number]
    if isinstance(template, Made):
        return template.make(*(restored(part, leaves) for part in template.parts))
    return template


Found = tuple[Hashable, Any]  # a key, and a template: the value itself where it holds no number


class _Taker:
    """Takes a value apart.

    **Attributes:** `numbers`: see `taken`; `leaves`, `shared`: see `Taken`; `within`: functions and classes that are
    being looked at, innermost last.
    """

    def __init__(self, numbers: bool):
        self.numbers, self.shared = numbers, True
        self.leaves: list[Any] = []
        self.within: list[Any] = []

    def take(self, value: Any, fixed: bool) -> Found:
        """The key and the template of a value; with `fixed` numbers belong to the key."""
        fixed = fixed or not self.numbers
        if isinstance(value, float | complex | np.inexact):
            return self._number(value, fixed)
        if isinstance(value, jax.Array | np.ndarray):
            return self._array(value, fixed)
        if type(value) in FIXED or isinstance(value, FIXED_KINDS):
            return (type(value), value), value
        if of_library(value):
            return Same(value), value
        return self._composed(value, fixed)

    def _number(self, value: Any, fixed: bool) -> Found:
        if type(value) not in (float, complex) and not isinstance(value, np.generic):
            return self._unknown(value)  # of a class of a user's, which may do more than a number does
        if fixed:
            return (type(value), repr(value)), value  # which tells 0.0 from -0.0
        return self._leaf(value, (type(value),))

    def _array(self, value: Any, fixed: bool) -> Found:
        if isinstance(value, jax.Array):
            # Arrays that are no part of a function are arguments in any case.
            if fixed and (self.numbers or self.within):
                return Same(value), value
            if self.within and not _at_home(value):
                return self._leaf(np.asarray(value), (np.ndarray, value.shape, value.dtype))
            weak, sharding = (getattr(value, key, None) for key in ("weak_type", "sharding"))
            return self._leaf(value, (value.shape, value.dtype, weak, sharding))
        if value.dtype.kind not in ARRAYS:
            return self._unknown(value)
        if fixed and (self.numbers or self.within):
            return (value.shape, value.dtype, value.tobytes()), value
        return self._leaf(np.array(value), (np.ndarray, value.shape, value.dtype))

    def _leaf(self, value: Any, kind: tuple) -> Found:
        self.leaves.append(value)
        return kind, Slot(len(self.leaves) - 1)

    def _unknown(self, value: Any) -> Found:
        self.shared = False
        return Same(value), value

    def _composed(self, value: Any, fixed: bool) -> Found:
        kind = type(value)
        if kind is tuple:
            return self._of_parts(value, value, fixed, lambda *parts: parts)
        if kind is list and not self.within:
            return self._of_parts(value, value, fixed, lambda *parts: list(parts))
        if kind is dict and not self.within:
            names = tuple(value)
            found = self._of_parts(value, value.values(), fixed, lambda *parts: dict(zip(names, parts, strict=True)))
            return (self.take(names, True)[0], found[0]), found[1]
        if isinstance(value, tuple) and hasattr(kind, "_make") and of_library(kind):
            return self._of_parts(value, value, fixed, kind)
        if isinstance(value, eqx.Module) or _is_record(value):
            return self._record(value, fixed)
        return self._callable(value, fixed)

    def _of_parts(self, value: Any, parts: Iterable[Any], fixed: bool, make: Callable) -> Found:
        """Of parts, from which `make` makes such a value."""
        parts = tuple(parts)
        found = [self.take(part, fixed) for part in parts]
        keys, template = _combined(value, parts, found, make)
        return (type(value), *keys), template

    def _record(self, value: Any, fixed: bool) -> Found:
        """A module, or a dataclass that cannot be changed. The latter, if they are ours, choose what is computed, and
        what takes no part in comparisons does not."""
        kind = type(value)
        fixed = fixed or (of_library(kind) and not isinstance(value, eqx.Module))
        fields = [field for field in dataclasses.fields(value) if hasattr(value, field.name)]
        names = tuple(field.name for field in fields)
        if not _cached(kind, getattr(value, "__dict__", {}).keys() - set(names)):
            return self._unknown(value)
        parts = [getattr(value, name) for name in names]
        found: list[Found] = []
        for field, part in zip(fields, parts, strict=True):
            looked_at = field.compare or not of_library(kind)
            found.append(self.take(part, fixed or field.metadata.get("static", False)) if looked_at else (None, part))
        keys, template = _combined(value, parts, found, functools.partial(_with_fields, kind, names))
        return (self.take(kind, True)[0], names, *keys), template

    def _callable(self, value: Any, fixed: bool) -> Found:
        if isinstance(value, types.FunctionType):
            return self._function(value, fixed)
        if isinstance(value, functools.partial) and type(value) is functools.partial and not vars(value):
            return self._partial(value, fixed)
        if isinstance(value, types.MethodType):
            return self._of_parts(value, (value.__func__, value.__self__), fixed, types.MethodType)
        if isinstance(value, JITTED):
            return (Same(value), self.take(getattr(value, "__wrapped__", None), True)[0]), value
        if isinstance(value, type):
            return self._class(value)
        return self._unknown(value)

    def _partial(self, value: functools.partial, fixed: bool) -> Found:
        names, count = tuple(value.keywords), len(value.args)

        def make(function, *parts):
            return functools.partial(function, *parts[:count], **dict(zip(names, parts[count:], strict=True)))

        parts = (value.func, *value.args, *value.keywords.values())
        key, template = self._of_parts(value, parts, fixed, make)
        return (names, key), template

    def _function(self, function: types.FunctionType, fixed: bool) -> Found:
        """A function: one that may do something else each time counts as what it is, with all that it refers to."""
        before, shared = len(self.leaves), self.shared
        try:
            parts = plain(function)
        except NotPlainError:
            return self._unknown(function)
        if any(function is other for other in self.within):
            return self._unknown(function)
        self.within.append(function)
        self.shared = True
        key, template = self._of_parts(function, parts[1:], fixed, lambda *rest: made(Plain(parts.code, *rest)))
        self.within.pop()
        if not self.shared:
            del self.leaves[before:]
            return self._unknown(function)
        self.shared = shared
        return (parts.code, key), template

    def _class(self, kind: type) -> Found:
        """A class of a user's: the same object, and all that its methods refer to."""
        if any(kind is other for other in self.within):
            return Same(kind), kind
        self.within.append(kind)
        keys = tuple((name, self.take(value, True)[0]) for name, value in members(kind))
        self.within.pop()
        return (Same(kind), keys), kind


def _at_home(value: jax.Array) -> bool:
    """Whether an array lies where programs run. One that a run has left in the memory of the host would take the
    program along."""
    chosen = getattr(jax.config, DEFAULT_DEVICE)
    home = jax.local_devices(backend=chosen)[0] if chosen is None or isinstance(chosen, str) else chosen
    return isinstance(value, jax.core.Tracer) or not value.is_fully_addressable or value.devices() == {home}


def _is_record(value: Any) -> bool:
    """Whether this is an object of a dataclass that cannot be changed."""
    kind = type(value)
    return dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen  # type: ignore[attr-defined]


def _combined(value: Any, parts: Iterable[Any], found: list[Found], make: Callable) -> tuple[tuple, Any]:
    """The keys of the parts of a value, and its template, made by `make` of those of the parts."""
    templates = tuple(template for _, template in found)
    same = all(template is part for template, part in zip(templates, parts, strict=True))
    return tuple(key for key, _ in found), value if same else Made(make, templates)


def _cached(kind: type, names: Iterable[str]) -> bool:
    """Whether attributes of these names are but results that an object keeps."""
    return all(isinstance(getattr(kind, name, None), functools.cached_property) for name in names)


def _with_fields(kind: type, names: tuple[str, ...], *values: Any) -> Any:
    """An object with these attributes, whatever its class would make of them: it was checked when it was made."""
    new: Any = object.__new__(kind)
    for name, value in zip(names, values, strict=True):
        object.__setattr__(new, name, value)
    return new
