"""The groups of measurements: what each can tell, and how it is found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import diffusion, parts, programs, writing
from .amrex import Amrex, dimension
from .cases import cases
from .measures import SPEEDS, Measure, Ratio, Speed, interleaved

Values = dict[str, float]
ADV2D, ADV3D = "adv2d_2", "adv3d_1"


@dataclass(frozen=True)
class Settings:
    """How to measure."""

    quick: bool
    amrex: tuple[Path, ...]
    say: Callable[[str], None]

    @property
    def repeats(self) -> int:
        """Runs of which the median is taken."""
        return 3 if self.quick else 5


def all_measures(settings: Settings) -> dict[str, tuple[Measure, ...]]:
    """What each group tells."""
    known = cases(settings.quick)
    speeds = {group: tuple(m for m in measures if set(m.needs) <= set(known)) for group, measures in SPEEDS.items()}
    rest = {
        "parts": parts.MEASURES,
        "diffusion": diffusion.MEASURES,
        "writing": writing.MEASURES,
        "memory": programs.MEMORY,
        "compile": programs.COMPILE,
    }
    return speeds | rest | {"amrex": _beside_amrex(settings)}


def selected(settings: Settings, only: list[str]) -> dict[str, tuple[Measure, ...]]:
    """Groups and single measures by name; all of them if none is named. Raises `ValueError` for unknown names."""
    groups = {group: measures for group, measures in all_measures(settings).items() if measures}
    names = {measure.key for measures in groups.values() for measure in measures} | set(groups)
    unknown = sorted(set(only) - names)
    if unknown:
        raise ValueError(f"nothing here is called {', '.join(unknown)}; there are {', '.join(sorted(names))}")
    if not only:
        return groups
    kept = {g: tuple(m for m in measures if g in only or m.key in only) for g, measures in groups.items()}
    return {group: measures for group, measures in kept.items() if measures}


def values(group: str, measures: tuple[Measure, ...], settings: Settings) -> Values:
    """Measure a group."""
    keys, known = {measure.key for measure in measures}, cases(settings.quick)
    if group == "parts":
        settings.say("parts of a step")
        found = parts.measure(known[ADV2D], 1.0, settings.repeats)
        return {key: value for key, value in found.items() if key in keys}
    if group == "diffusion":
        return diffusion.measure(keys, settings.quick, settings.repeats, settings.say)
    if group == "writing":
        return writing.measure(keys, settings.repeats, settings.say)
    if group == "memory":
        settings.say("memory")
        return {key: programs.memory_over_pool(programs.MEMORY_CASES[key]) for key in sorted(keys)}
    if group == "compile":
        settings.say("compilation")
        return programs.compile_seconds(keys, 1 if settings.quick else 3)
    return _speeds(measures, settings)


def _speeds(measures, settings: Settings) -> Values:
    known = cases(settings.quick) | _amrex_cases(settings)
    needed = dict.fromkeys(name for measure in measures for name in measure.needs)
    costs = interleaved({name: known[name].cost for name in needed}, settings.repeats, settings.say)
    return {measure.key: measure.value(costs) for measure in measures}


def _amrex_cases(settings: Settings) -> dict[str, Amrex]:
    end = cases(settings.quick)
    found = {}
    for binary in settings.amrex:
        if dimension(binary) == 3:
            found["amrex_adv3d_1"] = Amrex(binary, 1, end[ADV3D].t_end)
        else:
            found |= {f"amrex_adv2d_{n}": Amrex(binary, n, end[f"adv2d_{n}"].t_end) for n in (1, 2, 3)}
    return found


def _beside_amrex(settings: Settings) -> tuple[Measure, ...]:
    targets = {"adv2d_2": 1.5, "adv2d_3": 2.0, "adv3d_1": 2.0}
    measures: list[Measure] = []
    for amrex in _amrex_cases(settings):
        case = amrex.removeprefix("amrex_")
        target = (">=", targets[case]) if case in targets else None
        measures.append(
            Ratio(f"{case}_over_amrex", f"speed, {case} / AMReX on 2 ranks", target, top=amrex, bottom=case)
        )
        measures.append(Speed(f"updates_per_second_{amrex}", f"{case} by AMReX on 2 ranks", case=amrex))
    return tuple(measures)
