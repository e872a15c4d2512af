"""Solving `A u = f` on the composite grid, by a Krylov method on top of multigrid.

The method is that of generalized conjugate residuals (Eisenstat, Elman, Schultz, SIAM J. Numer. Anal. 20, 1983), which
needs no symmetry (interpolation between levels has none) and allows any cycle as a preconditioner. Every iteration
makes the residual as small as the last few search directions allow, so that it never grows. An operator that depends on
the solution is linearized anew (Newton's method) as often as needed.

Derivatives do not go through the iterations but solve the linearized equations (implicit differentiation).
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, PyTree

from amr.grid import Pool, binary_unit, quotient


@runtime_checkable
class Invertible(Protocol):
    """What is inverted."""

    def __call__(self, u: Pool) -> Pool: ...

    def linear(self) -> Callable[[Pool], Pool]:
        """The linear part of an operator that is affine."""
        ...

    def kept(self, compute: Callable[[], PyTree]) -> PyTree:
        """`compute()`, computed once and stored rather than anew for each reader."""
        ...


Apply = Callable[[Pool], Pool]
DIRECTIONS = 4  # that are remembered
ROUNDING = 8  # roundings of the largest term that a residual may have
HALVINGS = 8  # of a step of Newton's method
FORCING = 0.05  # how far the linearized equations of a step of Newton's method are solved


class Solved(eqx.Module):
    """How a solution was found.

    **Attributes:**

    - `iterations`: cycles of multigrid.
    - `residual`: at the end, relative to the right-hand side, in the root mean square over the domain.
    - `converged`: whether it is below the tolerance, or as small as rounding allows.
    """

    iterations: Int[Array, ""]
    residual: Float[Array, ""]
    converged: Bool[Array, ""]


class System(eqx.Module):
    """Equations for the cells of a pool.

    **Attributes:**

    - `operator`: gives `A u`; `right`: the right-hand side f.
    - `precondition(u)`: makes a linear function that nearly inverts the operator linearized at `u`. A module: it must
      not hide arrays in a closure, from where derivatives could not be taken.
    - `stiffness`: about the largest factor by which the operator multiplies anything: what it makes of rounding errors
      cannot be solved for.
    - `scale`: what makes residuals numbers of size one, whose sum of squares is that of the norm: roots of the volumes
      of cells, zero in empty slots, over the size of the right-hand side, one row for each variable.
    """

    operator: Invertible
    right: Pool
    precondition: Callable
    stiffness: Float[Array, ""]
    scale: Array
    linear: bool = eqx.field(static=True)

    def residual(self, u: Pool) -> Pool:
        return self.right - self.operator(u)

    def linearized(self, u: Pool) -> Apply:
        """The derivative of the operator at `u`, as a function."""
        if self.linear:
            return self.operator.linear()
        return lambda p: jax.jvp(self.operator, (u,), (p,))[1]

    def reachable(self, u: Pool, tolerance: float) -> Float[Array, ""]:
        """The tolerance, or the residual that rounding `u` alone makes."""
        return jnp.maximum(tolerance, ROUNDING * jnp.finfo(u.dtype).eps * self.norm(self.stiffness * u))

    def norm(self, r: Pool) -> Float[Array, ""]:
        return jnp.sqrt(jnp.square(self.scale * r).sum())


@eqx.filter_custom_jvp
def solved(system: System, guess: Pool, tolerance: float, iterations: int) -> tuple[Pool, Solved]:
    """A solution whose residual is at most `tolerance` in the norm of the system (see `relative_scale`), or the best
    found in so many iterations. Forward-mode derivatives with respect to all in `system` are those of the solution."""
    # What does not change is made once, and everything is compiled once: the residual is taken at the start of a round.
    made = system.precondition(guess) if system.linear else None
    halvings = 0 if system.linear else HALVINGS

    def one(carry):
        u, change, before, used, tries, _ = carry
        trial = u + change
        r = system.operator.kept(lambda: system.residual(trial))
        size = system.norm(r)
        better = size < before
        # What rounding makes is rough; of a first guess all of it may be smooth, and is to be solved for.
        goal = jnp.where(used > 0, system.reachable(trial, tolerance), tolerance)
        more = better & (size > goal) & (used < iterations)
        least = jnp.maximum(tolerance, ROUNDING * jnp.finfo(u.dtype).eps)
        aim = least if system.linear else jnp.maximum(least, FORCING * size)
        next_, again = corrected(system, trial, r, aim, jnp.where(more, iterations - used, 0), made)
        tries = jnp.where(better, 0, tries + 1)
        # A step of Newton's method that makes things worse is tried again at half its length.
        change = jnp.where(better, next_, 0.5 * change)
        going = more | (~better & (tries <= halvings))
        return jnp.where(better, trial, u), change, jnp.where(better, size, before), used + again, tries, going

    zero = jnp.zeros((), jnp.int32)
    start = (guess, jnp.zeros_like(guess), jnp.full((), jnp.inf, guess.dtype), zero, zero, jnp.ones((), bool))
    u, _, size, used, *_ = lax.while_loop(lambda carry: carry[-1], one, start)
    return u, Solved(used, size, size <= system.reachable(u, tolerance))


@solved.def_jvp
def _derivative(primals, tangents):
    system, guess, tolerance, iterations = primals
    changing, *_ = tangents
    u, how = solved(system, guess, tolerance, iterations)
    # Of 0 = f - A(u): what u changes by makes up for what f and A change by.
    pushed = eqx.filter_jvp(lambda system: system.residual(u), (system,), (changing,))[1]
    pushed = jnp.zeros_like(u) if pushed is None else pushed
    unit, inverse = binary_unit(jnp.abs(system.scale * pushed).max())
    pushed = inverse * pushed
    change, _ = corrected(system, u, pushed, 1e-3 * tolerance * system.norm(pushed), 2 * iterations, None)
    nothing = jax.tree.map(lambda _: None, how)
    return (u, how), (unit * change, nothing)


def corrected(system: System, u: Pool, r: Pool, aim, iterations, made: Apply | None) -> tuple[Pool, Int[Array, ""]]:
    """An approximate solution of `A' change = r`, with A' the operator linearized at `u`, and the iterations used.
    `made` is its preconditioner, if there is one already."""
    apply, precondition = system.linearized(u), made or system.precondition(u)
    stored = system.operator.kept
    nothing = jnp.zeros((DIRECTIONS, *r.shape), r.dtype)

    def unfinished(carry):
        *_, size, before, used = carry
        return (size > aim) & (used < iterations) & (size < before)

    def one(carry):
        change, r, directions, images, size, _, used = carry
        z = stored(lambda: precondition(r))
        q = stored(lambda: apply(z))
        shares = ((system.scale * images) * (system.scale * q)).sum(tuple(range(1, q.ndim + 1)))
        z, q = stored(lambda: (z - _combined(shares, directions), q - _combined(shares, images)))
        length = system.norm(q)
        scale = quotient(jnp.ones_like(length), length)
        z, q = stored(lambda: (scale * z, scale * q))
        step = ((system.scale * r) * (system.scale * q)).sum()
        change, r = stored(lambda: (change + step * z, r - step * q))
        place = used % DIRECTIONS
        directions = lax.dynamic_update_index_in_dim(directions, z, place, 0)
        images = lax.dynamic_update_index_in_dim(images, q, place, 0)
        return change, r, directions, images, system.norm(r), size, used + 1

    size = system.norm(r)
    carry = (jnp.zeros_like(r), r, nothing, nothing, size, jnp.inf * jnp.ones_like(size), jnp.zeros((), jnp.int32))
    change, *_, used = lax.while_loop(unfinished, one, carry)
    return change, used


def _combined(shares: Array, pools: Array) -> Array:
    return sum((shares[k] * pools[k] for k in range(1, DIRECTIONS)), shares[0] * pools[0])


def relative_scale(volumes: Array, reference: Pool, vectors: tuple[tuple[int, ...], ...] = ()) -> Array:
    """The `scale` of a system that makes the norm of a residual relative to the root mean square of `reference`,
    variable by variable.

    `volumes`: of the cells, zero in empty slots, shaped to go with a pool; `vectors`: numbers of the variables that are
    components of vectors. These have one scale together: a component that is zero but for rounding, as that of a flow
    along an axis, cannot be solved for relative to itself.
    """
    inner, reference = tuple(range(1, reference.ndim)), jnp.where(volumes > 0, reference, 0)
    largest = jnp.abs(reference).max(inner, keepdims=True)
    for vector in map(list, vectors):
        largest = largest.at[jnp.array(vector)].set(largest[jnp.array(vector)].max(0))
    unit, inverse = binary_unit(largest)
    squares = (volumes * jnp.square(inverse * reference)).sum(inner, keepdims=True)
    for vector in map(list, vectors):
        squares = squares.at[jnp.array(vector)].set(squares[jnp.array(vector)].sum(0))
    share = quotient(volumes / reference.shape[0], squares)
    return jnp.sqrt(share) / unit
