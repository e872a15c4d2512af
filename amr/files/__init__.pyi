from . import dumps as dumps, io as io
from .dumps import load as load
from .header import SUFFIX as SUFFIX, FileError as FileError, boundary_names as boundary_names
from .history import History as History, read_history as read_history
from .info import FileInfo as FileInfo, file_info as file_info
from .io import read as read, write as write
from .numbering import by_number as by_number, dumps_in as dumps_in, order as order
from .vtkhdf import (
    CELL_TYPE as CELL_TYPE,
    RESERVED as RESERVED,
    GeometryCache as GeometryCache,
    LeavesOnHost as LeavesOnHost,
)
from .whole import replacing as replacing, write_whole as write_whole
