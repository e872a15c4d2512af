"""What a run did, in numbers: for people as a short table, for programs as JSON."""

import math
from dataclasses import asdict, dataclass, field

from amr.field import table


@dataclass(frozen=True)
class Variable:
    """What became of one variable.

    **Attributes:**

    - `integral`: its volume integral, initial and final, and the change relative to the initial one (where that
      vanishes: relative to the integral of the largest absolute value).
    - `min`, `max`: at the end; `lowest`, `highest`: over the run.
    - `error`: volume-weighted l1, l2 (root mean square) and linf, where an exact solution is known.
    """

    integral: dict[str, float]
    min: float
    max: float
    lowest: float
    highest: float
    error: dict[str, float] | None = None


@dataclass(frozen=True)
class DiffusionSummary:
    """How diffusion was integrated in time.

    **Attributes:**

    - `method`: the name of the integrator; `why`: why it was chosen, where it was.
    - `unit`: what the numbers count; `per_step`: on average in a step; `most`: at once.
    """

    method: str
    why: str
    unit: str
    per_step: float
    most: int

    def __str__(self) -> str:
        numbers = f": {self.per_step:.1f} {self.unit} a step on average, {self.most} at most" if self.unit else ""
        return f"{self.method}{numbers}" + (f" (chosen: {self.why})" if self.why else "")


@dataclass(repr=False)
class Summary:
    """Everything a run counted and measured. Updates are whole steps of active cells.

    `fraction_of_uniform_finest` is the mean number of cells over that of a uniform grid of the finest level; `repeated`
    counts steps that were taken again, shorter, since signals had become too fast for them; `lifted` counts cells that
    were lifted onto a floor of the law (`Euler(least_density=..)`), summed over the steps; `limit` is what ended the
    run before its time, such as `"max_steps = 100"`, or empty.
    """

    time: float = 0.0
    steps: int = 0
    regrids: int = 0
    repeated: int = 0
    lifted: int = 0
    cell_updates: int = 0
    loop_seconds: float = 0.0
    compile_seconds: float = 0.0
    compilations: int = 0
    patches: dict[str, float] = field(default_factory=dict)
    cells: dict[str, float] = field(default_factory=dict)
    capacity: int = 0
    growths: int = 0
    resumed: int = 0
    diffusion: DiffusionSummary | None = None
    limit: str = ""
    dtype: str = ""
    device: str = ""
    variables: dict[str, Variable] = field(default_factory=dict)

    @property
    def updates_per_second(self) -> float:
        """Cell updates per second of the run loop, compilation apart."""
        return self.cell_updates / self.loop_seconds if self.loop_seconds > 0 else 0.0

    def to_dict(self) -> dict:
        """Plain numbers, ready for JSON; what is not known is left out."""
        plain = asdict(self) | {"updates_per_second": self.updates_per_second}
        if plain["diffusion"] is None:
            del plain["diffusion"]
        if not plain["limit"]:
            del plain["limit"]
        for variable in plain["variables"].values():
            if variable["error"] is None:
                del variable["error"]
        return plain

    def __str__(self) -> str:
        rows = self.rows()
        width = max(len(label) for label, _ in rows)
        return "\n".join(f"{label:<{width}}  {text}" for label, text in rows)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return table((), self.rows())

    def rows(self) -> list[tuple[str, str]]:
        """The table as labels and texts."""
        return [*self._run_rows(), *(row for name, v in self.variables.items() for row in _variable_rows(name, v))]

    def _run_rows(self) -> list[tuple[str, str]]:
        resumed = f", resumed {self.resumed} times" if self.resumed else ""
        again = f", {self.repeated:,} more taken again shorter" if self.repeated else ""
        limit = f", ended early by {self.limit}" if self.limit else ""
        return [
            ("time", f"{self.time:.6g}{limit}{resumed}"),
            ("steps", f"{self.steps:,} with {self.regrids:,} regrids{again}"),
            ("cell updates", f"{self.cell_updates:,} in {self.loop_seconds:.2f} s: {rate(self.updates_per_second)}"),
            ("compilation", f"{self.compile_seconds:.1f} s, run loop compiled {self.compilations} times"),
            *self._mesh_rows(),
            *([("floors", f"{self.lifted:,} cells lifted, summed over the steps")] if self.lifted else []),
            *([] if self.diffusion is None else [("diffusion", str(self.diffusion))]),
            ("device", f"{self.device}, {self.dtype}"),
        ]

    def _mesh_rows(self) -> list[tuple[str, str]]:
        if not self.patches:  # of a run that is not over
            return []
        growths = f", grown {self.growths} times" if self.growths else ""
        share = f"{self.cells['fraction_of_uniform_finest']:.1%} of the uniform grid of the finest level"
        return [
            ("patches", f"{self.patches['mean']:.1f} on average, {self.patches['max']} at most{growths}"),
            ("cells", f"{self.cells['mean']:,.0f} on average, {share}"),
        ]


def rate(updates_per_second: float) -> str:
    """A number of cell updates per second for people."""
    return f"{updates_per_second / 1e6:.3g} million/s"


def relative_change(initial: float, final: float, scale: float) -> float:
    """The change relative to the initial value, or to `scale` where that is next to nothing."""
    base = abs(initial) if abs(initial) > 1e-12 * scale else scale
    return (final - initial) / base if base > 0 and math.isfinite(base) else final - initial


def _variable_rows(name: str, variable: Variable) -> list[tuple[str, str]]:
    change = variable.integral["relative_change"]
    whole = f"over the run {variable.lowest:.6g} to {variable.highest:.6g}"
    rows = [
        (f"{name} integral", f"{variable.integral['final']:.10g}, relative change {change:.1e}"),
        (f"{name} extrema", f"{variable.min:.6g} to {variable.max:.6g} ({whole})"),
    ]
    if variable.error is not None:
        errors = ", ".join(f"{norm} {value:.3e}" for norm, value in variable.error.items())
        rows.append((f"{name} error", errors))
    return rows
