"""All that a run needs to go on, in memory and in a file."""

from __future__ import annotations

import os
from dataclasses import astuple, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import amr
from amr.errors import InvalidSettingError
from amr.field import Field
from amr.files import boundary_names
from amr.grid import Room, room_for, room_of

from .account import Account
from .clock import Clock
from .problem import Setup, State, in_room

VERSION = 1  # of the record


@dataclass(frozen=True, repr=False)
class Checkpoint:
    """A field and what else a run needs to go on exactly as if it had never stopped.

    **Attributes:** `field`; `record`: clock, bounds and account, as JSON can say them.
    """

    field: Field
    record: dict[str, Any]

    def __repr__(self) -> str:
        return f"Checkpoint of {self.field!r}"

    @classmethod
    def of(cls, setup: Setup, field: Field, state: State, account: Account) -> Checkpoint:
        """The checkpoint of a running run."""
        bounds = [np.asarray(bound).tolist() for bound in state.bounds]
        record = {
            "version": VERSION,
            "dt": float(state.clock.dt),
            "rate": float(state.clock.rate),
            "rest": float(state.clock.rest),
            "bounds": bounds,
            "layout": list(astuple(room_of(state.u))),
            "backend": jax.default_backend(),
            "boundaries": _names(setup),
            "account": account.record(),
        }
        return cls(field, record)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Checkpoint:
        """Read one from a file that `save`, or a run with dumps of full precision, has written.

        Raises `amr.io.FileError` if the file is damaged or not exact, or has a field alone.
        """
        header = amr.io.read_header(path)
        record = header.get("restart")
        if record is None:
            raise amr.io.FileError(path, "holds a field alone, which no run can go on from; expected a run's dump")
        if record.get("version") != VERSION:
            raise amr.io.FileError(path, "was written by a version of Amrax that keeps other things for a restart")
        return cls(amr.io.read(path), {"boundaries": boundary_names(header)} | record)

    def save(self, path: str | os.PathLike, **options) -> None:
        """Write it to a file, `*.vtkhdf`, that shows the field in other programs: see `amr.io.write`."""
        amr.io.write(self.field, Path(path), restart=self.record, **options)

    @property
    def account(self) -> Account:
        """The account of a run that goes on from here."""
        return Account.resumed_from(self.record["account"])

    def state(self, setup: Setup, dtype) -> State:
        """The state of the run with these choices.

        Raises `InvalidSettingError` where they do not fit the field.
        """
        self.check_fits(setup, dtype)
        # From NumPy: arrays that a run left in the host's memory would keep the computation there.
        field = jax.device_get(self.field)
        forest, u = eqx.filter_jit(in_room)(self._room(setup, dtype), field.forest, field.data)
        rest = self.record.get("rest", 0.0)  # earlier versions had none
        numbers = (field.time, self.record["dt"], self.record["rate"], rest, *self.record["bounds"])
        time, dt, rate, rest, low, high = (jax.device_put(np.asarray(number, dtype)) for number in numbers)
        needed, failed = jax.device_put((np.zeros((), np.int32), np.zeros((), bool)))
        return State(forest, u, Clock(time, dt, rate, rest), (low, high), needed, failed)

    def check_fits(self, setup: Setup, dtype) -> None:
        """Raise `InvalidSettingError` if a run with these choices cannot go on from here."""
        mesh, field = setup.mesh, self.field
        found, names = field.mesh, tuple(chain.from_iterable(self.record["boundaries"]))
        deepest = int(np.asarray(field.forest.level)[: field.count].max())
        pairs = (
            ("lower", mesh.domain.lower, found.domain.lower),
            ("upper", mesh.domain.upper, found.domain.upper),
            ("boundary", tuple(chain.from_iterable(_names(setup))), names),
            ("cells", mesh.cells, found.cells),
            ("patch", mesh.patch, found.patch),
            ("variables", tuple(setup.equation.names), field.names),
            ("dtype", str(jnp.dtype(dtype)), str(field.data.dtype)),
        )
        for key, ours, theirs in pairs:
            if ours != theirs:
                text = f"the run has {_shown(ours)}, the file {_shown(theirs)}; they must agree"
                raise InvalidSettingError(key, text)
        if deepest > mesh.max_level:
            text = f"the run has {mesh.max_level}, the file patches of level {deepest}; expected at least that"
            raise InvalidSettingError("max_level", text)

    def _room(self, setup: Setup, dtype) -> Room:
        """That of the run which wrote this, so that sums are added up in the same order; on another kind of device
        what suits it."""
        if self.record["backend"] == jax.default_backend():
            return Room(*self.record["layout"])
        return room_for(setup.mesh, self.field.forest.capacity, dtype)


def _names(setup: Setup) -> list[list[str]]:
    """The kinds of the boundaries, which is what files tell of them."""
    return [[type(face).__name__ for face in pair] for pair in setup.faces]


def _shown(value) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
