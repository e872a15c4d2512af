"""From the table `[scheme]` to a scheme, and back."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

from amr.errors import InvalidSettingError
from solvers.choices import BASES, CHOICES, base_of, class_of, name_of
from solvers.equations import Equation
from solvers.integrators import SSPRK2, Stepper
from solvers.schemes import (
    CTU,
    MUSCL,
    MethodOfLines,
    Strang,
    suited_to,
    try_limiter,
    try_reconstruction,
    try_riemann,
)

from .formulas import Formulas
from .mistakes import Mistakes
from .own_object import own_object
from .tables import SchemeTable
from .toml_text import show
from .user_function import is_reference

OF_LINES = ("reconstruction", "riemann", "integrator", "primitive")
OF_FLOWS = ("method", "reconstruction", "limiter", "bounded")
OF_IMPLICIT = ("tolerance", "iterations", "ratio")
OF_DIFFUSION = ("diffusion", "stages", *OF_IMPLICIT)
Scheme = CTU | MethodOfLines | Strang


class Auto:
    """Stands for the scheme where the choice is left to `Simulation`."""


def build_scheme(table: SchemeTable, equation: Equation, formulas: Formulas) -> Scheme | Auto | None:
    """The scheme; `None` where there is a mistake in it."""
    mistakes = formulas.mistakes
    before = len(mistakes.entries)
    wanted = _Wanted(table, equation)
    _check_fit(wanted, mistakes)
    for kind in BASES if len(mistakes.entries) == before else ():
        if is_reference(name := getattr(table, kind)):
            wanted.own[kind] = own_object(("scheme", kind), name, base_of(kind), formulas)
            mistakes.attempt(("scheme",), _try, kind, wanted.own[kind], equation, formulas.ndim)
    if len(mistakes.entries) > before:
        return None
    return Auto() if wanted.nothing else mistakes.attempt(("scheme",), _made, wanted)


class _Wanted:
    """What a table says about the scheme for an equation, with the names of what it leaves open.

    **Attributes:** `own`: the objects of the user's own that it names, by key.
    """

    def __init__(self, table: SchemeTable, equation: Equation):
        self.table, self.equation = table, equation
        self.law = equation.terms.law
        self.flows, self.diffuses, self.reacts = (term is not None for term in equation.terms)
        self.split = table.coupling == "strang"
        self.own: dict[str, Any] = {}

    def new(self, kind: str, name: str, *given: Any, **settings: Any) -> Any:
        """What a name stands for, made anew unless it is the user's own."""
        return self.own[kind] if is_reference(name) else class_of(kind, name)(*given, **settings)

    def name_of(self, kind: str, made: Any) -> str:
        """The name of what was made."""
        given = getattr(self.table, kind)
        return given if is_reference(given) else name_of(kind, made)

    @property
    def nothing(self) -> bool:
        """Whether the choice is left open where there is more than a flow."""
        settled = self.table.model_dump(exclude={"precision", "diffusion"}, exclude_none=True)
        return (self.diffuses or self.reacts) and not settled and self.table.diffusion in (None, "auto")

    @property
    def method(self) -> str:
        """That of the flow."""
        table = self.table
        if self.law is not None or ((self.diffuses or self.reacts) and not self.split):
            return table.method or "lines"
        explicit = self.diffuses and self.diffusion == "explicit"
        of_lines = ("reconstruction", "riemann") if explicit else ("reconstruction", "riemann", "integrator")
        return table.method or ("lines" if any(getattr(table, key) is not None for key in of_lines) else "ctu")

    @property
    def diffusion(self) -> str:
        """How diffusion is integrated."""
        if self.table.diffusion not in (None, "auto"):
            return str(self.table.diffusion)
        explicit = self.law is not None or self.table.integrator is not None
        return "explicit" if explicit and not self.split else "rkl2"

    @property
    def limited(self) -> bool:
        """Whether the flow has a limiter."""
        return self.method == "ctu" or self.table.reconstruction in (None, "muscl")


# --- what fits --------------------------------------------------------------------------------------------------------


def _check_fit(wanted: _Wanted, mistakes: Mistakes) -> None:
    def refuse(keys: Iterable[str], message: str) -> None:
        for key in keys:
            if getattr(wanted.table, key) is not None and not mistakes.blame(("scheme", key)):
                mistakes.add(("scheme", key), message)

    _check_flow(wanted, refuse)
    _check_diffusion(wanted, refuse)
    if wanted.equation.terms.stiff and not wanted.split:
        mistakes.add(("equation", "stiff"), 'has a meaning with scheme.coupling = "strang" only; give that as well')


def _check_flow(wanted: _Wanted, refuse: Callable) -> None:
    table = wanted.table
    if wanted.reacts and table.bounded:
        refuse(["bounded"], "keeps scalars within the range of their initial values, which a reaction leaves")
    if not wanted.flows:
        refuse(OF_FLOWS, "belongs to a flow, and nothing flows here")
    elif wanted.method == "ctu" and wanted.law is not None:
        kind = type(wanted.equation).__name__
        refuse(["method"], f'"ctu" solves advection only, not {kind}; take "lines"')
    elif wanted.method == "ctu" and (wanted.diffuses or wanted.reacts) and not wanted.split:
        refuse(["method"], '"ctu" moves scalars in a flow and does nothing else; take "lines", or coupling = "strang"')
    if wanted.method == "ctu" and wanted.flows:
        spared = "integrator" if wanted.diffuses and wanted.diffusion == "explicit" else ""
        refuse([key for key in OF_LINES if key != spared], 'belongs to method = "lines", not to "ctu"')
    if wanted.law is None:
        refuse(["riemann", "primitive"], "belongs to systems of conservation laws; advection is upwinded exactly")
    if table.reconstruction not in (None, "muscl"):
        refuse(["limiter"], f'belongs to reconstruction = "muscl", not to {show(table.reconstruction)}')


def _check_diffusion(wanted: _Wanted, refuse: Callable) -> None:
    if not (wanted.diffuses or wanted.reacts):
        refuse([*OF_DIFFUSION, "coupling"], "belongs to what diffuses or reacts, and nothing does here")
        return
    if not wanted.diffuses:
        refuse(OF_DIFFUSION, "belongs to diffusion, and nothing diffuses here; see equation.diffusivity")
        return
    if not (wanted.flows or wanted.reacts):
        refuse(["coupling"], "joins diffusion with a flow or a reaction, and there is neither")
    chosen = wanted.diffusion
    implicits = [name for name in CHOICES["diffusion"] if class_of("diffusion", name).solves]
    for keys, owners in ((("stages",), ["rkl2"]), (OF_IMPLICIT, implicits)):
        if chosen not in owners:
            refuse(keys, f"belongs to diffusion = {' or '.join(map(show, owners))}, not to {show(chosen)}")
    if chosen != "explicit" and not (wanted.split and wanted.flows):
        refuse(["integrator"], f'belongs to diffusion = "explicit", not to {show(chosen)}')


# --- from names to objects --------------------------------------------------------------------------------------------


def _made(wanted: _Wanted) -> Scheme:
    chosen = _integrator_of_diffusion(wanted) if wanted.diffuses else None
    if not wanted.split:
        return _lines(wanted, chosen) if wanted.diffuses else _flow(wanted)
    flow = _flow(wanted)
    shared = wanted.diffuses and chosen is None and isinstance(flow, MethodOfLines)
    return Strang(flow, flow.integrator if shared else chosen)


def _flow(wanted: _Wanted) -> CTU | MethodOfLines:
    table = wanted.table
    if wanted.method == "ctu":
        return CTU(wanted.new("limiter", table.limiter or "mc"), False if wanted.reacts else table.bounded)
    return _lines(wanted, _integrator(wanted))


def _lines(wanted: _Wanted, chosen: Stepper | None) -> MethodOfLines:
    table, law = wanted.table, wanted.law
    limited = [wanted.new("limiter", table.limiter or ("mc" if wanted.flows else "none"))] if wanted.limited else []
    solver = None if law is None else suited_to(law)
    return MethodOfLines(
        wanted.new("reconstruction", table.reconstruction or "muscl", *limited),
        solver if table.riemann is None else wanted.new("riemann", table.riemann),
        chosen,
        bool(table.bounded),
        table.primitive,
    )


def _integrator(wanted: _Wanted) -> Stepper | None:
    name = wanted.table.integrator
    return None if name is None else wanted.new("integrator", name)


def _integrator_of_diffusion(wanted: _Wanted) -> Stepper | None:
    """`None`: that which suits the reconstruction."""
    table, name = wanted.table, wanted.diffusion
    if name == "explicit":
        alone = wanted.split and wanted.method == "ctu"
        return SSPRK2() if alone and table.integrator is None else _integrator(wanted)
    keys = ("stages",) if name == "rkl2" else OF_IMPLICIT
    given = {key: getattr(table, key) for key in keys if getattr(table, key) is not None}
    return wanted.new("diffusion", name, **given)


def _try(kind: str, own: Any, equation: Equation, ndim: int) -> None:
    """Raise `InvalidSettingError` unless an object of the user's own does what it should with some cells."""
    law, name = equation.terms.law, type(own).__name__
    match kind:
        case "limiter":
            try_limiter(own)
        case "reconstruction":
            try_reconstruction(own)
        case "riemann" if law is not None:
            try_riemann(own, law, ndim)
        case "integrator" if own.of_diffusion:
            raise InvalidSettingError(kind, f"{name} is for diffusion alone; give it as scheme.diffusion")
        case "diffusion" if not own.of_diffusion:
            advice = 'give it as scheme.integrator, with diffusion = "explicit"'
            raise InvalidSettingError(kind, f"{name} is not of_diffusion; {advice}")


# --- and back ---------------------------------------------------------------------------------------------------------


def as_table(scheme: Scheme, equation: Equation, given: SchemeTable) -> SchemeTable:
    """The table that describes a scheme, with nothing left open; what is the user's own is named as it was given."""
    wanted = _Wanted(given, equation)
    keys: dict[str, Any] = _flow_keys(scheme.space, wanted) if wanted.flows else {}
    if wanted.diffuses:
        keys |= _diffusion_keys(scheme.integrator.for_diffusion, wanted)
    if wanted.reacts or (wanted.diffuses and wanted.flows):
        keys["coupling"] = "strang" if scheme.integrator.splits else "unsplit"
    return SchemeTable(**keys, precision=given.precision)


def _flow_keys(flow: CTU | MethodOfLines, wanted: _Wanted) -> dict[str, Any]:
    if isinstance(flow, CTU):
        return {"method": "ctu", "limiter": wanted.name_of("limiter", flow.limiter), "bounded": flow.bounded}
    keys: dict[str, Any] = {"method": "lines", "reconstruction": wanted.name_of("reconstruction", flow.reconstruction)}
    if isinstance(flow.reconstruction, MUSCL) and keys["reconstruction"] == "muscl":
        keys["limiter"] = wanted.name_of("limiter", flow.reconstruction.limiter)
    if not flow.integrator.of_diffusion:
        keys["integrator"] = wanted.name_of("integrator", flow.integrator)
    if wanted.law is not None:
        return keys | {"riemann": wanted.name_of("riemann", flow.solver(wanted.law)), "primitive": flow.primitive}
    return keys | {"bounded": flow.bounded}


def _diffusion_keys(chosen: Stepper, wanted: _Wanted) -> dict[str, Any]:
    if not chosen.of_diffusion:
        return {"diffusion": "explicit", "integrator": wanted.name_of("integrator", chosen)}
    name = wanted.name_of("diffusion", chosen)
    own = [] if is_reference(name) else [one.name for one in fields(chosen) if one.name in OF_DIFFUSION]
    return {"diffusion": name} | {key: getattr(chosen, key) for key in own}
