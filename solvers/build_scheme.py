"""From the table `[scheme]` to a scheme."""

from __future__ import annotations

from collections.abc import Callable

from . import integrator, limiter, reconstruction, riemann
from .advection import CTU
from .config import SchemeTable
from .config_errors import Mistakes
from .equations import Advection
from .law import ConservationLaw
from .lines import MethodOfLines
from .toml_text import show

LIMITERS: dict[str, Callable[[], limiter.Limiter]] = {
    "mc": limiter.MonotizedCentral,
    "van_leer": limiter.VanLeer,
    "minmod": limiter.Minmod,
    "superbee": limiter.Superbee,
    "none": limiter.Unlimited,
}
RECONSTRUCTIONS: dict[str, Callable[..., reconstruction.Reconstruction]] = {
    "donor_cell": reconstruction.DonorCell,
    "muscl": reconstruction.MUSCL,
    "koren": reconstruction.Koren,
    "upwind3": reconstruction.Upwind3,
    "upwind5": reconstruction.Upwind5,
    "ppm": reconstruction.PPM,
    "weno5": reconstruction.WENO5,
}
RIEMANN_SOLVERS: dict[str, Callable[[], riemann.RiemannSolver]] = {
    "rusanov": riemann.Rusanov,
    "hll": riemann.HLL,
    "hllc": riemann.HLLC,
    "upwind": riemann.Upwind,
}
INTEGRATORS: dict[str, Callable[[], integrator.Integrator]] = {
    "forward_euler": integrator.ForwardEuler,
    "ssprk2": integrator.SSPRK2,
    "ssprk3": integrator.SSPRK3,
    "ssprk54": integrator.SSPRK54,
    "rk4": integrator.RK4,
}
OF_LINES = ("reconstruction", "riemann", "integrator", "primitive")


def build_scheme(
    table: SchemeTable, equation: Advection | ConservationLaw, mistakes: Mistakes
) -> tuple[CTU | MethodOfLines, SchemeTable] | None:
    """The scheme, and the table with everything that it left open."""
    table = _with_methods(table, isinstance(equation, ConservationLaw))
    before = len(mistakes.entries)
    _check_fit(table, equation, mistakes)
    if len(mistakes.entries) > before:
        return None
    table = _with_parts(table, equation)
    if table.method == "ctu":
        scheme: CTU | MethodOfLines = CTU(LIMITERS[table.limiter or "mc"](), table.bounded)
        return scheme, table.model_copy(update={"bounded": scheme.bounded})
    lines = mistakes.attempt(("scheme",), _lines, table)
    return None if lines is None else (lines, _as_made(table, lines, equation))


def _with_methods(table: SchemeTable, law: bool) -> SchemeTable:
    of_lines = law or any(getattr(table, key) is not None for key in ("reconstruction", "riemann", "integrator"))
    return table.model_copy(update={"method": table.method or ("lines" if of_lines else "ctu")})


def _check_fit(table: SchemeTable, equation: Advection | ConservationLaw, mistakes: Mistakes) -> None:
    """Keys that make no sense together are mistakes: none is passed over."""
    law, kind = isinstance(equation, ConservationLaw), type(equation).__name__
    if table.method == "ctu" and law:
        mistakes.add(("scheme", "method"), f'"ctu" solves advection only, not {kind}; take "lines"')
    for key in OF_LINES:
        given = getattr(table, key) is not None
        if given and table.method == "ctu":
            mistakes.add(("scheme", key), 'belongs to method = "lines", not to "ctu"')
        elif given and not law and key in ("riemann", "primitive"):
            mistakes.add(("scheme", key), "belongs to systems of conservation laws; advection is upwinded exactly")
    if table.limiter is not None and table.reconstruction not in (None, "muscl"):
        mistakes.add(("scheme", "limiter"), f'belongs to reconstruction = "muscl", not to {show(table.reconstruction)}')


def _with_parts(table: SchemeTable, equation: Advection | ConservationLaw) -> SchemeTable:
    """With the names of what was left open."""
    lines = table.method == "lines"
    reconstructed = (table.reconstruction or "muscl") if lines else None
    limited = table.limiter or "mc" if reconstructed in (None, "muscl") else None
    solver = (table.riemann or _riemann_for(equation)) if isinstance(equation, ConservationLaw) else None
    return table.model_copy(update={"reconstruction": reconstructed, "limiter": limited, "riemann": solver})


def _riemann_for(law: ConservationLaw) -> str:
    """The sharpest that fits the law."""
    chosen = type(riemann.suited_to(law))
    return next(name for name, kind in RIEMANN_SOLVERS.items() if kind is chosen)


def _lines(table: SchemeTable) -> MethodOfLines:
    limited = () if table.limiter is None else (LIMITERS[table.limiter](),)
    return MethodOfLines(
        RECONSTRUCTIONS[table.reconstruction or "muscl"](*limited),
        None if table.riemann is None else RIEMANN_SOLVERS[table.riemann](),
        None if table.integrator is None else INTEGRATORS[table.integrator](),
        bool(table.bounded),
        table.primitive,
    )


def _as_made(table: SchemeTable, scheme: MethodOfLines, equation: Advection | ConservationLaw) -> SchemeTable:
    """With what the scheme chose itself."""
    law = isinstance(equation, ConservationLaw)
    chosen = next(name for name, kind in INTEGRATORS.items() if kind is type(scheme.integrator))
    settled = {"primitive": scheme.primitive} if law else {"bounded": scheme.bounded}
    return table.model_copy(update={"integrator": chosen, **settled})
