"""The choices that make a run, and the state that it changes."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from amr.conditions import Conditions, Faces, Variables
from amr.forest import Forest, resize
from amr.indicator import Indicator
from amr.mesh import Mesh
from amr.pool import Layout, Pool, choose_layout, from_pool, to_pool
from amr.show import text
from amr.transfer import LimitedLinear, Prolongation, Quadratic

from .advection import CTU
from .equations import Advection
from .guard import guarded
from .implicit import Implicit
from .integrator import Integrator
from .law import ConservationLaw
from .lines import MethodOfLines
from .splitting import Strang
from .stabilized import RKL2
from .time_step import Clock

REACTION_STEP = 1.5  # of explicit reactions, in units of one over their rate: second-order methods are stable up to 2


class Setup(eqx.Module):
    """Everything the device program needs besides the state. The fields are explained at `solvers.Simulation`."""

    mesh: Mesh = eqx.field(static=True)
    equation: Advection | ConservationLaw
    scheme: CTU | MethodOfLines | Strang
    refine: Indicator | None
    cfl: float = eqx.field(static=True)
    interval: int = eqx.field(static=True)
    buffer: int | None = eqx.field(static=True)
    longest: float | Float[Array, ""] | None = None
    why: str = eqx.field(static=True, default="")
    faces: Faces = ()

    def __repr__(self) -> str:
        return text(self)

    @property
    def adaptive(self) -> bool:
        """Whether the mesh can change at all."""
        return self.mesh.max_level > 0 and self.refine is not None

    @property
    def steady(self) -> bool:
        """Whether samples taken after a regrid are good until the next one, but for a factor."""
        if isinstance(self.equation, ConservationLaw):
            return True
        diffusivity = None if self.equation.diffusing is None else self.equation.diffusing.diffusivity
        still = diffusivity is None or diffusivity.steady or diffusivity.of_solution
        return self.equation.velocity.amplitude is not None and still

    @property
    def signals_known(self) -> bool:
        """Whether the fastest signal follows from these samples; else the state has to be asked."""
        return self.steady and not self.signals_of_state

    @property
    def signals_of_state(self) -> bool:
        """Whether the fastest signal follows from the state."""
        if isinstance(self.equation, ConservationLaw) or self.reacts:
            return True
        return self.equation.diffusing is not None and self.equation.diffusing.diffusivity.of_solution

    @property
    def diffuses(self) -> bool:
        """Whether anything diffuses."""
        return isinstance(self.equation, Advection) and self.equation.diffusing is not None

    @property
    def reacts(self) -> bool:
        """Whether there is a reaction that limits the step."""
        reaction = self.equation.reaction if isinstance(self.equation, Advection) else None
        return reaction is not None and not (reaction.stiff and isinstance(self.scheme, Strang))

    @property
    def implicit(self) -> bool:
        """Whether diffusion is integrated by an implicit method."""
        return isinstance(self.diffusion_integrator, Implicit)

    @property
    def diffusion_integrator(self) -> Integrator | RKL2 | Implicit:
        """What integrates diffusion in time."""
        return self.scheme.diffusion if isinstance(self.scheme, Strang) else self.scheme.integrator

    @property
    def rooms(self) -> tuple[bool, bool, bool]:
        """What steps of all parts need: see `Integrator.rooms`."""
        both = zip(self.scheme.integrator.rooms, self.diffusion_integrator.rooms, strict=True)
        base, previous, register = (one or other for one, other in both)
        return base, previous, register

    def limited(self, rate: Float[Array, ""], spread: Float[Array, ""], reaction: Float[Array, ""]) -> Float[Array, ""]:
        """The rate that limits the step to `cfl / rate`, from those of signals, of diffusion and of reactions (see
        `solvers.geometry`)."""
        if self.reacts:
            rate = rate + (self.cfl / REACTION_STEP) * reaction
        if self.diffuses:
            share = 0.5 if isinstance(self.scheme, Strang) else 1.0  # diffusion that is split off goes half a step
            rate = self.diffusion_integrator.limited(rate, share * spread, self.cfl)
        return rate if self.longest is None else jnp.maximum(rate, self.cfl / self.longest)

    @property
    def open(self) -> bool:
        """Whether values come in through the faces of the domain that need not lie within those inside."""
        return self.conditions.open

    @property
    def bounded(self) -> bool:
        """Whether scalars are kept within the range of their initial values."""
        reacting = isinstance(self.equation, Advection) and self.equation.reaction is not None
        return self.scheme.bounded and not self.open and not reacting

    @property
    def prolongation(self) -> Prolongation:
        """From coarse to fine levels."""
        chosen, equation = self.scheme.prolongation, self.equation
        if self.diffuses and isinstance(chosen, LimitedLinear):
            return Quadratic()  # the flux of diffusion between levels would not be consistent
        return guarded(chosen, equation, self.mesh.ndim) if isinstance(equation, ConservationLaw) else chosen

    @property
    def conditions(self) -> Conditions:
        """What holds at the faces of the domain."""
        equation = self.equation
        convert = equation.primitive, equation.conserved
        return Conditions(self.faces, Variables(equation.given, equation.vectors, *convert, self.scheme.points))


class State(eqx.Module):
    """All that changes during a run; a run continued from it is the same as one never interrupted.

    **Attributes:**

    - `forest`, `u`: the leaves and their data as they lie in memory (see `amr.pool`; `values` gives a plain array).
    - `clock`: time, last step, fastest signal.
    - `bounds`: least and largest initial value of each variable.
    - `needed`: patches that the last regrid asked for. More than the capacity: it was not done, and the pool must grow.
    - `failed`: whether the equations of an implicit step could not be solved. This is the state before that step.
    """

    forest: Forest
    u: Pool
    clock: Clock
    bounds: tuple[Float[Array, " vars"], Float[Array, " vars"]]
    needed: Int[Array, ""]
    failed: Bool[Array, ""]

    def __repr__(self) -> str:
        arrays = jax.tree.leaves(self)
        if any(isinstance(a, jax.core.Tracer) or not eqx.is_array(a) for a in arrays) or self.needed.ndim:
            return eqx.tree_pformat(self)
        rows, *cells, _ = self.values.shape
        held = f"{int(self.forest.count)} patches of {'x'.join(map(str, cells))} in a pool for {self.capacity}"
        flags = ", overflow" * bool(self.overflow) + ", failed" * bool(self.failed)
        return f"State at t = {float(self.clock.time):.6g}: {held}, {rows} variables, {self.u.dtype}{flags}"

    @property
    def capacity(self) -> int:
        """Slots of the pool."""
        return self.forest.capacity

    @property
    def overflow(self) -> Bool[Array, ""]:
        """Whether the last regrid found no room."""
        return self.needed > self.capacity

    @property
    def values(self) -> Float[Array, "vars *cells patches"]:
        """The data with the patches last, in the order of the forest."""
        return from_pool(self.u)

    def resized(self, mesh: Mesh, capacity: int) -> State:
        """The same state in a pool for at least `capacity` patches, which must hold those there are."""
        return _resized(self, choose_layout(mesh, capacity, self.u.dtype))


@eqx.filter_jit
def _resized(state: State, layout: Layout) -> State:
    forest, u = state.forest.resized(layout.capacity), to_pool(layout, resize(state.values, layout.capacity))
    return State(forest, u, state.clock, state.bounds, jnp.zeros_like(state.needed), state.failed)
