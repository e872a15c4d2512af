"""What takes steps in time, and what it may ask for.

A step goes from one state to the next by asking an `Evolution` for rates of explicit terms, for a solution of implicit
ones, or for reactions cell by cell. It knows neither the mesh nor the equation.
"""

import abc
from collections.abc import Callable
from typing import Any, ClassVar, Protocol, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from amr.grid import Work

Scalar = Float[Array, ""]


class Moment(eqx.Module):
    """When fluxes are evaluated, or when by all stages with one entry for each.

    **Attributes:**

    - `dt`: for how long they flow; `time`: of the state.
    - `factor`: that time, multiplied by the amplitude of a given flow when it is looked at.
    """

    dt: Float[Array, "*stages"]
    time: Float[Array, "*stages"]
    factor: Float[Array, "*stages"]


class Effort(eqx.Module):
    """What it took to integrate diffusion.

    **Attributes:**

    - `total`, `most`: stages of stabilized methods or cycles of multigrid, in all and in one step or one stage.
    - `failed`: whether equations could not be solved.
    """

    total: Int[Array, ""]
    most: Int[Array, ""]
    failed: Bool[Array, ""]

    @classmethod
    def none(cls) -> "Effort":
        """Nothing done so far."""
        zero = jnp.zeros((), jnp.int32)
        return cls(zero, zero, jnp.zeros((), bool))

    def after(self, used: int | Int[Array, ""], failed: bool | Bool[Array, ""] = False) -> "Effort":
        """With some more."""
        used = jnp.asarray(used, self.total.dtype)
        return Effort(self.total + used, jnp.maximum(self.most, used), self.failed | failed)


class Workspace(eqx.Module):
    """What a step reads and writes, kept from step to step so that nothing is allocated anew.

    **Attributes:**

    - `work`: the cells, and what loops over them need.
    - `aside`: pools that the stepper puts aside from stage to stage, by name: see `Stepper.rooms`.
    - `effort`: what it took so far.
    """

    work: Work
    aside: dict[str, Array]
    effort: Effort

    def with_effort(self, used: int | Int[Array, ""], failed: bool | Bool[Array, ""] = False) -> "Workspace":
        """With some more effort."""
        return eqx.tree_at(lambda space: space.effort, self, self.effort.after(used, failed))


class Weights(eqx.Module):
    """What becomes of the cells in a stage, or in all stages with one entry for each: with base the cells before the
    step, v = u - base, and out what leaves the cells,

        register <- register + saved v - weight out
        u        <- base + keep v - slope out + back v_before + added register

    `first` is 1 in the first stage and 0 in all others.
    """

    keep: Float[Array, "*stages"]
    slope: Float[Array, "*stages"]
    saved: Float[Array, "*stages"]
    weight: Float[Array, "*stages"]
    back: Float[Array, "*stages"]
    added: Float[Array, "*stages"]
    first: Float[Array, "*stages"]

    def update(self, cells: Array, out: Array, aside: dict[str, Array]) -> tuple[Array, dict[str, Array]]:
        """The cells after a stage, and what is put aside for the next."""
        if "base" not in aside:
            return cells - out, {}
        base = jnp.where(self.first > 0, cells, aside["base"])
        moved = cells - base
        new, kept = base + (self.keep * moved - self.slope * out), {"base": base}
        if "previous" in aside:
            new = new + jnp.where(self.first > 0, 0, self.back * aside["previous"])
            kept["previous"] = moved
        if "register" in aside:
            before = jnp.where(self.first > 0, 0, aside["register"])
            kept["register"] = before + (self.saved * moved - self.weight * out)
            new = new + self.added * kept["register"]
        return new, kept


@runtime_checkable
class Evolution(Protocol):
    """The right-hand side of the equation, as far as a stepper shall look at it."""

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the terms it looks at: see `solvers.equations.terms.Terms`."""
        ...

    @property
    def spread(self) -> Scalar:
        """The rate of diffusion, one over the longest stable step of the forward Euler method."""
        ...

    def of(self, *names: str) -> "Evolution":
        """The same with those of its terms alone."""
        ...

    def kept(self, compute: Callable[[], PyTree]) -> PyTree:
        """Numbers that a stage reads, computed beforehand: read at a place that the compiler does not know, or computed
        within, they would keep it from making vectors."""
        ...

    def moments(self, times: tuple[float, ...], begin: Scalar, dt: Scalar) -> Moment:
        """Moments of a step at times from 0 to 1 over it, one entry for each."""
        ...

    def moment(self, time: Scalar, dt: Scalar) -> Moment:
        """The moment at a time, for fluxes that flow for `dt`."""
        ...

    def stage(self, space: Workspace, moment: Moment, weights: Weights) -> Workspace:
        """One evaluation of all fluxes, and new cells."""
        ...

    def outflow(self, space: Workspace, moment: Moment) -> tuple[Workspace, Array]:
        """One evaluation of all fluxes: what leaves each cell in the time `moment.dt`."""
        ...

    def cells(self, space: Workspace) -> Array:
        """The cells."""
        ...

    def with_cells(self, space: Workspace, u: Array) -> Workspace:
        """With other values in the cells."""
        ...

    def solved(self, right: Array, guess: Array, length: Scalar, time: Scalar, limits: Any) -> Any:
        """The solution of `u - length diffusion(u) = right`, how many cycles it took, and whether there is none."""
        ...

    def reacted(self, space: Workspace, begin: Scalar, dt: Scalar) -> Workspace:
        """The cells after nothing but reactions for a time."""
        ...


class Stepper(eqx.Module):
    """Takes steps. Has no arrays, so it may be a static argument.

    **Attributes:**

    - `order`: of accuracy.
    - `of_diffusion`: whether it is for what diffuses alone; `solves`: whether it solves equations for that, which may
      fail; `splits`: whether reactions that are stiff do not limit it.
    - `unit`: what its effort counts.
    - `start`: the pool that holds the cells before a step when it is over, of those put aside; `None`: no such pool.
    - `forward_ratio`: the length of the forward Euler steps, in units of dt, of which it consists; `None` if of none.
    """

    order: eqx.AbstractClassVar[int]
    of_diffusion: ClassVar[bool] = False
    solves: ClassVar[bool] = False
    splits: ClassVar[bool] = False
    unit: ClassVar[str] = ""

    @property
    def rooms(self) -> tuple[str, ...]:
        """Pools that it puts aside: see `Weights`."""
        return ()

    @property
    def start(self) -> str | None:
        return None

    @property
    def forward_ratio(self) -> float | None:
        return None

    @property
    def times(self) -> tuple[float, ...]:
        """When each stage looks at the state, from 0 to 1 over the step."""
        return (0.0,)

    @property
    def told(self) -> str:
        """What it says of equations that were not solved."""
        return type(self).__name__

    @property
    def for_diffusion(self) -> "Stepper":
        """What integrates diffusion."""
        return self

    @abc.abstractmethod
    def step(self, evolution: Evolution, space: Workspace, begin: Scalar, dt: Scalar) -> Workspace:
        """The workspace after a step of length `dt` from the time `begin`."""

    @abc.abstractmethod
    def limited(self, rate: Scalar, spread: Scalar, cfl: float) -> Scalar:
        """The rate that limits the step to `cfl / rate`, from those of signals and of diffusion.

        `spread` is one over the longest stable step of the forward Euler method.
        """
