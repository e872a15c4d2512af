from .krylov import System as System, solved as solved
from .operator import Operator as Operator, faces_of as faces_of, relation_at as relation_at, system_of as system_of
