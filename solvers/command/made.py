"""What commands add to the folder of a run, pictures and copies of modules: known again by name and content."""

import hashlib
from pathlib import Path

LIST = ".made"  # in the folder; as `sha256sum` writes it, so that `sha256sum -c .made` tells what was changed


def remember(path: Path, directory: Path) -> None:
    """Note a file that was written into the folder of a run, or below it; in other folders nothing is noted."""
    if (directory / "config.toml").exists():
        with (directory / LIST).open("a", encoding="utf-8") as file:
            file.write(f"{_digest(path)}  {path.relative_to(directory).as_posix()}\n")


def made_in(directory: Path) -> list[Path]:
    """The files that were noted and are still as they were written, and the list; what people changed is theirs."""
    notes = directory / LIST
    if not notes.exists():
        return []
    noted = {tuple(line.split("  ", 1)) for line in notes.read_text(encoding="utf-8").splitlines() if "  " in line}
    inside = {name for _, name in noted if not Path(name).is_absolute() and ".." not in Path(name).parts}
    files = [directory / name for name in sorted(inside) if (directory / name).is_file()]
    return [*(path for path in files if (_digest(path), path.relative_to(directory).as_posix()) in noted), notes]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
