"""The choices that make a run, and the state that it changes."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from amr.grid import (
    Conditions,
    Faces,
    Grid,
    Part,
    Pool,
    Prolongation,
    Quadratic,
    Room,
    Topology,
    Variables,
    from_pool,
    room_for,
    to_pool,
)
from amr.mesh import Forest, Mesh, resize
from amr.refine import Indicator
from amr.show import text
from solvers.equations import Equation, Term
from solvers.integrators import Stepper
from solvers.schemes import CTU, MethodOfLines, Strang, guarded

from .clock import Clock

REACTION_STEP = 1.5  # of explicit reactions, in units of one over their rate: second-order methods are stable up to 2


class Setup(eqx.Module):
    """Everything the device program needs besides the state. The fields are explained at `solvers.Simulation`."""

    mesh: Mesh = eqx.field(static=True)
    equation: Equation
    scheme: CTU | MethodOfLines | Strang
    refine: Indicator | None
    cfl: float = eqx.field(static=True)
    interval: int = eqx.field(static=True)
    buffer: int | None = eqx.field(static=True)
    longest: float | Float[Array, ""] | None = None
    why: str = eqx.field(static=True, default="")
    faces: Faces = ()
    equilibrium: Callable | None = None

    def __repr__(self) -> str:
        return text(self)

    @property
    def adaptive(self) -> bool:
        """Whether the mesh can change at all."""
        return self.mesh.max_level > 0 and self.refine is not None

    @property
    def space(self) -> CTU | MethodOfLines:
        """What finds the fluxes of what is transported."""
        return self.scheme.space

    @property
    def integrator(self) -> Stepper:
        """What takes the steps."""
        return self.scheme.integrator

    @property
    def terms(self) -> dict[str, Term]:
        """Those of the equation, by name."""
        return self.equation.terms.there

    @property
    def steady(self) -> bool:
        """Whether samples taken after a regrid are good until the next one, but for a factor."""
        return all(term.steady for term in self.terms.values())

    @property
    def asked(self) -> dict[str, Term]:
        """The terms whose limits of the step follow from the state."""
        spared = self.equation.terms.stiff and self.integrator.splits
        return {
            name: term for name, term in self.terms.items() if term.of_state and not (name == "reaction" and spared)
        }

    @property
    def signals_known(self) -> bool:
        """Whether the fastest signal follows from these samples; else the state has to be asked."""
        return self.steady and not self.asked

    @property
    def pulsed(self) -> bool:
        """Whether the flow's samples have a factor that changes with time."""
        return any(term.pulsed for term in self.terms.values())

    @property
    def diffuses(self) -> bool:
        """Whether anything diffuses."""
        return "diffusion" in self.terms

    @property
    def guided(self) -> bool:
        """Whether interpolation between levels needs to know what boundaries say: see `Grid`."""
        return self.equation.terms.guided

    @property
    def fused(self) -> bool:
        """Whether fluxes are looked at once a step."""
        return len(self.space.looks or self.space.integrator.times) == 1

    def limited(self, rate: Float[Array, ""], spread: Float[Array, ""], reaction: Float[Array, ""]) -> Float[Array, ""]:
        """The rate that limits the step to `cfl / rate`, from those of signals, of diffusion and of reactions (see
        `solvers.run.sampled`)."""
        if "reaction" in self.asked:
            rate = rate + (self.cfl / REACTION_STEP) * reaction
        if self.diffuses:
            rate = self.integrator.limited(rate, spread, self.cfl)
        return rate if self.longest is None else jnp.maximum(rate, self.cfl / self.longest)

    @property
    def bounded(self) -> bool:
        """Whether scalars are kept within the range of their initial values."""
        return self.space.bounded and not self.conditions.open and self.equation.terms.reaction is None

    @property
    def prolongation(self) -> Prolongation:
        """From coarse to fine levels."""
        chosen = self.space.prolongation
        if self.diffuses and not chosen.consistent:
            chosen = Quadratic()  # or the flux of diffusion between levels would not be
        return guarded(chosen, self.equation, self.mesh.ndim)

    @property
    def points(self) -> int:
        """Points along each dimension from which averages of given functions over cells are taken: none but the centres
        where there is ground, which is known there."""
        law = self.equation.terms.law
        return 1 if law is not None and law.on_ground else self.space.points

    @property
    def conditions(self) -> Conditions:
        """What holds at the faces of the domain."""
        equation = self.equation
        convert = equation.primitive, equation.conserved
        known = equation.given, equation.vectors, *convert, self.points, equation.beyond_wall
        return Conditions(self.faces, Variables(*known))

    def grid(self, topology: Topology) -> Grid:
        """The leaves with what loops over them need."""
        return Grid(self.mesh, topology, self.conditions, self.prolongation, guided=self.guided)

    def samples(self, part: Part, time: Float[Array, ""]) -> dict[str, PyTree]:
        """What the terms sample in the patches of a sweep, a flow's amplitude apart."""
        return {name: term.samples(part, time) for name, term in self.terms.items()}

    def extended(self, part: Part, u: Array, samples: dict[str, PyTree]) -> Array:
        """The variables of a sweep with rows for coefficients behind them."""
        if not self.equation.has_coefficients(self.mesh.ndim):
            return u
        return part.kept(lambda: self.equation.extended(u, samples))

    def amplitude(self, time: Float[Array, ""]) -> Float[Array, ""]:
        """The factor of a flow's samples that depends on time alone."""
        transport = self.equation.terms.transport
        return jnp.ones_like(time) if transport is None else transport.amplitude(time)


class State(eqx.Module):
    """All that changes during a run; a run continued from it is the same as one never interrupted.

    **Attributes:**

    - `forest`, `u`: the leaves and their data as they lie in memory (`amr.grid.pool`; `values` gives a plain array).
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
        return _resized(self, room_for(mesh, capacity, self.u.dtype))


@eqx.filter_jit
def _resized(state: State, room: Room) -> State:
    forest, u = in_room(room, state.forest, state.values)
    return State(forest, u, state.clock, state.bounds, jnp.zeros_like(state.needed), state.failed)


def in_room(room: Room, forest: Forest, values: Float[Array, "vars *cells patches"]) -> tuple[Forest, Pool]:
    """Leaves and their data, with the patches last, in a pool of some room."""
    return forest.resized(room.capacity), to_pool(room, resize(values, room.capacity))
