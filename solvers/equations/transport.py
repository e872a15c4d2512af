"""What moves variables through faces with signals of finite speed: a given flow, or the fluxes of a law."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from amr.grid import Block, Part, by_halves, lower, others, trim, upper

from .terms import Equation, Term
from .velocity import Velocity

Coefficients = Float[Array, "coefficients ..."]


class Flow(Term):
    """Scalars carried by a given flow: `-div(velocity u)`.

    Samples are, for each dimension, the normal velocity over the cell width on the faces between the cells of ghosted
    patches, the flow's amplitude apart; axes of length one stand for what is the same everywhere.
    """

    velocity: Velocity

    @property
    def given(self):
        return True

    @property
    def steady(self):
        return self.velocity.amplitude is not None

    @property
    def pulsed(self):
        return self.velocity.amplitude not in (None, jnp.ones_like)

    def amplitude(self, time):
        given = self.velocity.amplitude
        return jnp.ones_like(time) if given is None else jnp.asarray(given(time), time.dtype)

    def samples(self, part, time):
        def one(block):
            values, dx = block.kept(lambda: self.velocity.samples(block, time)), block.widths
            return tuple(v / dx[d] for d, v in enumerate(self.velocity.on_faces(values, dx)))

        rates = part.over_blocks(one, time.dtype)
        return tuple(_closed(part, rate, d) for d, rate in enumerate(rates))

    def scaled(self, samples, moment):
        return tuple(moment.factor * rate for rate in samples)

    def _divergence_free(self, part: Part) -> bool:
        """A wall stops what would flow through it."""
        return self.velocity.divergence_free and not any(map(part.closed, range(part.mesh.ndim)))

    def limits(self, part, samples, scheme, bounded):
        largest = [functools.reduce(_reduced, range(rate.ndim - 2), jnp.abs(rate)) for rate in samples]
        found = {"signal": scheme.combined(largest)}
        if bounded and not self._divergence_free(part):
            found["divergence"] = _divergence(part, samples)
        return found

    def crossing(self, here, keep):
        return here.scheme.carried(here.u, here.samples, self._divergence_free(here.part), here.bounds, keep)


class Exchange(Term):
    """The fluxes and sources of a conservation law: `source(u) - sum_d d flux(u, d) / d x_d`.

    Samples are `Sites`.
    """

    law: Any  # a `ConservationLaw`

    @property
    def of_state(self):
        return True

    def samples(self, part, time):
        return part.over_blocks(lambda block: Sites.of(self.law, block), time.dtype)

    def scaled(self, samples, moment):
        return dataclasses.replace(samples, rates=tuple(moment.factor * rate for rate in samples.rates))

    def limits_of(self, part, cells, samples, scheme, time):
        rates = [samples.rates[d] * self.law.max_speed(cells, d) for d in range(part.mesh.ndim)]
        rate = jnp.broadcast_to(scheme.combined(rates), cells.shape[1:])
        good = self.law.admissible(cells) if samples.cells is None else None
        # What makes no sense is as fast as can be: the step that has led there is taken again, shorter.
        return {"signal": largest(rate if good is None else jnp.where(good, rate, jnp.inf))}

    def crossing(self, here, keep):
        fluxes = here.scheme.exchanged(self.law, here.u, here.samples, keep, here.careful)
        if self.law.beyond_wall is None:
            return fluxes
        return tuple(self._stopped(here.part, flux, d) for d, flux in enumerate(fluxes))

    def _stopped(self, part, flux, d: int):
        """Walls exchange nothing but momentum across: since they bear what a source pushes, the states on both sides of
        them differ by more than the sign of the velocity."""
        ends = part.closed(d)
        if not ends:
            return flux
        place = np.arange(part.mesh.patch + 1).reshape([-1 if k == d + 1 else 1 for k in range(flux.ndim - 1)])
        walls = [part.touches(d, end) & (place == end * part.mesh.patch) for end in ends]
        across = {vector[d] for vector in self.law.vectors}
        wall = functools.reduce(jnp.logical_or, walls)
        return jnp.stack([row if i in across else jnp.where(wall, 0, row) for i, row in enumerate(flux)])

    def made(self, here):
        mesh, dtype = here.part.mesh, here.u.dtype

        cells = trim(here.u, range(2, 2 + mesh.ndim), here.part.ghost)
        widths = here.part.sizes(dtype)
        slopes = here.samples.slopes(widths, cells)
        place = Place(here.part.centres(dtype), widths, here.moment.time, slopes, here.moment.dt)
        found = [self.law.source(cells, place), self._pushed(here, widths) if self.law.on_ground else None]
        found = [rates for rates in found if rates is not None]
        return functools.reduce(jnp.add, found) if found else None

    def _pushed(self, here, widths):
        """What is made at the faces of cells, see `ConservationLaw.pushes`."""
        dims, ghost, made = range(here.part.mesh.ndim), here.part.ghost, []
        for d in dims:
            line = trim(trim(here.u, [2 + k for k in others(d, dims)], ghost), [2 + d], ghost - 1)
            faces = jnp.moveaxis(here.samples.faces[d], 1, 0)
            below, above = self.law.pushes(lower(line, 2 + d), upper(line, 2 + d), faces, d)
            made.append((upper(below, 2 + d) - lower(above, 2 + d)) / widths[d])
        return functools.reduce(jnp.add, made)


class Place(eqx.Module):
    """Where and when a source is asked for.

    **Attributes:**

    - `x`: coordinates of the cell centres, one array a dimension, that broadcast over the cells.
    - `dx`: cell widths, one array a dimension.
    - `t`: the time.
    - `slopes`: for each coefficient of the law (see `ConservationLaw.coefficients`) its derivative along each
      dimension, shape `(coefficients, ndim, *cells)`.
    - `dt`: the length of the step.
    """

    x: tuple[Float[Array, "..."], ...]
    dx: tuple[Float[Array, "..."], ...]
    t: Float[Array, ""]
    slopes: Float[Array, "coefficients ndim ..."]
    dt: Float[Array, ""]


class Sites(eqx.Module):
    """What a law has to know of the places of cells and faces.

    **Attributes:**

    - `rates`: for each dimension one over the cell width.
    - `cells`, `faces`: coefficients of the law at the centres of the ghosted cells, and on the faces of the inner cells
      across each dimension; `None` without any.
    - `parents`, `coarser`: for a law with ground on a mesh with levels, coefficients at the centres of the cells twice
      as wide that cover the ghosted cells, and which of these lie in coarser patches.
    """

    rates: tuple[Float[Array, "..."], ...]
    cells: Coefficients | None = None
    faces: tuple[Coefficients, ...] | None = None
    parents: Coefficients | None = None
    coarser: Bool[Array, "blocks ... lanes"] | None = None

    @classmethod
    def of(cls, law: Equation, block: Block) -> Sites:
        """Those of some patches."""
        ghost, dims = block.ghost, range(block.mesh.ndim)
        rates = tuple((1 / size).reshape(*(1,) * len(dims), -1) for size in block.widths)
        if not law.has_coefficients(len(dims)):
            return cls(rates)
        inner, nodes = block.centres[ghost:-ghost], block.nodes[ghost : len(block.nodes) - ghost]
        across = [tuple(nodes if k == d else inner for k in dims) for d in dims]
        cells, *faces = (_coefficients(law, block, offsets) for offsets in [(block.centres,) * len(dims), *across])
        if not (law.on_ground and block.mesh.max_level):
            return cls(rates, cells, tuple(faces))
        even = ghost + ghost % 2
        between = np.arange(1 - even, block.mesh.patch + even, 2, dtype=block.dtype)
        return cls(rates, cells, tuple(faces), _coefficients(law, block, (between,) * len(dims)), block.coarser)

    def behind(self, u: Float[Array, "vars blocks *cells lanes"]) -> Array:
        """Variables of the cells of a sweep, with rows for the coefficients behind them."""
        if self.cells is None:
            return u
        cells = jnp.moveaxis(self.cells, 1, 0)
        for axis in range(2, u.ndim - 1):
            cells = trim(cells, [axis], (cells.shape[axis] - u.shape[axis]) // 2)
        return jnp.concatenate([u, cells])

    def slopes(self, dx: tuple[Array, ...], cells: Array) -> Float[Array, "coefficients ndim ..."]:
        """Derivatives of the coefficients along each dimension."""
        if self.faces is None:
            return jnp.zeros((0, len(dx), *cells.shape[1:]), cells.dtype)
        faces = [jnp.moveaxis(face, 1, 0) for face in self.faces]
        changes = [(upper(face, 2 + d) - lower(face, 2 + d)) / dx[d] for d, face in enumerate(faces)]
        return jnp.stack(changes, axis=1)


def _coefficients(law: Equation, block: Block, offsets) -> Coefficients:
    """The coefficients at some points of all patches."""
    x = block.points(offsets)
    return jnp.stack([block.filled(value, offsets) for value in block.kept(lambda: law.coefficients(*x))])


def largest(values: Float[Array, "blocks *cells lanes"]) -> Float[Array, "blocks lanes"]:
    """The largest in the cells of each patch."""
    return functools.reduce(_reduced, range(values.ndim - 2), values)


def _reduced(values: Float[Array, "blocks ... lanes"], _) -> Float[Array, "blocks ... lanes"]:
    return by_halves(jnp.maximum, values, axis=1)


def _closed(part: Part, rate: Float[Array, "blocks ... lanes"], d: int) -> Float[Array, "blocks ... lanes"]:
    """Normal velocities on faces between ghosted cells across d, none of them through walls."""
    ends = part.closed(d)
    if not ends:
        return rate
    place = np.arange(part.mesh.patch + 2 * part.ghost - 1).reshape([-1 if k == d + 1 else 1 for k in range(rate.ndim)])
    walls = [part.touches(d, end) & (place == part.ghost - 1 + end * part.mesh.patch) for end in ends]
    return jnp.where(functools.reduce(jnp.logical_or, walls), 0, rate)


def _divergence(part: Part, rates: tuple[Array, ...]) -> Float[Array, "blocks lanes"]:
    """The largest of a flow in the cells of each patch."""
    dims = range(part.mesh.ndim)

    def one(rates):
        faces = [trim(rate, others(d, dims)) for d, rate in enumerate(rates)]
        divergence = sum(upper(face, d) - lower(face, d) for d, face in enumerate(faces))
        for _ in range(1, part.ghost):
            divergence = trim(divergence, dims)
        return jnp.abs(divergence).max(tuple(dims))

    return jax.vmap(one)(rates)
