from .krylov import System as System
from .krylov import solved as solved
from .operator import Operator as Operator
from .operator import faces_of as faces_of
from .operator import relation_at as relation_at
from .operator import system_of as system_of
