"""The elliptic operator `alpha u - div(beta grad u)` on the composite grid of leaves.

The fluxes are those of diffusion in time (`solvers.diffusion`), refluxed where levels meet, so the operator conserves:
its volume integral is that of `alpha u` and of what crosses the faces of the domain.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from amr.conditions import Conditions
from amr.fusion import apart
from amr.ghosts import mirror_windows
from amr.halo import Store, fill_ring, ghosted_part, stored
from amr.hierarchy import Nodes
from amr.leaves import Leaves
from amr.mesh import Mesh
from amr.pool import Pool, put, sweep, take
from amr.reflux import empty_means, empty_sides, means_of, refluxed, sides_of
from amr.topology import Topology, cell_volumes
from amr.transfer import Prolongation

from .diffusion import Diffusing, Faces, diffusive_fluxes, lines_of, outflow
from .krylov import System, relative_weights
from .multigrid import Multigrid, build_multigrid


class Operator(eqx.Module):
    """`u -> alpha u - scale div(D grad u)`, with what comes in through the faces of the domain.

    **Attributes:**

    - `mesh`, `topology`, `prolongation`, `conditions`: the grid of leaves and its ghost cells.
    - `diffusing`: the coefficient D; `faces`: its values on all faces, arrays `(rows, sweeps, blocks, *faces, lanes)`,
      or `(rows, 1, .., 1)` where it is constant; `None`: they follow from `u`.
    - `alpha`, `scale`: numbers; `time`: of the boundary values.
    """

    mesh: Mesh = eqx.field(static=True)
    topology: Topology
    prolongation: Prolongation
    conditions: Conditions
    diffusing: Diffusing
    faces: Faces | None
    alpha: Float[Array, ""]
    scale: Float[Array, ""]
    time: Float[Array, ""]

    def __call__(self, u: Pool) -> Pool:
        """The operator applied to a pool."""
        mesh, topology = self.mesh, self.topology
        layout, count = topology.layout, topology.forest.count
        store = self._stored(u)
        sides, means = (empty(mesh, layout, u.shape[0], u.dtype) for empty in (empty_sides, empty_means))
        carry = (jnp.zeros_like(u), sides, means)
        out, sides, means = sweep(layout, count, functools.partial(self._moved, store, u), carry)
        if mesh.max_level == 0:
            return out
        one = functools.partial(refluxed, mesh, topology.reflux, topology.leaves.valid)
        return sweep(layout, count, lambda i, out: put(out, one(out, sides, means, i), i), out)

    def coefficients(self, u: Pool) -> Faces:
        """`scale D` on all faces."""
        faces = self.faces
        if faces is None:
            mesh, topology, store = self.mesh, self.topology, self._stored(u)

            def part(leaves, i):
                ghosted = ghosted_part(topology.halo, store, i)
                lines = lines_of(mesh, leaves, ghosted, topology.ghost, self.time, self.conditions)
                return self.diffusing.on_faces(mesh, leaves, lines, self.time, u.dtype)

            faces = pooled(topology, part)
        return tuple(self.scale * face for face in faces)

    def linear(self) -> Operator:
        """The same without what comes in from outside, and with a coefficient that does not change."""
        return dataclasses.replace(self, conditions=self.conditions.linear())

    def _stored(self, u: Pool) -> Store:
        """The cells of a pool with all that ghost cells are taken from."""
        mesh, topology = self.mesh, self.topology
        count, plan = topology.forest.count, topology.halo

        def beyond(near, i):
            leaves = topology.part(i)
            return apart(plan.valid, lambda: mirror_windows(mesh, leaves, near, plan, self.time, self.conditions))

        store = stored(mesh, topology.ghost, count, u)
        return fill_ring(mesh, topology.layout, count, plan, store, self.prolongation, beyond)

    def _moved(self, store: Store, u: Pool, i: Int[Array, ""], carry):
        out, sides, means = carry
        topology, mesh = self.topology, self.mesh
        leaves, valid = topology.part(i), topology.leaves.valid
        ghosted, own = ghosted_part(topology.halo, store, i), apart(valid, lambda: take(u, i))
        faces = self.faces
        known = None if faces is None else apart(valid, lambda: part_of(faces, i))
        fluxes = apart(valid, lambda: self._fluxes(leaves, ghosted, known))
        part = apart(valid, lambda: self.alpha * own + outflow(fluxes))
        out = put(out, part, i)
        if mesh.max_level == 0:
            return out, sides, means
        through = apart(valid, lambda: sides_of(fluxes))
        return out, put(sides, through, i), put(means, apart(valid, lambda: means_of(mesh, through)), i)

    def _fluxes(self, leaves, ghosted, faces: Faces | None) -> tuple[Array, ...]:
        lines = lines_of(self.mesh, leaves, ghosted, self.topology.ghost, self.time, self.conditions)
        if faces is None:
            faces = self.diffusing.on_faces(self.mesh, leaves, lines, self.time, ghosted.dtype)
        return diffusive_fluxes(self.mesh, leaves, lines, faces, self.scale)


def system_of(operator: Operator, nodes: Nodes, right: Pool, reference: Pool, stiffness: Float[Array, ""]) -> System:
    """The equations `operator(u) = right` in all cells, with residuals relative to `reference`: see `relative_weights`.

    `nodes`: the patch hierarchy of the forest; `stiffness`: see `System`.
    """
    topology, linear = operator.topology, not operator.diffusing.diffusivity.of_solution
    weights = relative_weights(cell_volumes(operator.mesh, topology, right.dtype), reference)
    return System(operator, right, Cycle(operator, nodes), stiffness, weights, topology.leaves.valid, linear)


def faces_of(diffusing: Diffusing, mesh: Mesh, topology: Topology, time, dtype) -> Faces:
    """The coefficient on all faces, where it does not depend on the solution: see `Operator`."""
    if diffusing.diffusivity.constant:
        found = diffusing.on_faces(mesh, topology.part(jnp.zeros((), jnp.int32)), None, time, dtype)
        return tuple(face[:, None] for face in found)
    return pooled(topology, lambda leaves, i: diffusing.on_faces(mesh, leaves, None, time, dtype))


def pooled(topology: Topology, part: Callable[[Leaves, Int[Array, ""]], Faces]) -> Faces:
    """Pools of what `part(leaves, i)` gives for sweep i."""
    layout, valid = topology.layout, topology.leaves.valid

    def one(i):
        leaves = topology.part(i)
        return apart(valid, lambda: part(leaves, i))

    def place(i, faces):
        return tuple(put(old, new, i) for old, new in zip(faces, one(i), strict=True))

    shapes = jax.eval_shape(one, jnp.zeros((), jnp.int32))
    empty = tuple(jnp.zeros((s.shape[0], layout.sweeps, *s.shape[1:]), s.dtype) for s in shapes)
    return sweep(layout, topology.forest.count, place, empty)


def part_of(faces: Faces, i: Int[Array, ""]) -> Faces:
    """Those of sweep i."""
    return tuple(face[:, 0] if face.size == face.shape[0] else take(face, i) for face in faces)


class Cycle(eqx.Module):
    """Makes a cycle of multigrid for an operator.

    **Attributes:**

    - `operator`: what it nearly inverts; `nodes`: the patch hierarchy of its forest.
    """

    operator: Operator
    nodes: Nodes

    def __call__(self, u: Pool) -> Multigrid:
        """The cycle for the operator linearized at `u`, its coefficient held fixed."""
        operator, topology = self.operator, self.operator.topology
        relation = functools.partial(relation_at, operator.conditions, operator.time)
        beta = operator.coefficients(u)
        return build_multigrid(
            operator.mesh, self.nodes, topology.forest.count, topology.layout, operator.alpha, beta, relation
        )


def relation_at(conditions: Conditions, time, d: int, end: int, x: tuple[Array, ...]) -> tuple[Array, Array]:
    """`a` and `b` of `a u + b du/dn = 0`, which corrections fulfil on faces of the domain."""
    shape = (len(conditions.variables.names), *jnp.broadcast_shapes(*(c.shape for c in x)))
    a, b, _ = conditions.relation(d, end, jnp.zeros(shape, x[0].dtype), x, time)
    return a, b
