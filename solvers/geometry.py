"""What stays the same from one regrid to the next: index plans, and the flow on the faces of the mesh."""

from __future__ import annotations

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from amr.forest import Forest
from amr.fusion import apart, by_halves
from amr.leaves import Leaves, over_blocks
from amr.pool import Layout, put, put_patches, sweep
from amr.topology import Topology, blank_topology, cell_sizes, rebuilt

from .setup import Setup
from .slices import lower, others, trim, upper

Scalar = Float[Array, ""]
# For each dimension, how many cells the flow crosses per unit of time at the faces between the ghosted cells of all
# patches, or of those of a sweep. Axes of faces of length one stand for a flow that is the same everywhere.
Rates = tuple[Float[Array, "sweeps blocks ... lanes"], ...]
PartRates = tuple[Float[Array, "blocks ... lanes"], ...]


class Geometry(eqx.Module):
    """Plans, and rates of the flow (its amplitude apart).

    **Attributes:**

    - `topology`: the leaves and their plans.
    - `rates`: until the next regrid; of unsteady flows that have no amplitude, halfway through the next step.
    - `fastest`: how many cells the flow crosses per unit of time in each patch, in the fastest direction.
    - `divergence`: the largest of its cells.
    """

    topology: Topology
    rates: Rates
    fastest: Float[Array, " patches"]
    divergence: Float[Array, " patches"]

    @property
    def rate(self) -> Scalar:
        """Of the fastest patch."""
        return jnp.where(self.topology.forest.active, self.fastest, 0).max()

    @property
    def expands(self) -> Bool[Array, ""]:
        """Whether the flow has a divergence, beyond roundoff, in the cells of any patch."""
        largest = jnp.where(self.topology.forest.active, self.divergence, 0).max()
        return largest > 1e4 * jnp.finfo(largest.dtype).eps * self.rate


def blank_geometry(setup: Setup, forest: Forest, layout: Layout, time: Scalar) -> Geometry:
    """Room for the plans and rates of a forest."""
    topology = blank_topology(setup.mesh, forest, setup.scheme.ghost, layout)
    shapes = jax.eval_shape(lambda: _part_rates(setup, topology.part(jnp.zeros((), jnp.int32)), time))
    rates = tuple(jnp.zeros((layout.sweeps, *shape.shape), shape.dtype) for shape in shapes)
    nothing = jnp.zeros(layout.capacity, time.dtype)
    return Geometry(topology, rates, nothing, nothing)


def build_geometry(setup: Setup, forest: Forest, layout: Layout, time: Scalar) -> Geometry:
    """Plans and rates for a forest."""
    return adapted_geometry(setup, blank_geometry(setup, forest, layout, time), forest, time, jnp.ones((), bool))


def adapted_geometry(setup: Setup, geometry: Geometry, forest: Forest, time: Scalar, changed) -> Geometry:
    """What belongs to another forest, if anything has changed."""
    topology = rebuilt(setup.mesh, geometry.topology, forest, changed)
    new = Geometry(topology, geometry.rates, geometry.fastest, geometry.divergence)
    return rated(setup, new, time, changed)


def rated(setup: Setup, geometry: Geometry, time: Scalar, needed: Bool[Array, ""] | None = None) -> Geometry:
    """The geometry with rates at a time, the flow's amplitude apart (if `needed`)."""
    topology, layout = geometry.topology, geometry.topology.layout

    def one(i, known):
        rates, fastest, divergence = known
        leaves = topology.part(i)
        new = apart(leaves.valid, lambda: _part_rates(setup, leaves, time))
        rates = tuple(put(old, rate, i, axis=0) for old, rate in zip(rates, new, strict=True))
        fastest = put_patches(layout, fastest, _fastest(new), i)
        return rates, fastest, put_patches(layout, divergence, _divergence(setup, new), i)

    known = (geometry.rates, geometry.fastest, geometry.divergence)
    return Geometry(topology, *sweep(layout, topology.forest.count, one, known, needed))


def amplitude(setup: Setup, time: Scalar) -> Scalar:
    """The factor of a velocity's samples that depends on time alone."""
    given = setup.equation.velocity.amplitude
    return jnp.ones_like(time) if given is None else jnp.asarray(given(time), time.dtype)


def _part_rates(setup: Setup, leaves: Leaves, time: Scalar) -> PartRates:
    """Rates in the patches of a sweep."""
    velocity, mesh = setup.equation.velocity, setup.mesh

    def one(leaves):
        samples = apart(leaves.valid, lambda: velocity.samples(mesh, leaves, setup.scheme.ghost, time.dtype, time))
        dx = cell_sizes(mesh, leaves, time.dtype)
        return tuple(v / dx[d] for d, v in enumerate(velocity.on_faces(samples, dx)))

    return over_blocks(one, leaves)


def _fastest(rates: PartRates) -> Float[Array, " patches"]:
    largest = [functools.reduce(_reduced, range(rate.ndim - 2), jnp.abs(rate)) for rate in rates]
    return functools.reduce(jnp.maximum, largest).reshape(-1)


def _reduced(values: Float[Array, "blocks ... lanes"], _) -> Float[Array, "blocks ... lanes"]:
    return by_halves(jnp.maximum, values, axis=1)


def _divergence(setup: Setup, rates: PartRates) -> Float[Array, " patches"]:
    """The largest in the cells of each patch; zero where it is of no interest."""
    blocks, lanes = rates[0].shape[0], rates[0].shape[-1]
    if setup.equation.velocity.divergence_free or not setup.scheme.bounded:
        return jnp.zeros(blocks * lanes, rates[0].dtype)
    dims = range(setup.mesh.ndim)

    def one(rates):
        faces = [trim(rate, others(d, dims)) for d, rate in enumerate(rates)]
        divergence = sum(upper(face, d) - lower(face, d) for d, face in enumerate(faces))
        for _ in range(1, setup.scheme.ghost):
            divergence = trim(divergence, dims)
        return jnp.abs(divergence).max(tuple(dims))

    return jax.vmap(one)(rates).reshape(-1)
