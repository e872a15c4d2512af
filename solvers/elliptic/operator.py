"""The elliptic operator `alpha u - div(beta grad u)` on the composite grid of leaves.

The fluxes are those of diffusion in time (`solvers.equations`), refluxed where levels meet, so the operator conserves:
its volume integral is that of `alpha u` and of what crosses the faces of the domain.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.grid import Conditions, Grid, Kernel, Nodes, Part, Pool, cell_volumes
from solvers.equations import Diffusing, Faces

from .krylov import System, relative_scale
from .multigrid import Multigrid, build_multigrid


class Operator(eqx.Module):
    """`u -> alpha u - scale div(D grad u)`, with what comes in through the faces of the domain.

    **Attributes:**

    - `grid`: of leaves.
    - `diffusing`: the term of diffusion, with the coefficient D; `faces`: its values on all faces, arrays
      `(rows, sweeps, blocks, *faces, lanes)`, or `(rows, 1, .., 1)` where it is constant; nothing where
      they follow from `u`.
    - `alpha`, `scale`: numbers; `time`: of the boundary values.
    """

    grid: Grid
    diffusing: Any
    faces: Faces
    alpha: Float[Array, ""]
    scale: Float[Array, ""]
    time: Float[Array, ""]

    def __call__(self, u: Pool) -> Pool:
        """The operator applied to a pool."""
        grid = self.grid
        out = grid.outflow(grid.work(u), self.time, self._kernel).outflow
        if self.diffusing.of_state:  # of nothing it may be no number
            out = jnp.where(grid.active, out, 0)
        return self.alpha * u + out

    def coefficients(self, u: Pool) -> Faces:
        """`scale D` on all faces."""
        faces = self.faces
        if not faces:
            grid = self.grid
            store = grid.rings(grid.work(u).store, self.time)

            def one(part):
                ghosted = grid.ghosted(part, store, self.time, lambda u: u)
                return part.kept(lambda: self.diffusing.on_faces(part, ghosted, self.time, u.dtype))

            faces = grid.map(one, grid.blank(one))
        return tuple(self.scale * face for face in faces)

    def linear(self) -> Operator:
        """The same without what comes in from outside, and with a coefficient that does not change."""
        return dataclasses.replace(self, grid=self.grid.linear())

    def kept(self, compute):
        return self.grid.kept(compute)

    def _kernel(self, part: Part) -> Kernel:
        faces = self.faces and part.kept(lambda: part_of(self.faces, part))

        def crossing(ghosted, keep, careful):
            return self.diffusing.moved(part, ghosted, faces, self.scale, self.time)

        return Kernel(lambda u: u, crossing, lambda u: None, fused=False)


def system_of(operator: Operator, nodes: Nodes, right: Pool, reference: Pool, stiffness: Float[Array, ""]) -> System:
    """The equations `operator(u) = right` in all cells, with residuals relative to `reference`: see `relative_scale`.

    `nodes`: the patch hierarchy of the forest; `stiffness`: see `System`.
    """
    grid, linear = operator.grid, not operator.diffusing.of_state
    volumes = cell_volumes(grid.mesh, grid.topology, right.dtype)
    scale = relative_scale(volumes, reference, grid.conditions.variables.vectors)
    return System(operator, right, Cycle(operator, nodes), stiffness, scale, linear)


def faces_of(diffusing: Diffusing, grid: Grid, time, dtype) -> Faces:
    """The coefficient on all faces, where it does not depend on the solution: see `Operator`."""
    if diffusing.constant:
        found = diffusing.on_faces(grid.part(jnp.zeros((), jnp.int32)), None, time, dtype)
        return tuple(face[:, None] for face in found)

    def one(part):
        return part.kept(lambda: diffusing.on_faces(part, None, time, dtype))

    return grid.map(one, grid.blank(one))


def part_of(faces: Faces, part: Part) -> Faces:
    """Those of a sweep."""
    return tuple(face[:, 0] if face.size == face.shape[0] else part.take(face) for face in faces)


class Cycle(eqx.Module):
    """Makes a cycle of multigrid for an operator.

    **Attributes:**

    - `operator`: what it nearly inverts; `nodes`: the patch hierarchy of its forest.
    """

    operator: Operator
    nodes: Nodes

    def __call__(self, u: Pool) -> Multigrid:
        """The cycle for the operator linearized at `u`, its coefficient held fixed."""
        operator, grid = self.operator, self.operator.grid
        relation = functools.partial(relation_at, grid.conditions, operator.time)
        return build_multigrid(grid.levels(self.nodes), operator.alpha, operator.coefficients(u), relation)


def relation_at(conditions: Conditions, time, d: int, end: int, x: tuple[Array, ...]) -> tuple[Array, Array]:
    """`a` and `b` of `a u + b du/dn = 0`, which corrections fulfil on faces of the domain."""
    shape = (len(conditions.variables.names), *jnp.broadcast_shapes(*(c.shape for c in x)))
    a, b, _ = conditions.relation(d, end, jnp.zeros(shape, x[0].dtype), x, time)
    return a, b
