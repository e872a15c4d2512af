from .block import Block as Block, averages as averages
from .boundary import (
    Beyond as Beyond,
    Boundary as Boundary,
    ByVariable as ByVariable,
    Dirichlet as Dirichlet,
    GhostFunction as GhostFunction,
    Neumann as Neumann,
    Outflow as Outflow,
    Periodic as Periodic,
    Robin as Robin,
    Split as Split,
    Symmetry as Symmetry,
    Wall as Wall,
    beyond_over_inside as beyond_over_inside,
)
from .carry import carried as carried
from .conditions import (
    Conditions as Conditions,
    Faces as Faces,
    Variables as Variables,
    boundaries_of as boundaries_of,
    shown_faces as shown_faces,
    try_boundary as try_boundary,
)
from .fusion import any_of as any_of, by_halves as by_halves, once as once, replaced as replaced
from .grid import (
    Fluxes as Fluxes,
    Grid as Grid,
    Keep as Keep,
    Kernel as Kernel,
    Part as Part,
    Work as Work,
    at_once as at_once,
    no_fluxes as no_fluxes,
    with_store as with_store,
)
from .halo import Store as Store, cells_of as cells_of, half_reach as half_reach, rows_of as rows_of, stored as stored
from .hierarchy import (
    MARGIN as MARGIN,
    Mirror as Mirror,
    NodePool as NodePool,
    Nodes as Nodes,
    NodeStore as NodeStore,
    prolonged as prolonged,
    rows_from as rows_from,
    to_dense as to_dense,
    to_leaves as to_leaves,
    to_nodes as to_nodes,
    window_side as window_side,
)
from .leaves import Leaves as Leaves, Topology as Topology, leaves_of as leaves_of, over_blocks as over_blocks
from .levels import NodeLevels as NodeLevels, NodePart as NodePart, at_level as at_level, level_sizes as level_sizes
from .points import cells_at as cells_at, values_at as values_at
from .pool import (
    Pool as Pool,
    Room as Room,
    active as active,
    blank_pool as blank_pool,
    from_pool as from_pool,
    from_pool_on_host as from_pool_on_host,
    listed as listed,
    put as put,
    room_for as room_for,
    room_of as room_of,
    sweep as sweep,
    take as take,
    to_pool as to_pool,
)
from .scale import (
    binary_unit as binary_unit,
    in_own_unit as in_own_unit,
    length as length,
    over_square as over_square,
    quotient as quotient,
    smallest as smallest,
)
from .slices import cut as cut, lower as lower, others as others, trim as trim, upper as upper
from .topology import (
    blank_topology as blank_topology,
    build_topology as build_topology,
    cell_centres as cell_centres,
    cell_sizes as cell_sizes,
    cell_volumes as cell_volumes,
    coordinates as coordinates,
    rebuilt as rebuilt,
)
from .totals import (
    Extrema as Extrema,
    MoreRows as MoreRows,
    added as added,
    clip_and_assure_sum as clip_and_assure_sum,
    extrema as extrema,
    integrals as integrals,
    norms as norms,
)
from .transfer import (
    LimitedLinear as LimitedLinear,
    LimitedQuartic as LimitedQuartic,
    Prolongation as Prolongation,
    Quadratic as Quadratic,
    Quartic as Quartic,
    Window as Window,
    every_other as every_other,
    halved as halved,
    monotonized_central as monotonized_central,
    prolong as prolong,
    restrict as restrict,
    threes as threes,
    trimmed as trimmed,
)
