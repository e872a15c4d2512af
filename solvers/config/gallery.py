"""The configs that come with Amrax, to begin with: in the wheel below `solvers`, in a checkout in `configs/`."""

from itertools import takewhile
from pathlib import Path

_PLACES = (Path(__file__).parents[1] / "configs", Path(__file__).parents[2] / "configs")


def gallery_configs() -> dict[str, Path]:
    """All configs by name, in alphabetical order."""
    folder = next((place for place in _PLACES if place.is_dir()), _PLACES[0])
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def told_by(path: Path) -> str:
    """What a config says of itself: its comment up to the first empty line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("#").strip() for line in takewhile(lambda line: line.strip("# "), lines))


def text_for(name: str, file: Path) -> str:
    """A config as it is written to `file`: its comments call that by its name."""
    return gallery_configs()[name].read_text(encoding="utf-8").replace(f"configs/{name}.toml", str(file))
