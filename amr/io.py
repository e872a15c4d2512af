"""Fields on disk: what users import of `amr.files.io`."""

from amr.files.io import (
    SUFFIX as SUFFIX,
)
from amr.files.io import (
    FileError as FileError,
)
from amr.files.io import (
    read as read,
)
from amr.files.io import (
    read_config as read_config,
)
from amr.files.io import (
    read_header as read_header,
)
from amr.files.io import (
    write as write,
)
from amr.files.io import (
    write_series as write_series,
)
