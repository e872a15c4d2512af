"""Every config of the gallery gives, at reduced size, the numbers it gave before; so does every script in examples/.

Numbers change when a scheme does. Then look at the solution, and pin what it gives now if that is better.
"""

from pathlib import Path

import pytest
from daily import daily

from solvers.config.build import load

ROOT = Path(__file__).parents[2]
COARSE = "mesh.max_level=0"
# The config, what is changed to make it small, a variable, and numbers of its summary.
PINS: dict[str, tuple[list[str], str, dict[str, float]]] = {
    "acoustic_room": (
        [COARSE, "time.end=0.75"],
        "p",
        {"steps": 60, "min": -0.107191, "max": 0.20511, "integral": 0.00785398},
    ),
    "advection_swirl_2d": (
        [COARSE],
        "phi",
        {"steps": 94, "min": 1, "max": 1.80436, "integral": 1.03141, "l1": 0.00465822},
    ),
    "beach": (
        [COARSE, "time.end=0.5"],
        "eta",
        {"steps": 161, "min": -0.0347381, "max": 0.116452, "integral": 0.0318982},
    ),
    "burgers_shock": (
        ["mesh.max_level=1"],
        "u",
        {"steps": 184, "min": -0.221466, "max": 1.21488, "integral": 1},
    ),
    "dam_break_2d": (
        [COARSE, "time.end=0.3"],
        "eta",
        {"steps": 133, "min": 0.798911, "max": 1.01413, "integral": 1.8},
    ),
    "deformation_3d": (
        [COARSE, "mesh.cells=[16, 16, 16]"],
        "phi",
        {"steps": 11, "min": 0, "max": 0.892025, "integral": 0.0156186},
    ),
    "double_mach_reflection": (
        [COARSE, "mesh.cells=[64, 16]", "time.end=0.1"],
        "density",
        {"steps": 68, "min": 1.4, "max": 18.7845, "integral": 18.1222},
    ),
    "kelvin_helmholtz": (
        [COARSE, "mesh.cells=[32, 32]", "time.end=0.5"],
        "density",
        {"steps": 92, "min": 0.999881, "max": 2.00078, "integral": 1.5},
    ),
    "pulse_1d": ([COARSE], "phi", {"steps": 72, "min": 0, "max": 0.999998, "integral": 0.583495, "l1": 0.0345429}),
    "sedov_blast": (
        [COARSE, "time.end=0.5"],
        "density",
        {"steps": 215, "min": 0.0186793, "max": 3.33807, "integral": 1.44},
    ),
    "shear_layer": (
        [COARSE, "mesh.cells=[32, 32]", "time.end=0.2"],
        "momentum_x",
        {"steps": 185, "min": -1.06913, "max": 1.06913, "integral": 0},
    ),
    "sod": (["mesh.max_level=1"], "momentum_x", {"steps": 113, "min": 0, "max": 0.396092, "integral": 0.18}),
    "zalesak_disc": (
        [COARSE, "mesh.cells=[40, 40]"],
        "phi",
        {"steps": 137, "min": 0, "max": 0.741931, "integral": 0.0577172, "l1": 0.0448586},
    ),
}
# Configs that other tests run, with what theory says of them.
ELSEWHERE = {
    "advection_diffusion": "config/test_config_diffusion.py",
    "fisher_kpp": "config/test_config_diffusion.py",
    "gray_scott": "config/test_config_diffusion.py",
    "heat_conduction": "config/test_config_diffusion.py",
    "heat_hot_spot": "config/test_config_diffusion.py",
}


def found(name: str, overrides: list[str], variable: str) -> dict[str, float]:
    """Numbers of a run's summary."""
    case = load(ROOT / "configs" / f"{name}.toml", overrides)
    summary = case.simulation.run(case.initial, case.config.time.end, exact=case.exact).summary
    one = summary.variables[variable]
    numbers = {"steps": summary.steps, "min": one.min, "max": one.max, "integral": one.integral["final"]}
    return numbers | ({} if one.error is None else {"l1": one.error["l1"]})


@pytest.mark.parametrize("name", daily(PINS, {"sod", "pulse_1d", "advection_swirl_2d"}.__contains__))
def test_a_config_gives_what_it_gave(name):
    overrides, variable, numbers = PINS[name]
    assert found(name, overrides, variable) == pytest.approx(numbers, rel=1e-4, abs=1e-9)


def test_every_config_is_run_and_pinned():
    """A new file in configs/ needs an entry above, and a row in configs/README.md."""
    names = {path.stem for path in (ROOT / "configs").glob("*.toml")}
    assert names == PINS.keys() | ELSEWHERE.keys()
    assert not PINS.keys() & ELSEWHERE.keys()
    for name, file in ELSEWHERE.items():
        assert f'run("{name}"' in (ROOT / "tests" / file).read_text(encoding="utf-8")
    table = (ROOT / "configs" / "README.md").read_text(encoding="utf-8")
    assert [name for name in sorted(names) if f"| [{name}]({name}.toml) |" not in table] == []


def test_every_example_is_run():
    text = (ROOT / "tests" / "whole" / "test_examples.py").read_text(encoding="utf-8")
    names = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert {name for name in names if f'example("{name}")' not in text and f'"{name}.py"' not in text} == set()
