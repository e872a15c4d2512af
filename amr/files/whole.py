"""Files that are there whole or not at all, whatever fails while they are written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path to write to, which takes the place of `path`, all at once, when the block ends without an error.

    After an error, what was there before is still there, and nothing else. Missing folders are made. Raises `OSError`
    if the disk says no.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")  # no name of a dump, should the program be killed
    try:
        yield temporary
        with temporary.open("rb+") as file:  # some systems flush only what may be written to
            os.fsync(file.fileno())  # or after a power cut the new name may lead to an empty file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)  # there only after an error


def write_whole(path: Path, text: str) -> None:
    """Write a text file, in UTF-8, so that it is never seen half done."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
