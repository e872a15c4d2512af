"""The schemes that are compared, by name."""

from __future__ import annotations

import solvers
from solvers import CTU, PPM, RK4, WENO5, Koren, MethodOfLines, MonotizedCentral, Superbee, Unlimited, Upwind3, Upwind5

Scheme = CTU | MethodOfLines

SCHEMES: dict[str, Scheme] = {
    "CTU, no limiter": CTU(Unlimited()),
    "CTU, MC": CTU(MonotizedCentral()),
    "CTU, minmod": CTU(solvers.Minmod()),
    "CTU, van Leer": CTU(solvers.VanLeer()),
    "CTU, superbee": CTU(Superbee()),
    "MUSCL, no limiter": MethodOfLines(solvers.MUSCL(Unlimited())),
    "MUSCL, MC": MethodOfLines(solvers.MUSCL(MonotizedCentral())),
    "Koren": MethodOfLines(Koren()),
    "Upwind3": MethodOfLines(Upwind3()),
    "PPM": MethodOfLines(PPM()),
    "Upwind5": MethodOfLines(Upwind5()),
    "Upwind5, RK4": MethodOfLines(Upwind5(), integrator=RK4()),
    "WENO5": MethodOfLines(WENO5()),
    "WENO5, bounded": MethodOfLines(WENO5(), bounded=True),
    "Upwind5, bounded": MethodOfLines(Upwind5(), bounded=True),
}
