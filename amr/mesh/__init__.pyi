from .domain import Domain as Domain
from .forest import (
    Forest as Forest,
    Transition as Transition,
    adapt as adapt,
    balance as balance,
    find as find,
    half_offsets as half_offsets,
    keys as keys,
    neighbours as neighbours,
    resize as resize,
    root_forest as root_forest,
    root_positions as root_positions,
    unchanged as unchanged,
    within as within,
)
from .indices import (
    along as along,
    divided as divided,
    looked_up as looked_up,
    picked as picked,
    row_major as row_major,
)
from .lookup import finest_cell as finest_cell, locate as locate, point_in as point_in
from .mesh import Mesh as Mesh
from .morton import encode as encode, octants as octants
