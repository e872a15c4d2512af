"""The dumps of a run: what users import of `amr.files.dumps`."""

from amr.files.dumps import (
    load as load,
)
