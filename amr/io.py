"""Fields on disk: what users import of `amr.files.io`."""

from amr.files.io import (
    SUFFIX as SUFFIX,
    FileError as FileError,
    read as read,
    read_config as read_config,
    read_header as read_header,
    write as write,
    write_series as write_series,
)
