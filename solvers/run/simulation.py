"""A simulation: choices put together, and running it from the host."""

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from amr.errors import InvalidSettingError
from amr.field import NO_UNITS, Field, Units, is_concrete, picture
from amr.grid import boundaries_of, half_reach, shown_faces
from amr.mesh import Mesh, root_forest
from amr.own import expect
from amr.refine import AnyOf, Indicator
from amr.show import Call, text
from solvers.equations import Equation
from solvers.records import Collection, EverySteps, Record, Recorded, RunLimits, Series
from solvers.schemes import CTU, MethodOfLines, Strang

from . import loop
from .checkpoint import Checkpoint
from .checkpoints import Checkpoints
from .choice import default_scheme
from .clock import Instant
from .driver import Interrupted, Progress, Run, RunError, Wishes
from .given import GivenData, as_initial
from .problem import Setup, State
from .progress import chosen
from .resting import check_equilibrium
from .summary import Summary

__all__ = ["Interrupted", "Progress", "RunError", "Simulation", "Solution"]


class Solution(eqx.Module):
    """What a run leaves.

    **Attributes:**

    - `field`: the field at the end.
    - `summary`: what the run did, in numbers; `print` shows it as a table.
    - `state`: the whole state, from which `Simulation.advance` goes on.
    - `checkpoint`: what `Simulation.resume` goes on from.
    - `records`: what was recorded, by name.
    """

    field: Field
    summary: Summary = eqx.field(static=True)
    state: State
    checkpoint: Checkpoint = eqx.field(static=True)
    records: dict[str, Recorded] = eqx.field(static=True, default_factory=dict)

    def __repr__(self) -> str:
        if not is_concrete(self.field):
            return eqx.tree_pformat(self)
        speed = f"{self.summary.updates_per_second / 1e6:.3g} million cell updates/s"
        return f"Solution after {self.summary.steps:,} steps at {speed}\n{self.field!r}"

    def _repr_html_(self) -> str | None:
        if not is_concrete(self.field):
            return None
        return f"<div>{self.summary._repr_html_()}{picture(self.field)}</div>"

    def plot(self, name: str | int = 0, **options):
        """A picture of the final field: see `amr.plot.plot`."""
        return self.field.plot(name, **options)

    def save(self, path: str | os.PathLike, **options) -> None:
        """Write the end of the run to a file, `*.vtkhdf`, from which `Simulation.resume` goes on and which other
        programs open: see `amr.io.write`."""
        self.checkpoint.save(path, **options)


class Simulation(eqx.Module):
    """An equation on an adaptive mesh with a scheme.

    **Arguments:**

    - `mesh`: an `amr.Mesh`.
    - `equation`: what is solved, such as `Advection(velocity)`.
    - `scheme`: how; default `CTU()` for `Advection`, `MethodOfLines()` for a law. The integrator of scalars that
      diffuse is chosen by how much longer than an explicit one a step should be (see `solvers.run.choice`): explicit,
      `RKL2` or `SDIRK2`; the summary tells. That of a law is explicit.
    - `refine`: an indicator or several; `None` keeps the root grid.
    - `boundary`: what happens at the faces of the domain: a boundary such as `amr.Wall()` for all that are not
      periodic, or for each dimension one or a (lower, upper) pair; default `amr.Outflow()`. Numbers and arrays in it
      may be what JAX traces.
    - `cfl`: cells that the fastest signal may cross in a step (summed over dimensions with the method of lines), above
      0 and at most 1; default: what suits the scheme.
    - `interval`: steps between regrids; default 4, or half a patch where that is less.
    - `buffer`: cells around a wishing cell that are refined with it; default: as many as the flow can cross there
      before the next regrid, so that nothing leaves the fine level unnoticed.
    - `longest`: an upper limit for the time step.
    - `equilibrium(x, ..)`: a state at rest that is kept to rounding, given as initial values are.
    - `units`: of lengths, times, masses and variables, as fields, pictures and files name them: `amr.Units`.
    - `dtype`: of the data; default float64 if JAX has it enabled, else float32.

    Raises `InvalidSettingError` where choices do not fit together.
    """

    setup: Setup
    dtype: str = eqx.field(static=True)
    units: Units | None = eqx.field(static=True)

    def __init__(
        self,
        mesh: Mesh,
        equation: Equation,
        scheme: CTU | MethodOfLines | Strang | None = None,
        refine: Indicator | Sequence[Indicator] | None = None,
        *,
        boundary: Any = None,
        cfl: float | None = None,
        interval: int | None = None,
        buffer: int | None = None,
        longest: float | None = None,
        equilibrium: Callable | None = None,
        units: Units | None = None,
        dtype=None,
    ):
        expect("mesh", mesh, Mesh, "an amr.Mesh")
        expect("equation", equation, Equation, "solvers.Advection(..) or an instance of a law")
        why = ""
        if scheme is None:
            equation.check(mesh.ndim)
            choice = default_scheme(mesh, equation, longest)
            scheme, why = choice.scheme, choice.why
        several = isinstance(refine, Sequence) and not isinstance(refine, str)
        refine = AnyOf(*refine) if several else refine  # type: ignore[misc, arg-type]
        if not (refine is None or isinstance(refine, Indicator)):
            raise InvalidSettingError("refine", f"expected an indicator such as amr.Difference(0.1), got {refine!r}")
        interval = min(4, mesh.patch // 2) if interval is None else interval
        expect("scheme", scheme, CTU | MethodOfLines | Strang, "solvers.CTU(..) or solvers.MethodOfLines(..)")
        cfl = scheme.default_cfl if cfl is None else cfl
        expect("cfl", cfl, float | int | np.floating, "a number")
        faces = boundaries_of(mesh.domain, boundary)
        self.setup = Setup(
            mesh, equation, scheme, refine, float(cfl), interval, buffer, longest, why, faces, equilibrium
        )
        self.dtype = _float_type(dtype)
        expect("units", units, Units | None, 'units such as amr.Units(length="cm")')
        self.units = units
        _check(self.setup)

    def __repr__(self) -> str:
        return text(self)

    def _shown(self) -> Call:
        names = (
            "mesh",
            "equation",
            "scheme",
            "refine",
            "boundary",
            "cfl",
            "interval",
            "buffer",
            "longest",
            "equilibrium",
            "units",
            "dtype",
        )
        return Call("Simulation", tuple((name, getattr(self, name)) for name in names))

    @property
    def mesh(self) -> Mesh:
        """The static description of the mesh."""
        return self.setup.mesh

    @property
    def equation(self) -> Equation:
        """What is solved."""
        return self.setup.equation

    @property
    def scheme(self) -> CTU | MethodOfLines | Strang:
        """How, also where that was left open."""
        return self.setup.scheme

    @property
    def refine(self) -> Indicator | None:
        """What is refined; several indicators as one."""
        return self.setup.refine

    @property
    def boundary(self) -> Any:
        """What happens at the faces of the domain, as it may be given."""
        return shown_faces(self.mesh.domain, self.setup.faces)

    @property
    def cfl(self) -> float:
        """Cells that the fastest signal may cross in a step."""
        return self.setup.cfl

    @property
    def interval(self) -> int:
        """Steps between regrids."""
        return self.setup.interval

    @property
    def buffer(self) -> int | None:
        """Cells around a wishing cell, where that was given."""
        return self.setup.buffer

    @property
    def longest(self) -> Any:
        """An upper limit for the time step."""
        return self.setup.longest

    @property
    def equilibrium(self) -> Callable | None:
        """A state at rest that is kept."""
        return self.setup.equilibrium

    def run(
        self,
        initial: Any,
        t_end: Any,
        *,
        exact: Callable | None = None,
        t_start: float = 0.0,
        outputs: Any = (),
        on_output: Callable[[Field], None] | None = None,
        every_steps: Any = None,
        checkpoints: Checkpoints | None = None,
        records: Mapping[str, Record] | None = None,
        progress: Callable[[Progress], None] | bool | None = None,
        max_steps: Any = None,
        max_minutes: Any = None,
    ) -> Solution:
        """Run from an initial condition to `t_end`.

        **Arguments:**

        - `initial(x, ..)`: the values at a point, one array, or one for each variable (`equation.given`). Second-order
          schemes take those at cell centres, others averages over cells. Or data, whose integrals stay: a field or
          solution, of another mesh too; an array of averages over the cells of a uniform grid on the domain, or a
          dictionary of them; an xarray dataset; an `amr.Gridded`.
        - `exact(x, .., t)`: if known, likewise; the summary then tells the error at the end.
        - `outputs`: times, besides start and end, at which `on_output(field)` is called; steps are cut to meet them.
        - `every_steps`: it is also called at the first regrid after each multiple of this number of steps.
        - `checkpoints`: keeps files to resume from, `solvers.Checkpoints(..)`.
        - `records`: what to record step by step, such as `{"mass": solvers.Record(solvers.Integrals())}`; the result
          has it as `solution.records["mass"]`. It changes nothing in the run.
        - `progress`: a function, called about twice a second with a `Progress`; or whether to show a bar. By default
          there is one in notebooks, if the run takes more than a second.
        - `max_steps`, `max_minutes`: end earlier, at the first regrid after so many steps (those before a resumed
          checkpoint too) or minutes of this call, with a checkpoint if there are `checkpoints`. Then
          `solution.summary.limit` says so, and `resume` goes on bit for bit.

        Raises `RunError`, which holds the last good field, if the solution stops being finite, and `Interrupted`, which
        holds the checkpoint to go on from, when it is interrupted.
        """
        initial = self._begun(initial)
        if not (callable(exact) or exact is None):
            raise InvalidSettingError("exact", f"expected a function of position and time, got {exact!r}")
        expect("t_end", t_end, float | int | np.number | Array, "a time")
        if not (math.isfinite(t_start) and math.isfinite(t_end) and t_end >= t_start):
            raise InvalidSettingError("end", f"expected a finite time not before the start {t_start}, got {t_end}")
        collection = Collection(records or {})
        shown = chosen(progress, t_end)
        wishes = _wishes(exact, outputs, on_output, every_steps, checkpoints, shown, collection.recording(self.setup))
        wishes = replace(wishes, limits=RunLimits(max_steps, max_minutes), units=self.units_of_all)
        return Solution(*self.prepared(t_start, t_end, wishes).go(initial), collection.found(self.setup))

    def resume(
        self,
        checkpoint: Any,
        t_end: Any,
        *,
        exact: Callable | None = None,
        outputs: Any = (),
        on_output: Callable[[Field], None] | None = None,
        every_steps: Any = None,
        checkpoints: Checkpoints | None = None,
        records: Mapping[str, Record] | None = None,
        progress: Callable[[Progress], None] | bool | None = None,
        max_steps: Any = None,
        max_minutes: Any = None,
    ) -> Solution:
        """Go on from a checkpoint, a solution, or a file with one, to `t_end`; the other arguments are those of `run`.

        With the same choices and output times the result equals that of a run never interrupted bit by bit. What is
        recorded begins after the checkpoint. Scheme,
        thresholds, and as many more levels as you like may be others; raises `InvalidSettingError` where domain, root
        grid, patch, variables or precision do not fit the file, and `amr.io.FileError` if it cannot be read.
        """
        known = checkpoint.checkpoint if isinstance(checkpoint, Solution) else checkpoint
        expect("checkpoint", known, Checkpoint | str | os.PathLike, "a checkpoint, a solution or a file of a run")
        loaded = known if isinstance(known, Checkpoint) else Checkpoint.load(known)
        expect("t_end", t_end, float | int | np.number | Array, "a time")
        begin = float(loaded.field.time)
        if not (math.isfinite(t_end) and jnp.dtype(self.dtype).type(t_end) >= begin):
            raise InvalidSettingError("end", f"expected a finite time not before the checkpoint's {begin}, got {t_end}")
        collection = Collection(records or {})
        shown = chosen(progress, t_end)
        wishes = _wishes(exact, outputs, on_output, every_steps, checkpoints, shown, collection.recording(self.setup))
        wishes = replace(wishes, limits=RunLimits(max_steps, max_minutes), units=self.units_of_all)
        return Solution(*self.prepared(begin, t_end, wishes).go_on(loaded), collection.found(self.setup))

    def prepared(self, t_start: float, t_end: float, wishes: Wishes) -> Run:
        """A run that was not started yet, for programs that want more than `run` and `resume` give."""
        return Run(self.setup, jnp.dtype(self.dtype), t_start, t_end, wishes)

    def _begun(self, given: Any) -> Callable | GivenData:
        """What a run begins with, checked."""
        begun = as_initial(self.mesh, self.setup.equation, given.field if isinstance(given, Solution) else given)
        if not (callable(begun) or isinstance(begun, GivenData)):
            of_file = isinstance(given, str | os.PathLike)
            advice = "; to go on from a file use Simulation.resume, to begin with its data amr.read" if of_file else ""
            raise InvalidSettingError("initial", f"expected a function of position, or data, got {given!r}{advice}")
        return begun

    def start(self, initial: Any, t_end: float, *, capacity: int, t_start: float = 0.0) -> State:
        """The initial state in a pool of the given capacity; a JAX function, to be jitted, mapped, differentiated.

        `state.overflow` tells whether the capacity was too small.
        """
        forest = root_forest(self.mesh, capacity)
        return loop.start(self.setup, self._begun(initial), forest, self._scalar(t_start), self._scalar(t_end))

    def advance(self, state: State, t_end: float, *, rounds: int | Int[Array, ""] | None = None) -> State:
        """The state at `t_end` (or after `rounds` regrids with `interval` steps each); a JAX function like `start`.

        It ends early, with `state.overflow`, where the pool is too small, and with `state.failed` where the equations
        of an implicit step could not be solved.
        """
        most = jnp.asarray(2**31 - 1 if rounds is None else rounds, jnp.int32)
        return loop.advance(self.setup, state, Instant.of(self._scalar(t_end)), most)[0]

    def field(self, state: State) -> Field:
        """The field of a state."""
        names, units = self.setup.equation.names, self.units_of_all
        return Field(self.mesh, state.forest, state.values, names, state.clock.time, units=units)

    @property
    def units_of_all(self) -> Units:
        """The units with those of the variables of the equation, as far as it knows their dimensions."""
        return (self.units or NO_UNITS).with_dimensions(self.setup.equation.dimensions)

    def _scalar(self, value):
        return jnp.asarray(value, self.dtype)


def _wishes(exact, outputs, on_output, every_steps, checkpoints, progress, recording) -> Wishes:
    """What `run` and `resume` were asked for."""
    expect("outputs", outputs, Iterable, "several times, such as [0.1, 0.2]")
    rules = () if every_steps is None else (EverySteps(every_steps),)
    output = None if on_output is None else Series(lambda checkpoint: on_output(checkpoint.field), rules)
    kept = None if checkpoints is None else checkpoints.series()
    return Wishes(exact, tuple(outputs), output, kept, progress, recording=recording)


def _float_type(dtype) -> str:
    default = jax.dtypes.canonicalize_dtype(float)
    try:
        dtype = default if dtype is None else jnp.dtype(dtype)
    except TypeError:
        raise InvalidSettingError("dtype", f"expected float32 or float64, got {dtype!r}") from None
    if dtype not in (jnp.float32, jnp.float64):
        raise InvalidSettingError("dtype", f"expected float32 or float64, got {dtype}")
    if dtype == jnp.float64 and default != jnp.float64:
        advice = 'call jax.config.update("jax_enable_x64", True) before anything else'
        raise InvalidSettingError("dtype", f"float64 is not enabled in JAX; {advice}")
    return str(dtype)


def _check(setup: Setup) -> None:
    mesh, half = setup.mesh, setup.mesh.patch // 2
    setup.equation.verify(mesh.ndim)
    setup.scheme.check(setup.equation)
    check_equilibrium(setup)
    half_reach(mesh, setup.space.ghost, setup.prolongation.margin)
    setup.conditions.check()
    if not 0 < setup.cfl <= 1:
        raise InvalidSettingError("cfl", f"expected a number above 0 and at most 1, got {setup.cfl}")
    if setup.refine is not None:
        setup.refine.check(mesh.ndim, tuple(setup.equation.names))
    for key in ("interval", "buffer"):
        if not isinstance(getattr(setup, key), int | None):
            raise InvalidSettingError(key, f"expected a whole number, got {getattr(setup, key)!r}")
    if setup.interval < 1:
        raise InvalidSettingError("interval", f"expected 1 or more steps between regrids, got {setup.interval}")
    if setup.longest is not None and not (isinstance(setup.longest, float | int) and 0 < setup.longest < math.inf):
        raise InvalidSettingError("longest", f"expected a finite number above 0, got {setup.longest!r}")
    if setup.guided or setup.integrator.solves:
        setup.conditions.check_relations()
    diffusion, method = setup.equation.terms.diffusion, type(setup.integrator.for_diffusion).__name__
    lacking = [name for name in ("constant", "moved", "on_faces") if not hasattr(diffusion, name)]
    if setup.integrator.solves and diffusion is not None and lacking:
        needs = f"{method} solves for what diffuses, for which {type(diffusion).__name__} would need"
        advice = "take solvers.RKL2() or an explicit one, or make it a solvers.equations.Diffusing"
        raise InvalidSettingError("integrator", f"{needs} {', '.join(lacking)}; {advice}")
    if setup.integrator.solves and setup.equation.has_coefficients(mesh.ndim):
        kind = type(setup.equation).__name__
        why = f"{method} solves for what diffuses without coefficients of position, which {kind} has here"
        raise InvalidSettingError("integrator", f"{why}; take solvers.RKL2() or an explicit one")
    if setup.adaptive and setup.buffer is None and setup.cfl * setup.interval > half:
        most = int(half / setup.cfl)
        raise InvalidSettingError("interval", f"in {setup.interval} steps the flow leaves half a patch; at most {most}")
    if setup.buffer is not None and not 0 <= setup.buffer <= half:
        raise InvalidSettingError("buffer", f"expected 0 to {half} (half a patch), got {setup.buffer}")
