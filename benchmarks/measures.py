"""What is measured: each number of the table with its key, what it means, and the mark it should reach."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Costs = dict[str, list[float]]


@dataclass(frozen=True)
class Measure:
    """A number of the table. `target` is `(">=" or "<=", mark)`, if there is one."""

    key: str
    text: str
    target: tuple[str, float] | None = None

    def reached(self, value: float) -> bool | None:
        """Whether a value is as good as it should be."""
        if self.target is None:
            return None
        return value >= self.target[1] if self.target[0] == ">=" else value <= self.target[1]


@dataclass(frozen=True)
class Ratio(Measure):
    """What a cell update costs in the case `top`, over what it costs in the case `bottom`."""

    top: str = field(kw_only=True)
    bottom: str = field(kw_only=True)

    @property
    def needs(self) -> tuple[str, ...]:
        """The cases to run."""
        return self.top, self.bottom

    def value(self, costs: Costs) -> float:
        """The median over pairs of runs that followed one another, so that a drift of the machine cancels."""
        return statistics.median(a / b for a, b in zip(costs[self.top], costs[self.bottom], strict=True))


@dataclass(frozen=True)
class Speed(Measure):
    """Cell updates per second of a case."""

    case: str = field(kw_only=True)

    @property
    def needs(self) -> tuple[str, ...]:
        """The case to run."""
        return (self.case,)

    def value(self, costs: Costs) -> float:
        """The median."""
        return 1e9 / statistics.median(costs[self.case])


def interleaved(runs: Mapping[str, Callable[[], float]], repeats: int, say: Callable[[str], None]) -> Costs:
    """What each run gives, `repeats` times, all in turn: A B C A B C."""
    costs: Costs = {name: [] for name in runs}
    for i in range(repeats):
        for name, run in runs.items():
            say(f"{name} ({i + 1} of {repeats})")
            costs[name].append(run())
    return costs


# Groups of speeds; the cases of a group take turns.
SPEEDS: dict[str, tuple[Ratio | Speed, ...]] = {
    "uniform": (
        Ratio(
            "pool_over_uniform_16", "speed, 16^2 patches / uniform code", (">=", 0.75), top="uniform", bottom="pool_16"
        ),
        Ratio(
            "pool_over_uniform_32", "speed, 32^2 patches / uniform code", (">=", 0.9), top="uniform", bottom="pool_32"
        ),
        Ratio("pool_over_uniform_8", "speed, 8^2 patches / uniform code", top="uniform", bottom="pool_8"),
        Ratio("patch8_over_patch32_cell_cost", "cost, 8^2 / 32^2 patches", ("<=", 2.5), top="pool_8", bottom="pool_32"),
        Ratio(
            "float32_speedup",
            "speed, float32 / float64, 16^2 patches",
            (">=", 1.7),
            top="pool_16",
            bottom="pool_16_float32",
        ),
        Ratio(
            "float32_speedup_uniform",
            "speed, float32 / float64, uniform code",
            top="uniform",
            bottom="uniform_float32",
        ),
        Speed("updates_per_second_uniform", "uniform code, 512^2", case="uniform"),
        Speed("updates_per_second_pool_16", "512^2 in 16^2 patches, not refined", case="pool_16"),
    ),
    "adv2d": (
        Ratio(
            "amr_over_pool_cell_cost",
            "cost, ADV2D +2 / 256^2 in 16^2 patches, not refined",
            ("<=", 1.5),
            top="adv2d_2",
            bottom="pool_256",
        ),
        Speed("updates_per_second_adv2d_1", "ADV2D +1, 16^2 patches", case="adv2d_1"),
        Speed("updates_per_second_adv2d_2", "ADV2D +2, 16^2 patches", (">=", 33e6), case="adv2d_2"),
        Speed("updates_per_second_adv2d_3", "ADV2D +3, 16^2 patches", (">=", 45e6), case="adv2d_3"),
    ),
    "capacity": (
        Ratio(
            "loose_over_tight_capacity",
            "cost, ADV2D +2 with twice the capacity it needs / just enough",
            ("<=", 1.25),
            top="adv2d_2_loose",
            bottom="adv2d_2_tight",
        ),
    ),
    "settings": (
        Ratio(
            "patch8_over_patch32_adv2d_3",
            "cost, ADV2D +3, 8^2 / 32^2 patches",
            top="adv2d_3_patch_8",
            bottom="adv2d_3_patch_32",
        ),
        Ratio("float32_speedup_adv2d_3", "speed, float32 / float64, ADV2D +3", top="adv2d_3", bottom="adv2d_3_float32"),
    ),
    "adv3d": (Speed("updates_per_second_adv3d_1", "ADV3D +1, 16^3 patches", (">=", 26e6), case="adv3d_1"),),
    "many": (
        Ratio(
            "patches_2k_over_20k",
            "speed, 15 thousand / 1.6 thousand 8^2 patches",
            (">=", 1.0),
            top="patches_2k",
            bottom="patches_20k",
        ),
        Speed("updates_per_second_2k", "1.6 thousand 8^2 patches, +1 level", case="patches_2k"),
        Speed("updates_per_second_20k", "15 thousand 8^2 patches, +1 level", case="patches_20k"),
        Speed("updates_per_second_200k", "150 thousand 8^2 patches, +1 level", case="patches_200k"),
    ),
}
