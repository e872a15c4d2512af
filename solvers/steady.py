"""Elliptic problems on their own: Poisson's and Helmholtz's equation on a mesh that is refined where asked for."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from amr.boundary import Variables
from amr.errors import InvalidSettingError
from amr.field import Field
from amr.forest import Forest
from amr.ghosts import check_relations
from amr.hierarchy import build_nodes
from amr.indicator import Indicator
from amr.mesh import Mesh
from amr.pool import choose_layout, from_pool, to_pool
from amr.topology import build_topology, cell_volumes
from amr.transfer import Quadratic

from . import loop
from .diffusion import Diffusing
from .diffusivity import Mean
from .elliptic import Cycle, Operator, faces_of
from .equations import Diffusion
from .krylov import System, relative_weights, solved
from .simulation import Simulation

GHOST = 2


class Equilibrium(eqx.Module):
    """What `Elliptic.solve` found.

    **Attributes:**

    - `field`: the solution.
    - `iterations`: cycles of multigrid; `residual`: the last one, relative to the right-hand side, in the root mean
      square; `converged`: whether it is below the tolerance.
    - `imbalance`: what was taken from the source of each variable to have a solution at all. Zero but where neither
      `alpha` nor a boundary fixes values; the solution has zero mean there.
    """

    field: Field
    iterations: Int[Array, ""]
    residual: Float[Array, ""]
    converged: Bool[Array, ""]
    imbalance: Float[Array, " vars"]

    def __str__(self) -> str:
        how = "solved" if bool(self.converged) else "NOT solved"
        text = f"{how} on {self.field.cells:,} cells in {int(self.iterations)} cycles of multigrid"
        return f"{text}: relative residual {float(self.residual):.1e}"


class Elliptic(eqx.Module):
    """The equation `alpha u - div(diffusivity grad u) = source`, with the boundaries of the domain.

    **Arguments:**

    - `mesh`: an `amr.Mesh`.
    - `diffusivity`: as that of `Diffusion`; one that depends on `u` makes the equation nonlinear.
    - `alpha`: a number of 0 (Poisson) or more.
    - `names`: of the variables, which have nothing to do with each other but through the diffusivity.
    - `mean`: how the diffusivity on a face follows from the cells beside it, `Arithmetic()` or `Harmonic()`.

    Raises `InvalidSettingError` where these do not fit together.
    """

    mesh: Mesh = eqx.field(static=True)
    equation: Diffusion
    alpha: Float[Array, ""]

    def __init__(self, mesh: Mesh, diffusivity=1.0, alpha=0.0, names=("u",), mean: Mean | None = None):
        self.mesh = mesh
        self.equation = Diffusion(diffusivity, names, mean=mean)
        self.alpha = jnp.asarray(alpha, jnp.zeros(()).dtype)
        self.equation.check(mesh.ndim)
        check_relations(mesh.domain, self.variables)

    @property
    def variables(self) -> Variables:
        """What boundaries have to know of the variables."""
        return Variables(self.equation.names)

    def solve(
        self,
        source: Callable,
        *,
        refine: Indicator | None = None,
        on: Field | None = None,
        guess: Callable | None = None,
        tolerance: float = 1e-9,
        iterations: int = 50,
    ) -> Equilibrium:
        """The solution for a source.

        **Arguments:**

        - `source(x, ..)`: the right-hand side at a point, one array, or one for each variable.
        - `refine`: an indicator, which is asked about the source; or `on`: a field whose mesh is taken as it is.
        - `guess(x, ..)`: to begin with; default zero.
        - `tolerance`: of the residual relative to the right-hand side; `iterations`: at most so many cycles.
        """
        if not callable(source):
            raise InvalidSettingError("source", f"expected a function of position, got {source!r}")
        forest = on.forest if on is not None else self.refined(source, refine)
        return eqx.filter_jit(Elliptic.on_forest)(self, forest, source, guess, tolerance, iterations)

    def refined(self, source: Callable, refine: Indicator | None) -> Forest:
        """The leaves that an indicator wishes for a source."""
        simulation = Simulation(self.mesh, self.equation, refine=refine, buffer=0)
        capacity = self.mesh.root_count
        while True:
            state = eqx.filter_jit(Simulation.start)(simulation, source, 1.0, capacity=capacity)
            if not bool(state.overflow):
                return state.forest
            capacity = int(state.needed)

    def on_forest(
        self, forest: Forest, source: Callable, guess: Callable | None, tolerance: float, iterations: int
    ) -> Equilibrium:
        """The solution on given leaves; a JAX function."""
        system, operator, first, imbalance = self._system(forest, source, guess)
        u, how = solved(system, first, tolerance, iterations)
        volumes = cell_volumes(self.mesh, operator.topology, u.dtype)
        u = jnp.where(imbalance.singular, u - _mean(volumes, u), u)
        field = Field(self.mesh, operator.topology.forest, from_pool(u), self.equation.names)
        return Equilibrium(field, how.iterations, how.residual, how.converged, imbalance.taken.reshape(-1))

    def _system(
        self, forest: Forest, source: Callable, guess: Callable | None
    ) -> tuple[System, Operator, Array, _Imbalance]:
        mesh, diffusing, dtype = self.mesh, self.equation.diffusing, jnp.zeros(()).dtype
        assert isinstance(diffusing, Diffusing)
        layout = choose_layout(mesh, forest.capacity, dtype)
        forest = forest.resized(layout.capacity)
        topology = build_topology(mesh, forest, GHOST, Quadratic().margin, layout)
        now, one = jnp.zeros((), dtype), jnp.ones((), dtype)
        linear = not diffusing.diffusivity.of_solution
        faces = faces_of(diffusing, mesh, topology, now, dtype) if linear else None
        alpha = self.alpha.astype(dtype)
        operator = Operator(mesh, topology, Quadratic(), self.variables, diffusing, faces, alpha, one, now)
        right, first = self._values(forest, source, layout), self._values(forest, guess, layout)
        volumes = cell_volumes(mesh, topology, dtype)
        imbalance = _imbalance(operator, right, volumes)
        right = jnp.where(volumes > 0, right - imbalance.taken, 0)
        weights = relative_weights(volumes, right - operator(jnp.zeros_like(right)))
        cycle = Cycle(operator, build_nodes(mesh, forest, layout))
        system = System(operator, right, cycle, imbalance.stiffness, weights, topology.leaves.valid, linear)
        return system, operator, first, imbalance

    def _values(self, forest: Forest, function: Callable | None, layout) -> Array:
        """A function of position on the leaves, zero without one."""
        known = function if function is not None else lambda *x: (0.0 * x[0],) * len(self.equation.names)
        setup = Simulation(self.mesh, self.equation).setup
        return to_pool(layout, loop.evaluate(setup, forest, known, jnp.zeros(()).dtype))


class _Imbalance(eqx.Module):
    """What a source has too much: `taken`, one number a variable, where the equation is `singular`. `stiffness`: see
    `System`."""

    taken: Float[Array, "vars ..."]
    singular: Bool[Array, ""]
    stiffness: Float[Array, ""]


def _imbalance(operator: Operator, right: Array, volumes: Array) -> _Imbalance:
    """Neither `alpha` nor a boundary fixes values if constants solve the homogeneous equation."""
    constants = jnp.where(volumes > 0, jnp.ones_like(right), 0)
    waves = constants * (-1.0) ** jnp.arange(right.shape[-2])[:, None]  # something that is no solution, for comparison
    linear = operator.linear()
    largest = jnp.abs(linear(waves)).max()
    singular = jnp.abs(linear(constants)).max() <= 1e4 * jnp.finfo(right.dtype).eps * largest
    mean = _mean(volumes, right - operator(jnp.zeros_like(right)))
    return _Imbalance(jnp.where(singular, mean, 0), singular, largest)


def _mean(volumes: Array, values: Array) -> Array:
    inner = tuple(range(1, values.ndim))
    return (volumes * values).sum(inner, keepdims=True) / volumes.sum()
