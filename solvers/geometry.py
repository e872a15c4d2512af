"""What stays the same from one regrid to the next: index plans, and samples of the flow or law on the mesh."""

from __future__ import annotations

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from amr.forest import Forest
from amr.fusion import apart, by_halves
from amr.ghosts import cell_sizes_of_blocks, fill_boundaries
from amr.halo import Store, cells_part
from amr.hierarchy import Nodes, build_nodes
from amr.leaves import Leaves, leaves_of, over_blocks
from amr.pool import Layout, put, put_patches, sweep, take
from amr.topology import Topology, blank_topology, cell_centres, rebuilt

from .diffusion import Diffusing, Faces
from .equations import Advection
from .samples import Samples, flow_samples, law_samples
from .setup import Setup
from .slices import lower, others, trim, upper

Scalar = Float[Array, ""]


class Geometry(eqx.Module):
    """Plans, and samples (the flow's amplitude apart).

    **Attributes:**

    - `topology`: the leaves and their plans.
    - `samples`: of all patches, arrays `(sweeps, blocks, .., lanes)`, until the next regrid; of unsteady flows that
      have no amplitude, halfway through the next step.
    - `fastest`: how many cells signals cross per unit of time in each patch, as the scheme counts them.
    - `divergence`: the largest of the flow in its cells.
    - `spreading`: the rate of diffusion in each patch, one over the longest stable step of the forward Euler method.
    - `reacting`: the fastest rate of a reaction that is explicit.
    - `nodes`: the patch hierarchy, where an implicit method needs it.
    """

    topology: Topology
    samples: Samples
    fastest: Float[Array, " patches"]
    divergence: Float[Array, " patches"]
    spreading: Float[Array, " patches"]
    reacting: Float[Array, " patches"]
    nodes: Nodes | None

    @property
    def rate(self) -> Scalar:
        """Of the fastest patch."""
        return jnp.where(self.topology.forest.active, self.fastest, 0).max()

    @property
    def reaction(self) -> Scalar:
        """Of the patch where reactions are fastest."""
        return jnp.where(self.topology.forest.active, self.reacting, 0).max()

    @property
    def spread(self) -> Scalar:
        """Of the patch where diffusion is fastest."""
        return jnp.where(self.topology.forest.active, self.spreading, 0).max()

    def samples_of(self, i: Int[Array, ""]) -> Samples:
        """The samples of sweep i."""
        return jax.tree.map(lambda values: take(values, i, axis=0), self.samples)

    @property
    def expands(self) -> Bool[Array, ""]:
        """Whether the flow has a divergence, beyond roundoff, in the cells of any patch."""
        largest = jnp.where(self.topology.forest.active, self.divergence, 0).max()
        return largest > 1e4 * jnp.finfo(largest.dtype).eps * self.rate


def blank_geometry(setup: Setup, forest: Forest, layout: Layout, time: Scalar) -> Geometry:
    """Room for the plans and samples of a forest."""
    ghost, margin, mirrors = setup.scheme.ghost, setup.prolongation.margin, setup.conditions.mirrors
    topology = blank_topology(setup.mesh, forest, ghost, margin, layout, mirrors)
    shapes = jax.eval_shape(lambda: _part_samples(setup, topology.part(jnp.zeros((), jnp.int32)), time))
    samples = jax.tree.map(lambda shape: jnp.zeros((layout.sweeps, *shape.shape), shape.dtype), shapes)
    nothing = jnp.zeros(layout.capacity, time.dtype)
    nodes = None
    if setup.implicit:
        nodes = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(lambda: _nodes(setup, topology)))
    return Geometry(topology, samples, nothing, nothing, nothing, nothing, nodes)


def build_geometry(setup: Setup, forest: Forest, layout: Layout, time: Scalar) -> Geometry:
    """Plans and samples for a forest."""
    return adapted_geometry(setup, blank_geometry(setup, forest, layout, time), forest, time, jnp.ones((), bool))


def sampled_leaves(setup: Setup, forest: Forest, layout: Layout, time: Scalar) -> Geometry:
    """Samples alone, without plans: what the length of the first step follows from."""
    blank = blank_geometry(setup, forest, layout, time)
    leaves = leaves_of(setup.mesh, forest, blank.topology.leaves.reach)
    return sampled(setup, eqx.tree_at(lambda known: known.topology.leaves, blank, leaves), time)


def adapted_geometry(setup: Setup, geometry: Geometry, forest: Forest, time: Scalar, changed) -> Geometry:
    """What belongs to another forest, if anything has changed."""
    topology = rebuilt(setup.mesh, geometry.topology, forest, changed)
    new = dataclasses.replace(geometry, topology=topology)
    if geometry.nodes is not None:
        new = dataclasses.replace(new, nodes=lax.cond(changed, lambda: _nodes(setup, topology), lambda: geometry.nodes))
    return sampled(setup, new, time, changed)


def _nodes(setup: Setup, topology: Topology) -> Nodes:
    return build_nodes(setup.mesh, topology.forest, topology.layout)


def sampled(setup: Setup, geometry: Geometry, time: Scalar, needed: Bool[Array, ""] | None = None) -> Geometry:
    """The geometry with samples taken at a time (if `needed`)."""
    topology, layout = geometry.topology, geometry.topology.layout

    def one(i, known):
        samples, fastest, divergence, spreading = known
        leaves = topology.part(i)
        new = apart(leaves.valid, lambda: _part_samples(setup, leaves, time))
        samples = jax.tree.map(lambda old, part: put(old, part, i, axis=0), samples, new)
        if isinstance(setup.equation, Advection):
            fastest = put_patches(layout, fastest, _fastest(setup, leaves, new, time.dtype), i)
            divergence = put_patches(layout, divergence, _divergence(setup, setup.equation, leaves, new, time.dtype), i)
        if new.diffusivity is not None:
            spreading = put_patches(layout, spreading, _spreading(setup, leaves, new.diffusivity), i)
        return samples, fastest, divergence, spreading

    known = (geometry.samples, geometry.fastest, geometry.divergence, geometry.spreading)
    found = sweep(layout, topology.forest.count, one, known, needed)
    keys = ("samples", "fastest", "divergence", "spreading")
    return dataclasses.replace(geometry, **dict(zip(keys, found, strict=True)))


def signalled(setup: Setup, geometry: Geometry, store: Store, time: Scalar) -> Geometry:
    """The geometry with the fastest signals at a time."""
    if setup.signals_known:
        return geometry
    if not isinstance(setup.equation, Advection):
        return _asked(setup, geometry, store, time)
    geometry = geometry if setup.steady else sampled(setup, geometry, time)
    if setup.reacts:
        geometry = _reacting(setup, geometry, store, time)
    diffusing = setup.equation.diffusing
    if diffusing is None or not diffusing.diffusivity.of_solution:
        return geometry
    return _spread(setup, geometry, store, time, diffusing)


def _reacting(setup: Setup, geometry: Geometry, store: Store, time: Scalar) -> Geometry:
    """With the rates at which the present state reacts."""
    mesh, topology, equation = setup.mesh, geometry.topology, setup.equation
    assert isinstance(equation, Advection)
    assert equation.reaction is not None
    reaction = equation.reaction

    def one(i, reacting):
        leaves = topology.part(i)
        cells = apart(topology.leaves.valid, lambda: cells_part(mesh, store, i))

        def found():
            x = over_blocks(lambda leaves: cell_centres(mesh, leaves, cells.dtype), leaves)
            return _largest(jnp.broadcast_to(reaction.fastest(cells, x, time), cells.shape[1:])).reshape(-1)

        return put_patches(topology.layout, reacting, apart(topology.leaves.valid, found), i)

    reacting = sweep(topology.layout, topology.forest.count, one, geometry.reacting)
    return dataclasses.replace(geometry, reacting=reacting)


def _spread(setup: Setup, geometry: Geometry, store: Store, time: Scalar, diffusing: Diffusing) -> Geometry:
    """With the rate at which the present state diffuses."""
    mesh, topology = setup.mesh, geometry.topology
    dims = range(mesh.ndim)

    def one(i, spreading):
        leaves = topology.part(i)
        cells = apart(topology.leaves.valid, lambda: cells_part(mesh, store, i))
        if setup.open:
            cells = _with_edges(setup, leaves, cells, geometry.samples_of(i), time)
        ghost = (cells.shape[2] - mesh.patch) // 2

        def found():
            x = over_blocks(lambda leaves: cell_centres(mesh, leaves, cells.dtype, ghost), leaves)
            values = tuple(diffusing.diffusivity.at(cells, x, time, d) for d in dims)
            return _spreading(setup, leaves, values)

        return put_patches(topology.layout, spreading, apart(topology.leaves.valid, found), i)

    spreading = sweep(topology.layout, topology.forest.count, one, geometry.spreading)
    return dataclasses.replace(geometry, spreading=spreading)


def _spreading(setup: Setup, leaves: Leaves, diffusivity: Faces) -> Float[Array, " patches"]:
    """The rate of diffusion in the patches of a sweep from its coefficient in all points, one array a dimension."""
    dx = cell_sizes_of_blocks(setup.mesh, leaves, diffusivity[0].dtype)
    blocks, lanes = leaves.level.shape
    rates = []
    for values, size in zip(diffusivity, dx, strict=True):
        largest = _largest(by_halves(jnp.maximum, values, axis=0))
        rates.append(2 * largest / size.reshape(blocks, lanes) ** 2)
    return functools.reduce(jnp.add, rates).reshape(-1)


def _asked(setup: Setup, geometry: Geometry, store: Store, time: Scalar) -> Geometry:
    """With the fastest signals of the present state, and of what stands at the faces of the domain."""
    law, mesh, topology = setup.equation, setup.mesh, geometry.topology
    assert not isinstance(law, Advection)

    def crossed(cells, samples):
        cells = cells if cells.shape[0] > len(law.names) else with_coefficients(cells, samples)
        rates = [samples.rates[d] * law.max_speed(cells, d) for d in range(mesh.ndim)]
        return _largest(jnp.broadcast_to(setup.scheme.combined(rates), cells.shape[1:]))

    def one(i, fastest):
        part = geometry.samples_of(i)
        cells = apart(topology.leaves.valid, lambda: cells_part(mesh, store, i))
        if setup.open:
            cells = _with_edges(setup, topology.part(i), cells, part, time)
        found = apart(topology.leaves.valid, lambda: crossed(cells, part))
        return put_patches(topology.layout, fastest, found.reshape(-1), i)

    fastest = sweep(topology.layout, topology.forest.count, one, geometry.fastest)
    return eqx.tree_at(lambda geometry: geometry.fastest, geometry, fastest)


def _with_edges(setup: Setup, leaves: Leaves, cells: Array, samples: Samples, time: Scalar) -> Array:
    """The cells of a sweep with one layer around that holds, beyond faces of the domain, what comes in there."""
    around = [(0, 0), (0, 0), *[(1, 1)] * setup.mesh.ndim, (0, 0)]
    padded = with_coefficients(jnp.pad(cells, around, mode="edge"), samples)
    return fill_boundaries(setup.mesh, leaves, padded, 1, time, setup.conditions)


def with_coefficients(u: Float[Array, "vars blocks *cells lanes"], samples: Samples) -> Array:
    """The variables of the (ghosted) cells of a sweep, with rows for the coefficients behind them."""
    if samples.cells is None:
        return u
    cells = jnp.moveaxis(samples.cells, 1, 0)
    for axis in range(2, u.ndim - 1):
        cells = trim(cells, [axis], (cells.shape[axis] - u.shape[axis]) // 2)
    return jnp.concatenate([u, cells])


def amplitude(setup: Setup, time: Scalar) -> Scalar:
    """The factor of a flow's samples that depends on time alone."""
    given = setup.equation.velocity.amplitude if isinstance(setup.equation, Advection) else None
    return jnp.ones_like(time) if given is None else jnp.asarray(given(time), time.dtype)


def _part_samples(setup: Setup, leaves: Leaves, time: Scalar) -> Samples:
    """Samples for the patches of a sweep."""
    equation, mesh, ghost = setup.equation, setup.mesh, setup.scheme.ghost

    def one(leaves):
        if isinstance(equation, Advection):
            return flow_samples(equation.velocity, mesh, leaves, ghost, time)
        return law_samples(equation, mesh, leaves, ghost, time)

    samples = over_blocks(one, leaves)
    diffusing = equation.diffusing if isinstance(equation, Advection) else None
    if diffusing is None or diffusing.diffusivity.of_solution:
        return samples
    return dataclasses.replace(samples, diffusivity=diffusing.on_faces(mesh, leaves, None, time, time.dtype))


def _fastest(setup: Setup, leaves: Leaves, samples: Samples, dtype) -> Float[Array, " patches"]:
    if not samples.rates:
        return jnp.zeros(leaves.level.size, dtype)
    largest = [functools.reduce(_reduced, range(rate.ndim - 2), jnp.abs(rate)) for rate in samples.rates]
    return setup.scheme.combined(largest).reshape(-1)


def _reduced(values: Float[Array, "blocks ... lanes"], _) -> Float[Array, "blocks ... lanes"]:
    return by_halves(jnp.maximum, values, axis=1)


def _largest(values: Float[Array, "blocks *cells lanes"]) -> Float[Array, "blocks lanes"]:
    return functools.reduce(_reduced, range(values.ndim - 2), values)


def _divergence(setup: Setup, equation: Advection, leaves: Leaves, samples: Samples, dtype) -> Float[Array, " patches"]:
    """The largest in the cells of each patch; zero where it is of no interest."""
    rates = samples.rates
    if equation.velocity.divergence_free or not setup.bounded:
        return jnp.zeros(leaves.level.size, dtype)
    dims = range(setup.mesh.ndim)

    def one(rates):
        faces = [trim(rate, others(d, dims)) for d, rate in enumerate(rates)]
        divergence = sum(upper(face, d) - lower(face, d) for d, face in enumerate(faces))
        for _ in range(1, setup.scheme.ghost):
            divergence = trim(divergence, dims)
        return jnp.abs(divergence).max(tuple(dims))

    return jax.vmap(one)(rates).reshape(-1)
