from .ctu import CTU as CTU
from .guard import guarded as guarded, judges as judges
from .limiter import (
    Limiter as Limiter,
    Minmod as Minmod,
    MonotizedCentral as MonotizedCentral,
    Superbee as Superbee,
    Unlimited as Unlimited,
    VanLeer as VanLeer,
)
from .lines import MethodOfLines as MethodOfLines
from .reconstruction import (
    MUSCL as MUSCL,
    PPM as PPM,
    WENO5 as WENO5,
    DonorCell as DonorCell,
    Koren as Koren,
    Reconstruction as Reconstruction,
    Upwind3 as Upwind3,
    Upwind5 as Upwind5,
)
from .riemann import (
    HLL as HLL,
    HLLC as HLLC,
    RiemannSolver as RiemannSolver,
    Rusanov as Rusanov,
    Upwind as Upwind,
    suited_to as suited_to,
)
from .strang import Strang as Strang
from .trial import (
    try_limiter as try_limiter,
    try_reconstruction as try_reconstruction,
    try_riemann as try_riemann,
)
