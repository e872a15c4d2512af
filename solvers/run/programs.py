"""The compiled programs of this process, kept for later runs.

A program is known by its function and by the structure of its arguments, numbers and the values of arrays apart: a loop
over five viscosities compiles once. What cannot be known again for certain is compiled for each run.
"""

import functools
import threading
import time as timer
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax

from .arguments import Taken, restored, taken
from .compiling import compiled

MOST = 32  # programs that are kept
# What programs depend on besides their arguments.
SETTINGS = (
    *("jax_enable_x64", "jax_default_matmul_precision", "jax_numpy_dtype_promotion", "jax_numpy_rank_promotion"),
    *("jax_default_device", "jax_debug_nans", "jax_debug_infs", "jax_disable_jit"),
)


@dataclass(frozen=True)
class Program:
    """A program that was compiled for arguments of one structure.

    **Attributes:** `run`: takes the numbers and arrays of each argument, gives the arrays of the result; `rest`: what
    else the result has; `numbers`: whether Python's numbers are arguments of the program.
    """

    run: Callable
    rest: Any
    numbers: bool


@dataclass(frozen=True)
class Prepared:
    """A program with the arguments for which it was asked.

    **Attributes:** `seconds`: how long it took to compile; `None` if it was there.
    """

    program: Program
    arguments: tuple[Any, ...]
    leaves: tuple[list[Any], ...]
    seconds: float | None

    def __call__(self, *arguments: Any) -> Any:
        """The result. Arguments that are the same objects as before count as they were then."""
        pairs = zip(arguments, self.arguments, self.leaves, strict=True)
        leaves = (known if new is old else taken(new, self.program.numbers).leaves for new, old, known in pairs)
        return eqx.combine(self.program.run(*leaves), self.program.rest)


class Programs:
    """Programs by what they were compiled for; those not used for long make room for others."""

    def __init__(self, most: int = MOST):
        self.most = most
        self.kept: OrderedDict[Hashable, Program | None] = OrderedDict()  # None: its numbers have to be constants
        self.lock = threading.Lock()

    def prepare(self, function: Callable, *arguments: Any, before: Callable[[], None] = lambda: None) -> Prepared:
        """The program of a function for arguments of such a structure, compiled if it is not known; `before` is called
        then.

        Where the function asks what a number is, as `if` and `math.sqrt` do, numbers are constants in it, and each
        value has a program of its own.
        """
        before = functools.cache(before)  # once, also where a second try follows
        for numbers in (True, False):
            parts = [taken(argument, numbers) for argument in arguments]
            shared = all(part.shared for part in parts)
            if numbers and not shared:
                continue
            key = (function, numbers, *(part.key for part in parts), _settings()) if shared else None
            program, seconds = self._found(key, function, parts, numbers, before)
            if program is not None:
                return Prepared(program, arguments, tuple(part.leaves for part in parts), seconds)
        raise AssertionError("numbers as constants give a program or an error")

    def forget(self) -> None:
        """Keep none of them."""
        with self.lock:
            self.kept.clear()

    def _found(self, key: Hashable, function: Callable, parts: list[Taken], numbers: bool, before: Callable):
        """The program and how long it took to compile, if it had to be."""
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key], None
        before()
        started = timer.perf_counter()
        program = _made(function, parts, numbers)
        seconds = timer.perf_counter() - started
        if key is not None:
            with self.lock:
                self.kept[key] = program
                while len(self.kept) > self.most:
                    self.kept.popitem(last=False)
        return program, seconds


PROGRAMS = Programs()


def _settings() -> tuple:
    return jax.default_backend(), *(getattr(jax.config, name) for name in SETTINGS)


def _made(function: Callable, parts: Sequence[Taken], numbers: bool) -> Program | None:
    """A program; `None` where the function has to know the numbers that are its arguments."""
    rest: list[Any] = []

    def run(*leaves):
        result = function(*(restored(part.template, found) for part, found in zip(parts, leaves, strict=True)))
        arrays, other = eqx.partition(result, eqx.is_array)
        rest.append(other)
        return arrays

    leaves = [part.leaves for part in parts]
    try:
        traced = jax.jit(run).trace(*leaves)
    except Exception:  # whatever a user's function raises that finds no number; with numbers it fails again or not
        if numbers:
            return None
        raise
    return Program(compiled(traced), rest[-1], numbers)
