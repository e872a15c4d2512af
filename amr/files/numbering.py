"""Files of a run in the order of their numbers, which is not that of their names: 10000 comes after 9999."""

from collections.abc import Iterable
from pathlib import Path

from .header import SUFFIX


def by_number(paths: Iterable[Path]) -> list[Path]:
    """Sorted by the numbers that end their names (before the suffix), where these begin alike."""
    return sorted(paths, key=order)


def dumps_in(folder: Path) -> list[Path]:
    """The dumps in a folder, `*_0000.vtkhdf` and so on, in their order; without that of a run that failed."""
    return by_number(path for path in folder.glob(f"*{SUFFIX}") if not path.stem.endswith("_failed"))


def order(path: Path) -> tuple[Path, str, int, str]:
    """What files are sorted by."""
    beginning = path.stem.rstrip("0123456789")
    number = int(path.stem[len(beginning) :] or -1)
    return path.parent, beginning, number, path.name
