"""Elliptic problems on their own: Poisson's and Helmholtz's equation on a mesh that is refined where asked for."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from amr.errors import InvalidSettingError
from amr.field import Field, is_concrete, picture
from amr.grid import (
    Conditions,
    Faces,
    Grid,
    Pool,
    Quadratic,
    Variables,
    boundaries_of,
    build_topology,
    cell_volumes,
    from_pool,
    room_for,
    shown_faces,
    to_pool,
)
from amr.mesh import Forest, Mesh, root_forest
from amr.refine import Indicator
from amr.show import Call, text
from solvers.elliptic import Operator, System, faces_of, relation_at, solved, system_of
from solvers.equations import Diffusion, Mean, not_negative
from solvers.schemes import MethodOfLines

from .evaluation import evaluate
from .simulation import Simulation

GHOST = 2


class Equilibrium(eqx.Module):
    """What `Elliptic.solve` found.

    **Attributes:**

    - `field`: the solution.
    - `iterations`: cycles of multigrid; `residual`: the last one, relative to the right-hand side, in the root mean
      square; `converged`: whether it is below the tolerance, or as small as rounding allows.
    - `imbalance`: what was taken from the source of each variable to have a solution at all. Zero but where neither
      `alpha` nor a boundary fixes values; the solution has zero mean there.
    """

    field: Field
    iterations: Int[Array, ""]
    residual: Float[Array, ""]
    converged: Bool[Array, ""]
    imbalance: Float[Array, " vars"]

    def plot(self, name: str | int = 0, **options):
        """A picture of the solution: see `amr.plot.plot`."""
        return self.field.plot(name, **options)

    def __repr__(self) -> str:
        return str(self) if is_concrete(self.field) else eqx.tree_pformat(self)

    def _repr_html_(self) -> str | None:
        return f"<div>{self}<br>{picture(self.field)}</div>" if is_concrete(self.field) else None

    def __str__(self) -> str:
        if not is_concrete(self.field):
            return repr(self)
        how = "solved" if bool(self.converged) else "NOT solved"
        text = f"{how} on {self.field.cells:,} cells in {int(self.iterations)} cycles of multigrid"
        return f"{text}: relative residual {float(self.residual):.1e}"


class Elliptic(eqx.Module):
    """The equation `alpha u - div(diffusivity grad u) = source`.

    **Arguments:**

    - `mesh`: an `amr.Mesh`.
    - `diffusivity`: as that of `Diffusion`; one that depends on `u` makes the equation nonlinear.
    - `alpha`: a number of 0 (Poisson) or more.
    - `names`: of the variables, which have nothing to do with each other but through the diffusivity.
    - `mean`: how the diffusivity on a face follows from the cells beside it, `Arithmetic()` or `Harmonic()`.
    - `boundary`: what happens at the faces of the domain, see `solvers.Simulation`.

    Raises `InvalidSettingError` where these do not fit together.
    """

    mesh: Mesh = eqx.field(static=True)
    equation: Diffusion
    alpha: Float[Array, ""]
    faces: Faces

    def __init__(self, mesh: Mesh, diffusivity=1.0, alpha=0.0, names=("u",), mean: Mean | None = None, boundary=None):
        self.mesh = mesh
        self.faces = boundaries_of(mesh.domain, boundary)
        self.equation = Diffusion(diffusivity, names, mean=mean)
        self.alpha = jnp.asarray(not_negative("alpha", alpha), jnp.zeros(()).dtype)
        self.equation.check(mesh.ndim)
        self.conditions.check()
        self.conditions.check_relations()

    def __repr__(self) -> str:
        return text(self)

    def _shown(self) -> Call:
        kept = {"diffusivity": self.equation.diffusivity, "mean": self.equation.mean, "names": self.equation.names}
        faces = shown_faces(self.mesh.domain, self.faces)
        return Call("Elliptic", (("mesh", self.mesh), ("alpha", self.alpha), *kept.items(), ("boundary", faces)))

    @property
    def conditions(self) -> Conditions:
        """What holds at the faces of the domain."""
        return Conditions(self.faces, Variables(self.equation.names))

    def solve(
        self,
        source: Any,
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
        if on is not None and _grid(on.mesh) != _grid(self.mesh):
            raise InvalidSettingError(
                "on", "the field's mesh has other cells, patches or levels than that of the equation"
            )
        forest = on.forest if on is not None else self.refined(source, refine)
        return eqx.filter_jit(Elliptic.on_forest)(self, forest, source, guess, tolerance, iterations)

    def refined(self, source: Callable, refine: Indicator | None) -> Forest:
        """The leaves that an indicator wishes for a source; those of the root grid without one."""
        if refine is None:
            return root_forest(self.mesh, self.mesh.root_count)
        # Without boundaries: those of the solution have nothing to do with the source.
        simulation = Simulation(self.mesh, self.equation, MethodOfLines(), refine, buffer=0)
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
        system, operator, first, imbalance = self.system(forest, source, guess)
        u, how = solved(system, first, tolerance, iterations)
        volumes = cell_volumes(self.mesh, operator.grid.topology, u.dtype)
        u = jnp.where(_per_row(imbalance.singular, u), u - _mean(volumes, u), u)
        field = Field(self.mesh, operator.grid.topology.forest, from_pool(u), self.equation.names)
        return Equilibrium(field, how.iterations, how.residual, how.converged, imbalance.taken.reshape(-1))

    def system(
        self, forest: Forest, source: Callable, guess: Callable | None = None
    ) -> tuple[System, Operator, Pool, Imbalance]:
        """The equations on given leaves, their operator, the first guess, and what is taken from the source."""
        mesh, diffusing, dtype = self.mesh, self.equation.terms.diffusion, jnp.zeros(()).dtype
        room = room_for(mesh, forest.capacity, dtype)
        forest = forest.resized(room.capacity)
        topology = build_topology(mesh, forest, GHOST, Quadratic().margin, room, self.conditions.mirrors)
        now, one = jnp.zeros((), dtype), jnp.ones((), dtype)
        grid, linear = Grid(mesh, topology, self.conditions, Quadratic(), guided=True), not diffusing.of_state
        faces = faces_of(diffusing, grid, now, dtype) if linear else ()
        alpha = self.alpha.astype(dtype)
        operator = Operator(grid, diffusing, faces, alpha, one, now)
        right, first = self._values(forest, source, room), self._values(forest, guess, room)
        volumes = cell_volumes(mesh, topology, dtype)
        # A coefficient that depends on the solution is that of the guess here: elsewhere it may make no sense.
        held = operator if linear else dataclasses.replace(operator, faces=operator.coefficients(first))
        inflow = held(jnp.zeros_like(right))
        singular = (self.alpha == 0) & ~self._fixed()
        taken = jnp.where(_per_row(singular, right), _mean(volumes, right - inflow), 0)
        reference = jnp.maximum(jnp.abs(right - inflow), jnp.abs(right))
        if guess is not None:  # where there is no source at all, what a guess has too much is the measure
            nothing = reference.max(tuple(range(1, right.ndim)), keepdims=True) == 0
            reference = jnp.where(nothing, jnp.abs(right - operator(first)), reference)
        right = jnp.where(volumes > 0, right - taken, 0)
        nodes, stiffness = grid.nodes(), _stiffness(held, volumes, right)
        system = system_of(operator, nodes, right, reference, stiffness)
        return system, operator, first, Imbalance(taken, singular)

    def _fixed(self) -> Bool[Array, " vars"]:
        """For each variable, whether a boundary fixes values rather than slopes anywhere."""
        mesh, names = self.mesh, self.equation.names
        found = [jnp.zeros(len(names), bool)]
        for d, pair in enumerate(self.faces):
            for end, boundary in enumerate(pair):
                if not boundary.periodic:
                    a, _ = relation_at(self.conditions, jnp.zeros(()), d, end, _face_centres(mesh, d, end))
                    found.append((a != 0).any(tuple(range(1, a.ndim))))
        return functools.reduce(jnp.logical_or, found)

    def _values(self, forest: Forest, function: Callable | None, room) -> Array:
        """A function of position on the leaves, zero without one."""
        known = function if function is not None else lambda *x: (0.0 * x[0],) * len(self.equation.names)
        setup = Simulation(self.mesh, self.equation, MethodOfLines()).setup
        return to_pool(room, evaluate(setup, forest, known, jnp.zeros(()).dtype))


class Imbalance(eqx.Module):
    """What a source has too much: `taken`, one number a variable, where its equation is `singular`."""

    taken: Float[Array, "vars ..."]
    singular: Bool[Array, " vars"]


def _face_centres(mesh: Mesh, d: int, end: int) -> tuple[Array, ...]:
    """Centres of the faces of the finest cells at one end of the domain."""
    lower, lengths = mesh.domain.lower, mesh.domain.lengths
    x = []
    for k in range(mesh.ndim):
        n = mesh.cells[k] * 2**mesh.max_level
        places = jnp.asarray([float(end)]) if k == d else (jnp.arange(n, dtype=jnp.zeros(()).dtype) + 0.5) / n
        x.append((lower[k] + lengths[k] * places).reshape(*(-1 if m == k else 1 for m in range(mesh.ndim))))
    return tuple(x)


def _stiffness(operator: Operator, volumes: Array, right: Pool) -> Float[Array, ""]:
    """The largest that the operator makes of values between -1 and 1 that change from cell to cell."""
    odd = (jnp.arange(right.shape[-2]) % 2 == 1)[:, None]
    waves = jnp.broadcast_to(jnp.where(odd, -1.0, 1.0).astype(right.dtype), right.shape)
    return jnp.abs(operator.linear()(jnp.where(volumes > 0, waves, 0))).max()


def _per_row(flags: Bool[Array, " vars"], values: Pool) -> Array:
    return flags.reshape(-1, *(1,) * (values.ndim - 1))


def _grid(mesh: Mesh) -> tuple:
    return mesh.cells, mesh.patch, mesh.max_level


def _mean(volumes: Array, values: Array) -> Array:
    inner = tuple(range(1, values.ndim))
    whole = jnp.broadcast_to(volumes, (1, *values.shape[1:])).sum()
    return (volumes * values).sum(inner, keepdims=True) / whole
