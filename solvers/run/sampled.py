"""What stays the same from one regrid to the next: index plans, samples of the terms, and how these limit the step."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, PyTree

from amr.grid import Nodes, Part, Pool, Room, Store, Topology, blank_topology, leaves_of, rebuilt
from amr.mesh import Forest
from solvers.equations import Limits
from solvers.integrators import Moment

from .problem import Setup

Scalar = Float[Array, ""]


class Rest(eqx.Module):
    """An equilibrium that is kept: its cells, and what leaves them in a unit of time. See `solvers.run.resting`."""

    cells: Pool
    outflow: Pool


class Sampled(eqx.Module):
    """Plans and samples.

    **Attributes:**

    - `topology`: the leaves and their plans.
    - `samples`: of each term, by its name, arrays `(sweeps, blocks, .., lanes)`: see `Term.samples`. They hold until
      the next regrid; those that are not steady are of a time halfway through the next step.
    - `limits`: what limits the step.
    - `nodes`: the patch hierarchy, where an implicit method needs it.
    - `rest`: the equilibrium that is kept, if there is one.
    """

    topology: Topology
    samples: dict[str, PyTree]
    limits: Limits
    nodes: Nodes | None
    rest: Rest | None = None

    def scaled(self, setup: Setup, part: Part, moment: Moment) -> dict[str, PyTree]:
        """The samples of a sweep as a stage needs them."""
        there = setup.equation.terms.there
        return {name: there[name].scaled(values, moment) for name, values in part.take(self.samples, axis=0).items()}

    def _most(self, values: Float[Array, " patches"]) -> Scalar:
        return jnp.where(self.topology.forest.active, values, 0).max()

    @property
    def rate(self) -> Scalar:
        """How many cells signals cross per unit of time in the fastest patch."""
        return self._most(self.limits.signal)

    @property
    def reaction(self) -> Scalar:
        """The rate of the patch where reactions are fastest."""
        return self._most(self.limits.reaction)

    @property
    def spread(self) -> Scalar:
        """The rate of the patch where diffusion is fastest."""
        return self._most(self.limits.spread)

    @property
    def expands(self) -> Bool[Array, ""]:
        """Whether the flow has a divergence, beyond roundoff, in the cells of any patch."""
        largest = self._most(self.limits.divergence)
        return largest > 1e4 * jnp.finfo(largest.dtype).eps * self.rate


def blank(setup: Setup, forest: Forest, room: Room, time: Scalar) -> Sampled:
    """Room for the plans and samples of a forest."""
    margin, mirrors = setup.prolongation.margin, setup.conditions.mirrors
    topology = blank_topology(setup.mesh, forest, setup.space.ghost, margin, room, mirrors)
    samples = setup.grid(topology).blank(lambda part: setup.samples(part, time), axis=0)
    nodes = None
    if setup.integrator.solves:
        nodes = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(lambda: _nodes(setup, topology)))
    return Sampled(topology, samples, Limits.none(room.capacity, time.dtype), nodes)


def of_leaves(setup: Setup, forest: Forest, room: Room, time: Scalar) -> Sampled:
    """Samples alone, without plans: what the length of the first step follows from."""
    empty = blank(setup, forest, room, time)
    leaves = leaves_of(setup.mesh, forest, empty.topology.leaves.reach)
    return sampled(setup, eqx.tree_at(lambda known: known.topology.leaves, empty, leaves), time)


def adapted(setup: Setup, known: Sampled, forest: Forest, time: Scalar, changed: Bool[Array, ""]) -> Sampled:
    """What belongs to another forest, if anything has changed."""
    topology = rebuilt(setup.mesh, known.topology, forest, changed)
    new = dataclasses.replace(known, topology=topology)
    if known.nodes is not None:
        new = dataclasses.replace(new, nodes=lax.cond(changed, lambda: _nodes(setup, topology), lambda: known.nodes))
    return sampled(setup, new, time, changed)


def _nodes(setup: Setup, topology: Topology) -> Nodes:
    return setup.grid(topology).nodes()


def sampled(setup: Setup, known: Sampled, time: Scalar, needed: Bool[Array, ""] | None = None) -> Sampled:
    """With samples taken at a time (if `needed`)."""
    grid = setup.grid(known.topology)

    def one(part, found):
        samples, limits = found
        new = part.kept(lambda: setup.samples(part, time))
        told = {}
        for name, term in setup.equation.terms.there.items():
            told |= term.limits(part, new[name], setup.space, setup.bounded)
        return grid.put(samples, new, part, axis=0), _noted(grid, limits, told, part)

    samples, limits = grid.fold(one, (known.samples, known.limits), needed)
    return dataclasses.replace(known, samples=samples, limits=limits)


def _noted(grid, limits: Limits, told: dict[str, Array], part: Part) -> Limits:
    """With what the patches of a sweep tell."""
    return dataclasses.replace(limits, **{k: grid.put(getattr(limits, k), new, part) for k, new in told.items()})


def signalled(setup: Setup, known: Sampled, store: Store, time: Scalar) -> Sampled:
    """With what limits the step at a time."""
    if setup.signals_known:
        return known
    known = known if setup.steady else sampled(setup, known, time)
    asked, grid = setup.asked, setup.grid(known.topology)
    if not asked:
        return known
    edges = setup.conditions.open and any(term.at_faces for term in asked.values())

    def one(part, limits):
        samples, cells = part.take(known.samples, axis=0), part.kept(lambda: grid.cells_of(part, store))
        extended = lambda u: setup.equation.extended(u, samples)  # noqa: E731
        cells = part.edged(extended, cells, time) if edges else cells

        def told():
            u, found = cells if edges else extended(cells), {}
            for name, term in asked.items():
                found |= term.limits_of(part, u, samples[name], setup.space, time)
            return found

        return _noted(grid, limits, part.kept(told), part)

    return dataclasses.replace(known, limits=grid.fold(one, known.limits))
