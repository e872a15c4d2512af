"""The leaves of a mesh with the loops over them: ghost cells, fluxes through faces, new values.

Physics comes in as kernels, which see the patches of one sweep at a time (`Part`) and know nothing of the tree. What
follows from fluxes takes three sweeps, each of which needs all of the one before: prolonged rings, then what crosses
the faces, then the new values with fluxes corrected where levels meet.

        store:  cells | averages | ring          of every patch
                  |        |        ^
                  v        v        |   1. rings: coarse cells around a patch, prolonged
                 ghosted patches ---+
                        |
                        v               2. kernel: what crosses each face
                 outflow, sides, means
                        |
                        v               3. reflux: coarse sides get the means of fine ones; update of the cells
                 store:  cells | averages
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, PyTree

from amr.mesh import Forest, Mesh

from .block import Block
from .conditions import Conditions
from .fusion import apart
from .ghosts import cell_sizes_of_blocks, fill_boundaries, mirror_boundaries, mirror_windows, touches
from .halo import Store, cells_of, cells_part, fill_ring, ghosted_part, put_cells, stored
from .hierarchy import Nodes, build_nodes
from .leaves import Leaves, Topology, over_blocks, per_patch
from .levels import NodeLevels
from .pool import Layout, Pool, active, listed, put, put_patches, room_of, sweep, take
from .reflux import Means, empty_fluxes, means_of, refluxed, sides_of
from .slices import lower, trim, upper
from .topology import cell_centres, coordinates
from .transfer import Prolongation

Keep = Callable[[Callable[..., PyTree]], PyTree]  # evaluates a stage whose results are read several times
Fluxes = tuple[Float[Array, "vars blocks ... lanes"], ...]  # for each dimension, with one face more than cells along it
Cells = Float[Array, "vars blocks *cells lanes"]
Scalar = Float[Array, ""]


def at_once(stage: Callable[[], PyTree]) -> PyTree:
    """Evaluate a stage without keeping it apart from what follows."""
    return stage()


class Work(eqx.Module):
    """The cells of all patches, and what the sweeps of a stage read and write; kept from step to step, so that nothing
    is allocated anew.

    **Attributes:**

    - `store`: the cells, their averages, and prolonged rings.
    - `outflow`: what leaves each cell.
    - `sides`, `means`: what crosses the sides of patches, and its averages as coarser neighbours need them.
    """

    store: Store
    outflow: Pool
    sides: Float[Array, "vars sweeps blocks sides faces lanes"]
    means: Means


class Part(eqx.Module):
    """The patches of one sweep, as kernels see them. Arrays of cells are `(vars, blocks, *cells, lanes)`, all others
    are shaped to go with them.

    **Attributes:** `i`: the number of the sweep; `leaves`: its patches; `ghost`: layers of ghost cells.
    """

    mesh: Mesh = eqx.field(static=True)
    leaves: Leaves
    i: Int[Array, ""]
    conditions: Conditions
    ghost: int = eqx.field(static=True)

    def kept(self, compute: Callable[[], PyTree]) -> PyTree:
        """`compute()`, computed once and stored rather than anew for each reader: see `amr.grid.fusion`."""
        return apart(self.leaves.valid, compute)

    def take(self, pools: PyTree, axis: int = 1) -> PyTree:
        """What belongs to these patches; `axis` is that of the sweeps."""
        return jax.tree.map(lambda pool: take(pool, self.i, axis), pools)

    def of_patches(self, values: Float[Array, " patches"] | Int[Array, " patches"]) -> Array:
        """Of numbers of all patches those of these, `(blocks, lanes)`."""
        return per_patch(Layout(1, *self.leaves.level.shape), values, self.i, 0)

    def over_blocks(self, function: Callable[[Block], PyTree], dtype) -> PyTree:
        """`function(block)` for each block of patches."""
        return over_blocks(lambda leaves: function(Block(self.mesh, leaves, self.ghost, dtype)), self.leaves)

    def zeros(self, shape: Sequence[int], dtype) -> Float[Array, "1 blocks ... lanes"]:
        """Zeros in so many points of each patch."""
        blocks, lanes = self.leaves.level.shape
        return jnp.zeros((1, blocks, *shape, lanes), dtype)

    def centres(self, dtype, ghost: int = 0) -> tuple[Float[Array, "blocks ... lanes"], ...]:
        """Coordinates of the cell centres, with some layers of ghost cells."""
        return over_blocks(lambda leaves: cell_centres(self.mesh, leaves, dtype, ghost), self.leaves)

    def points(self, offsets: tuple[Array, ...], dtype) -> tuple[Float[Array, "blocks ... lanes"], ...]:
        """Coordinates of points at some places, counted in cells from the lower corners of the patches."""
        return over_blocks(lambda leaves: coordinates(self.mesh, leaves, offsets, dtype), self.leaves)

    def sizes(self, dtype) -> tuple[Float[Array, "blocks ... lanes"], ...]:
        """Cell widths, one array a dimension."""
        return cell_sizes_of_blocks(self.mesh, self.leaves, dtype)

    def closed(self, d: int) -> tuple[int, ...]:
        """Which ends (0, 1) of the domain along d are walls."""
        return tuple(end for end, face in enumerate(self.conditions.faces[d]) if face.mirrored)

    def touches(self, d: int, end: int) -> Bool[Array, "blocks ... lanes"]:
        """Which patches lie at that face of the domain."""
        return touches(self.mesh, self.leaves, d, end, self.mesh.ndim)

    def line(self, ghosted: Array, d: int, time: Scalar) -> Float[Array, "vars blocks ... lanes"]:
        """The cells with one layer of ghost cells along d, those beyond faces of the domain replaced by what gives the
        value or the derivative that is asked for there."""
        across = [2 + k for k in range(self.mesh.ndim) if k != d]
        line = trim(trim(ghosted, across, self.ghost), [2 + d], self.ghost - 1)
        return mirror_boundaries(self.mesh, self.leaves, line, d, time, self.conditions)

    def for_diffusion(self, near: Cells, time: Scalar) -> Cells:
        """The cells with one layer of ghost cells around, as diffusion sees them: see `Boundary.of_diffusion`."""
        return fill_boundaries(self.mesh, self.leaves, near, 1, time, self.conditions.of_diffusion)

    def edged(self, extended: Callable[[Cells], Array], cells: Cells, time: Scalar) -> Array:
        """The cells with one layer around that holds, beyond faces of the domain, what comes in there; `extended` puts
        rows behind the variables."""
        around = [(0, 0), (0, 0), *[(1, 1)] * self.mesh.ndim, (0, 0)]
        padded = extended(jnp.pad(cells, around, mode="edge"))
        return fill_boundaries(self.mesh, self.leaves, padded, 1, time, self.conditions)


Flag = Bool[Array, ""]


class Kernel(NamedTuple):
    """What happens in the patches of a sweep, given their ghosted cells (with rows behind the variables).

    **Attributes:**

    - `extended(ghosted)`: with these rows.
    - `crossing(ghosted, keep, careful)`: what crosses each face; `careful`: whether a judge was not content before.
    - `made(ghosted)`: what is made in each cell; `None`: nothing.
    - `fused`: whether it is faster to compute all fluxes in one loop that keeps none, where nobody else reads them.
    """

    extended: Callable[[Array], Array]
    crossing: Callable[[Array, Keep, Flag], Fluxes]
    made: Callable[[Array], Array | None]
    fused: bool


Kernels = Callable[[Part], Kernel]
Judge = Callable[[Cells, Cells], Flag]  # whether cells, and what leaves them through faces, make sense
Update = Callable[[Cells, Cells, PyTree], tuple[Cells, PyTree]]


class Grid(eqx.Module):
    """The leaves of a mesh with all that loops over them need.

    **Attributes:**

    - `mesh`, `topology`: the leaves, their neighbours and plans.
    - `conditions`: what holds at the faces of the domain.
    - `prolongation`: from coarse to fine levels.
    - `guided`: whether coarse cells beyond faces of the domain are what `conditions` ask for there, as the order of
      diffusion needs, rather than those inside mirrored or copied.
    """

    mesh: Mesh = eqx.field(static=True)
    topology: Topology
    conditions: Conditions
    prolongation: Prolongation
    guided: bool = eqx.field(static=True, default=False)

    def linear(self) -> Grid:
        """The same for corrections: see `Conditions.linear`."""
        return dataclasses.replace(self, conditions=self.conditions.linear())

    @property
    def forest(self) -> Forest:
        return self.topology.forest

    @property
    def layout(self) -> Layout:
        """Of pools."""
        return self.topology.layout

    def nodes(self) -> Nodes:
        """The patch hierarchy of the leaves."""
        return build_nodes(self.mesh, self.forest, self.layout)

    def levels(self, nodes: Nodes) -> NodeLevels:
        """All levels, with loops over their nodes."""
        return NodeLevels(self.mesh, nodes, self.forest.count, self.layout)

    @property
    def active(self) -> Bool[Array, "sweeps blocks *ones lanes"]:
        """Which slots of a pool hold a patch, shaped to go with its cells."""
        return active(self.layout, self.forest.count, self.mesh.ndim)

    @property
    def valid(self) -> Bool[Array, ""]:
        """True, but unknown to the compiler: see `amr.grid.fusion`."""
        return self.topology.leaves.valid

    def kept(self, compute: Callable[[], PyTree]) -> PyTree:
        """See `Part.kept`."""
        return apart(self.valid, compute)

    def part(self, i: Int[Array, ""]) -> Part:
        """The patches of sweep i."""
        return Part(self.mesh, self.topology.part(i), i, self.conditions, self.topology.ghost)

    # --- loops --------------------------------------------------------------------------------------------------------

    def fold(self, body: Callable[[Part, PyTree], PyTree], carry: PyTree, needed=None) -> PyTree:
        """`body(part, carry)` for the patches of one sweep after the other; for none unless `needed`."""
        return sweep(self.layout, self.forest.count, lambda i, carry: body(self.part(i), carry), carry, needed)

    def map(self, function: Callable[[Part], PyTree], into: PyTree, axis: int = 1, needed=None) -> PyTree:
        """`into` with what `function(part)` gives for the patches of each sweep: pools whose sweeps are along `axis`,
        or arrays with one number a patch."""
        return self.fold(lambda part, into: self.put(into, function(part), part, axis), into, needed)

    def put(self, into: PyTree, new: PyTree, part: Part, axis: int = 1) -> PyTree:
        """`into` with new values for the patches of a sweep, see `map`."""

        def placed(old, new):
            return (
                put_patches(self.layout, old, new.reshape(-1), part.i) if old.ndim == 1 else put(old, new, part.i, axis)
            )

        return jax.tree.map(placed, into, new)

    def blank(self, function: Callable[[Part], PyTree], axis: int = 1) -> PyTree:
        """Room for what `map` gives of such a function, zero so far."""
        shapes = jax.eval_shape(lambda: function(self.part(jnp.zeros((), jnp.int32))))

        def empty(of):
            return jnp.zeros((*of.shape[:axis], self.layout.sweeps, *of.shape[axis:]), of.dtype)

        return jax.tree.map(empty, shapes)

    def listed(self, function: Callable[[Part], Array], into: Array, useful: Bool[Array, ""] | None = None) -> Array:
        """`into`, which has the patches last, with what `function(part)`, `(blocks, .., lanes)`, gives for those of
        each sweep (if that is `useful`)."""

        def one(i, into):
            return put_patches(self.layout, into, listed(function(self.part(i))), i)

        return sweep(self.layout, self.forest.count, one, into, useful=useful)

    # --- cells --------------------------------------------------------------------------------------------------------

    def work(self, u: Pool) -> Work:
        """Room to work on a pool, with its cells in place."""
        layout = room_of(u)
        store = stored(self.mesh, self.topology.ghost, self.forest.count, u)
        sides, means = empty_fluxes(self.mesh, layout, u.shape[0], u.dtype)
        return Work(store, jnp.zeros_like(u), sides, means)

    def cells(self, store: Store) -> Pool:
        """The cells of all patches, with zeros in empty slots."""
        return cells_of(self.mesh, store, self.forest.count)

    def cells_of(self, part: Part, store: Store) -> Cells:
        """Those of a sweep."""
        return cells_part(self.mesh, store, part.i)

    def with_cells(self, work: Work, function: Callable[[Part, Store], Cells], needed=None) -> Work:
        """With new cells, `function(part, store)`; as they are unless `needed`."""

        def one(part, store):
            return put_cells(self.mesh, store, function(part, store), part.i)

        return with_store(work, self.fold(one, work.store, needed))

    def rings(self, store: Store, time: Scalar, useful: Bool[Array, ""] | None = None) -> Store:
        """The store with the rings of all patches prolonged (if that is `useful`)."""

        def beyond(near, i):
            leaves = self.topology.part(i)
            return self.kept(lambda: mirror_windows(self.mesh, leaves, near, self.topology, time, self.conditions))

        asked = beyond if self.guided and not self.conditions.copied else None
        return fill_ring(self.mesh, self.topology, store, self.prolongation, asked, useful)

    def ghosted(self, part: Part, store: Store, time: Scalar, extended: Callable[[Array], Array]) -> Array:
        """The patches of a sweep with all ghost cells, from a store with rings, and with rows behind the variables."""
        found = extended(ghosted_part(self.topology, store, part.i))
        return fill_boundaries(self.mesh, part.leaves, found, self.topology.ghost, time, self.conditions)

    # --- fluxes -------------------------------------------------------------------------------------------------------

    def outflow(self, work: Work, time: Scalar, kernels: Kernels, judge: Judge | None = None) -> Work:
        """With what leaves each cell, the fluxes through coarse faces replaced by those of the fine ones on them."""

        def one(part, work):
            out = self._refluxed(work, part)
            return eqx.tree_at(lambda work: work.outflow, work, put(work.outflow, out, part.i))

        return self.fold(one, self.crossed(work, time, kernels, judge))

    def updated(self, work: Work, update: Update, pools: PyTree) -> tuple[Work, PyTree]:
        """New cells and new values of some pools by `update(cells, outflow, values)`, for the patches of each sweep,
        when it is known what crosses faces."""

        def one(part, carry):
            work, pools = carry
            out = self._refluxed(work, part)
            new, aside = part.kept(lambda: update(self.cells_of(part, work.store), out, part.take(pools)))
            work = with_store(work, put_cells(self.mesh, work.store, new, part.i))
            return work, jax.tree.map(lambda pool, value: put(pool, value, part.i), pools, aside)

        return self.fold(one, (work, pools))

    def crossed(self, work: Work, time: Scalar, kernels: Kernels, judge: Judge | None = None) -> Work:
        """What leaves cells through faces of their own, and what crosses the sides of patches. All of it is found
        anew, with care, if a judge says of any patches that it is not content."""
        work, yes = with_store(work, self.rings(work.store, time)), jnp.ones((), bool)
        if judge is None:
            return self.fold(lambda part, work: self._crossed_by(part, work, time, kernels(part), ~yes)[0], work)

        def one(careful, part, carry):
            work, content = carry
            work, out = self._crossed_by(part, work, time, kernels(part), careful)
            return work, content & part.kept(lambda: judge(self.cells_of(part, work.store), out))

        def attempt(carry):
            work, careful, _ = carry
            work, content = self.fold(functools.partial(one, careful), (work, yes))
            return work, yes, ~content & ~careful

        return lax.while_loop(lambda carry: carry[2], attempt, (work, ~yes, yes))[0]

    def _crossed_by(self, part: Part, work: Work, time: Scalar, kernel: Kernel, careful: Flag) -> tuple[Work, Cells]:
        """With what the patches of a sweep have to do with it, and what leaves their cells through faces."""
        ghosted = self.ghosted(part, work.store, time, kernel.extended)
        left, *beside = self.moved(part, ghosted, kernel, careful)
        made = kernel.made(ghosted)
        out = left if made is None else part.kept(lambda: left - made)
        names = ("outflow", "sides", "means")[: 1 + len(beside)]
        new = [put(getattr(work, name), values, part.i) for name, values in zip(names, (out, *beside), strict=True)]
        return eqx.tree_at(lambda work: [getattr(work, name) for name in names], work, new), left

    def moved(self, part: Part, ghosted: Array, kernel: Kernel, careful: Flag) -> tuple[Array, ...]:
        """What leaves each cell of the patches of a sweep; with levels also what crosses their sides, and its means."""
        if self.mesh.max_level == 0:
            # Nothing else reads the fluxes, and one fused loop that keeps none of them was measured to be faster.
            keep = at_once if kernel.fused and self.mesh.ndim < 3 else part.kept
            return (part.kept(lambda: outflow(kernel.crossing(ghosted, keep, careful))),)
        fluxes = part.kept(lambda: kernel.crossing(ghosted, part.kept, careful))
        out, sides = part.kept(lambda: outflow(fluxes)), part.kept(lambda: sides_of(fluxes))
        return out, sides, part.kept(lambda: means_of(self.mesh, sides))

    def _refluxed(self, work: Work, part: Part) -> Cells:
        return refluxed(self.mesh, self.topology, work.outflow, work.sides, work.means, part.i)


def with_store(work: Work, store: Store) -> Work:
    """With another store."""
    return eqx.tree_at(lambda work: work.store, work, store)


def outflow(fluxes: Fluxes) -> Cells:
    """What leaves each cell through all of its faces."""
    return functools.reduce(jnp.add, [upper(flux, 2 + d) - lower(flux, 2 + d) for d, flux in enumerate(fluxes)])


def no_fluxes(mesh: Mesh, like: Float[Array, "vars blocks ... lanes"]) -> Fluxes:
    """No flux through any face."""
    faces = [tuple(mesh.patch + (k == d) for k in range(mesh.ndim)) for d in range(mesh.ndim)]
    return tuple(jnp.zeros((*like.shape[:2], *shape, like.shape[-1]), like.dtype) for shape in faces)
