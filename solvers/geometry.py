"""What stays the same from one regrid to the next: index plans, and samples of the flow or law on the mesh."""

from __future__ import annotations

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from amr.forest import Forest
from amr.fusion import apart, by_halves
from amr.ghosts import fill_boundaries
from amr.halo import Store, cells_part
from amr.leaves import Leaves, over_blocks
from amr.pool import Layout, put, put_patches, sweep, take
from amr.topology import Topology, blank_topology, rebuilt

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
    """

    topology: Topology
    samples: Samples
    fastest: Float[Array, " patches"]
    divergence: Float[Array, " patches"]

    @property
    def rate(self) -> Scalar:
        """Of the fastest patch."""
        return jnp.where(self.topology.forest.active, self.fastest, 0).max()

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
    topology = blank_topology(setup.mesh, forest, setup.scheme.ghost, setup.prolongation.margin, layout)
    shapes = jax.eval_shape(lambda: _part_samples(setup, topology.part(jnp.zeros((), jnp.int32)), time))
    samples = jax.tree.map(lambda shape: jnp.zeros((layout.sweeps, *shape.shape), shape.dtype), shapes)
    nothing = jnp.zeros(layout.capacity, time.dtype)
    return Geometry(topology, samples, nothing, nothing)


def build_geometry(setup: Setup, forest: Forest, layout: Layout, time: Scalar) -> Geometry:
    """Plans and samples for a forest."""
    return adapted_geometry(setup, blank_geometry(setup, forest, layout, time), forest, time, jnp.ones((), bool))


def adapted_geometry(setup: Setup, geometry: Geometry, forest: Forest, time: Scalar, changed) -> Geometry:
    """What belongs to another forest, if anything has changed."""
    topology = rebuilt(setup.mesh, geometry.topology, forest, changed)
    new = Geometry(topology, geometry.samples, geometry.fastest, geometry.divergence)
    return sampled(setup, new, time, changed)


def sampled(setup: Setup, geometry: Geometry, time: Scalar, needed: Bool[Array, ""] | None = None) -> Geometry:
    """The geometry with samples taken at a time (if `needed`)."""
    topology, layout = geometry.topology, geometry.topology.layout

    def one(i, known):
        samples, fastest, divergence = known
        leaves = topology.part(i)
        new = apart(leaves.valid, lambda: _part_samples(setup, leaves, time))
        samples = jax.tree.map(lambda old, part: put(old, part, i, axis=0), samples, new)
        if isinstance(setup.equation, Advection):
            fastest = put_patches(layout, fastest, _fastest(setup, new), i)
            divergence = put_patches(layout, divergence, _divergence(setup, setup.equation, new), i)
        return samples, fastest, divergence

    known = (geometry.samples, geometry.fastest, geometry.divergence)
    return Geometry(topology, *sweep(layout, topology.forest.count, one, known, needed))


def signalled(setup: Setup, geometry: Geometry, store: Store, time: Scalar) -> Geometry:
    """The geometry with the fastest signals at a time."""
    if setup.signals_known:
        return geometry
    if isinstance(setup.equation, Advection):
        return sampled(setup, geometry, time)
    return _asked(setup, geometry, store, time)


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
    return fill_boundaries(setup.mesh, leaves, padded, 1, time, setup.variables)


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

    return over_blocks(one, leaves)


def _fastest(setup: Setup, samples: Samples) -> Float[Array, " patches"]:
    largest = [functools.reduce(_reduced, range(rate.ndim - 2), jnp.abs(rate)) for rate in samples.rates]
    return setup.scheme.combined(largest).reshape(-1)


def _reduced(values: Float[Array, "blocks ... lanes"], _) -> Float[Array, "blocks ... lanes"]:
    return by_halves(jnp.maximum, values, axis=1)


def _largest(values: Float[Array, "blocks *cells lanes"]) -> Float[Array, "blocks lanes"]:
    return functools.reduce(_reduced, range(values.ndim - 2), values)


def _divergence(setup: Setup, equation: Advection, samples: Samples) -> Float[Array, " patches"]:
    """The largest in the cells of each patch; zero where it is of no interest."""
    rates = samples.rates
    blocks, lanes = rates[0].shape[0], rates[0].shape[-1]
    if equation.velocity.divergence_free or not setup.bounded:
        return jnp.zeros(blocks * lanes, rates[0].dtype)
    dims = range(setup.mesh.ndim)

    def one(rates):
        faces = [trim(rate, others(d, dims)) for d, rate in enumerate(rates)]
        divergence = sum(upper(face, d) - lower(face, d) for d, face in enumerate(faces))
        for _ in range(1, setup.scheme.ghost):
            divergence = trim(divergence, dims)
        return jnp.abs(divergence).max(tuple(dims))

    return jax.vmap(one)(rates).reshape(-1)
