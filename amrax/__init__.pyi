from amr import *
from solvers import *

__version__: str
