"""What a run counts while it goes on, also over interruptions, and the summary that is made of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from amr.field import Field

from .loop import Tally
from .problem import Setup, State
from .summary import DiffusionSummary, Summary, Variable, relative_change


@dataclass
class Account:
    """Everything that a run counts and measures.

    **Attributes:** those of `Summary` of the same name; `patch_steps`: active patches summed over steps; `efforts`,
    `most_effort`: see `loop.Tally`; `integrals`: of the initial condition; `lowest`, `highest`: of each variable.
    """

    steps: int = 0
    regrids: int = 0
    patch_steps: int = 0
    most_patches: int = 0
    efforts: int = 0
    most_effort: int = 0
    growths: int = 0
    repeated: int = 0
    lifted: int = 0
    resumed: int = 0
    loop_seconds: float = 0.0
    compile_seconds: float = 0.0
    compilations: int = 0
    integrals: tuple[float, ...] = ()
    lowest: tuple[float, ...] = ()
    highest: tuple[float, ...] = ()

    @classmethod
    def resumed_from(cls, record: dict[str, Any]) -> Account:
        """The account of a run that goes on; what is compiled is counted anew."""
        names = {field.name for field in fields(cls)}  # a later version may count more
        known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items() if k in names}
        return cls(**known | {"resumed": record["resumed"] + 1, "compile_seconds": 0.0, "compilations": 0})

    def record(self) -> dict[str, Any]:
        """As JSON can say it."""
        return asdict(self)

    def begin(self, first: Field) -> None:
        """Note what the integrals and extrema are at the start."""
        numbers = range(len(first.names))
        self.integrals = tuple(first.integral(i) for i in numbers)
        self.lowest = tuple(first.minimum(i) for i in numbers)
        self.highest = tuple(first.maximum(i) for i in numbers)

    def add(self, tally: Tally, adaptive: bool) -> None:
        """Add what a call of the device program did."""
        self.steps += int(tally.steps)
        self.regrids += int(tally.rounds) if adaptive else 0
        self.patch_steps += int(tally.patch_steps)
        self.most_patches = max(self.most_patches, int(tally.most_patches))
        self.lowest = tuple(np.minimum(self.lowest, np.asarray(tally.lowest)).tolist())
        self.highest = tuple(np.maximum(self.highest, np.asarray(tally.highest)).tolist())
        self.efforts += int(tally.effort.total)
        self.most_effort = max(self.most_effort, int(tally.effort.most))
        self.repeated += 0 if tally.repeated is None else int(tally.repeated)
        self.lifted += 0 if tally.lifted is None else int(tally.lifted)

    def updates_per_second(self, setup: Setup) -> float:
        """Cell updates per second of the run loop so far."""
        return self.patch_steps * setup.mesh.cells_per_patch / self.loop_seconds if self.loop_seconds > 0 else 0.0

    def summary(self, setup: Setup, state: State, final: Field, errors: list[dict[str, float] | None]) -> Summary:
        """What the run did; `errors` has one entry a variable."""
        mesh = setup.mesh
        mean = self.patch_steps / self.steps if self.steps else float(final.count)
        cells = mean * mesh.cells_per_patch
        return Summary(
            time=float(state.clock.time),
            steps=self.steps,
            repeated=self.repeated,
            lifted=self.lifted,
            regrids=self.regrids,
            cell_updates=self.patch_steps * mesh.cells_per_patch,
            loop_seconds=self.loop_seconds,
            compile_seconds=self.compile_seconds,
            compilations=self.compilations,
            patches={"mean": mean, "max": max(self.most_patches, final.count)},
            cells={"mean": cells, "fraction_of_uniform_finest": cells / mesh.finest_cells},
            capacity=state.capacity,
            growths=self.growths,
            resumed=self.resumed,
            diffusion=self._diffusion(setup),
            dtype=str(state.u.dtype),
            device=next(iter(state.clock.time.devices())).device_kind,
            variables={name: self._variable(final, i, errors[i]) for i, name in enumerate(final.names)},
        )

    def _variable(self, final: Field, i: int, error: dict[str, float] | None) -> Variable:
        initial, last = self.integrals[i], final.integral(i)
        low, high = final.minimum(i), final.maximum(i)
        change = relative_change(initial, last, max(abs(low), abs(high)) * final.mesh.domain.volume)
        integral = {"initial": initial, "final": last, "relative_change": change}
        return Variable(integral, low, high, self.lowest[i], self.highest[i], error)

    def _diffusion(self, setup: Setup) -> DiffusionSummary | None:
        """How diffusion was integrated; `None` where nothing diffuses."""
        if not setup.diffuses:
            return None
        split = "Strang splitting with " if setup.integrator.splits else ""
        method, per_step = setup.integrator.for_diffusion, self.efforts / max(self.steps, 1)
        return DiffusionSummary(split + type(method).__name__, setup.why, method.unit, per_step, self.most_effort)
