"""Rows of measured numbers, written on the device while a run goes on.

Each record has a buffer there that the run loop carries along. A call of the device program ends when a buffer may not
hold what the next round writes, so no row is lost, and no step waits for the host.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from amr.grid import Pool

from .gauges import Columns, Gauge, Numbers, Snapshot
from .subject import Subject

Count = Int[Array, ""]
Scalar = Float[Array, ""]
BUFFER_BYTES = 2**20
MOST_ROWS = 4096


class Rows(eqx.Module):
    """What was recorded in a call of the device program.

    **Attributes:** `number`: of the last moment looked at, see `Tape.number`; `count`: how many rows; `step`, `time`,
    `values`: the rows, with room for more.
    """

    number: Count | Scalar
    count: Count
    step: Int[Array, " room"]
    time: Float[Array, " room"]
    values: Float[Array, "room numbers"]

    def with_row(self, step: Count, time: Scalar, numbers: Numbers) -> Rows:
        """One row more."""
        at = self.count

        def put(rows, row):
            return lax.dynamic_update_index_in_dim(rows, row, at, 0)

        return Rows(self.number, at + 1, put(self.step, step), put(self.time, time), put(self.values, numbers))


class Tape(eqx.Module):
    """One record: what it measures, and when.

    **Attributes:** `gauges`; `every_steps`, `every`: one of them, steps or simulated time between two rows.
    """

    gauges: tuple[Gauge, ...]
    every_steps: int | None = eqx.field(static=True)
    every: float | None = eqx.field(static=True)

    def number(self, step: Count, time: Scalar) -> Count | Scalar:
        """How many rows were due until then; times that rounding puts next to a multiple are there."""
        if self.every_steps is not None:
            return step // self.every_steps
        assert self.every is not None, "it is one of both"
        return jnp.floor(time / self.every * (1 + 4 * float(jnp.finfo(time.dtype).eps)))

    def size(self, subject: Subject) -> int:
        """How many numbers a row has."""
        return sum(gauge.size(subject) for gauge in self.gauges)

    def read(self, subject: Subject, scene: Snapshot) -> Numbers:
        """One row of numbers."""
        return jnp.concatenate([gauge.read(subject, scene) for gauge in self.gauges])

    def named(self, subject: Subject, values: np.ndarray) -> Columns:
        """What rows of numbers say."""
        found: Columns = {}
        for gauge in self.gauges:
            size = gauge.size(subject)
            found |= gauge.named(subject, values[:, :size])
            values = values[:, size:]
        return found

    def blank(self, subject: Subject, step: Count, time: Scalar, room: int | None = None) -> Rows:
        """An empty buffer for a call that begins there, a moment that was looked at."""
        size = self.size(subject)
        fitting = min(MOST_ROWS, BUFFER_BYTES // (size * time.dtype.itemsize))
        room = max(subject.interval, fitting) if room is None else room
        zero = jnp.zeros((), jnp.int32)
        times, values = jnp.zeros(room, time.dtype), jnp.zeros((room, size), time.dtype)
        return Rows(self.number(step, time), zero, jnp.zeros(room, jnp.int32), times, values)

    def recorded(self, subject: Subject, rows: Rows, scene: Snapshot, step: Count, look: Bool[Array, ""], last) -> Rows:
        """With a row of this moment if it is to be looked at and a row is due, as one is in the last moment."""
        number = jnp.where(look, self.number(step, scene.time), rows.number)
        due = look & ((number > rows.number) | last)

        def write(carry):
            rows, _ = carry
            return rows.with_row(step, scene.time, self.read(subject, scene)), jnp.zeros((), bool)

        # At most once: a conditional would copy what it reads.
        rows, _ = lax.while_loop(lambda carry: carry[1], write, (rows, due))
        return eqx.tree_at(lambda rows: rows.number, rows, number)


class Recorder(eqx.Module):
    """All records of a run.

    **Attributes:** `tapes`; `step`: how many steps were taken before this call; `end`: of the run.
    """

    tapes: tuple[Tape, ...]
    step: Count
    end: Scalar

    def blank(self, subject: Subject, time: Scalar) -> tuple[Rows, ...]:
        """An empty buffer each."""
        return tuple(tape.blank(subject, self.step, time) for tape in self.tapes)

    def recorded(
        self, subject: Subject, rows: tuple[Rows, ...], scene: Snapshot, steps: Count, look
    ) -> tuple[Rows, ...]:
        """The rows after so many steps in this call, if that moment is to be looked at."""
        step, last = self.step + steps, scene.time >= self.end
        pairs = zip(self.tapes, rows, strict=True)
        return tuple(tape.recorded(subject, one, scene, step, look, last) for tape, one in pairs)


def has_room(rows: tuple[Rows, ...], steps: int) -> Bool[Array, ""]:
    """Whether so many steps can be recorded."""
    return jnp.all(jnp.stack([one.count + steps <= one.step.shape[0] for one in rows]))


def first_rows(subject: Subject, tapes: tuple[Tape, ...], forest, u: Pool, time: Scalar) -> tuple[Rows, ...]:
    """One row each about the state that a run begins with."""
    scene = Snapshot(forest, u.reshape(*u.shape[:3], -1, u.shape[-1]), time)
    step = jnp.zeros((), jnp.int32)
    return tuple(tape.blank(subject, step, time, 1).with_row(step, time, tape.read(subject, scene)) for tape in tapes)


def fetched(subject: Subject, tape: Tape, rows: Rows) -> tuple[np.ndarray, np.ndarray, Columns]:
    """Steps, times and named values of the rows, on the host."""
    count, step, time, values = map(np.asarray, jax.device_get((rows.count, rows.step, rows.time, rows.values)))
    return step[:count], time[:count].astype(np.float64), tape.named(subject, values[:count])
