"""Velocities of an advecting flow on the faces of cells.

A velocity is *sampled* for patches (values that depend on the mesh) and turned into normal velocities on the
faces of one patch. Where it is a product of a function of time and one of space, the samples are
taken once a regrid and only the factor changes from step to step: evaluating sines on every face in every step would
cost as much as the scheme itself.

Velocities from a stream function or a vector potential are differences of values at shared corners or edges, so their
discrete divergence vanishes to roundoff on every level, and the flow through a coarse face is the sum of the
flows through the fine faces on it.
"""

import abc
import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, PyTree

from amr.errors import InvalidSettingError
from amr.grid import Block
from amr.show import text

Scalar = Float[Array, ""]
FaceVelocities = tuple[Float[Array, "..."], ...]


class Velocity(eqx.Module):
    """A velocity field.

    **Attributes:**

    - `amplitude`: if not `None`, the velocity is `amplitude(t)` times a steady field, and `samples` are taken of
      that field.
    """

    amplitude: eqx.AbstractVar[Callable[[Scalar], Scalar] | None]

    def __repr__(self) -> str:
        return text(self)

    @property
    @abc.abstractmethod
    def divergence_free(self) -> bool:
        """Whether the discrete divergence vanishes to roundoff."""

    @abc.abstractmethod
    def check(self, ndim: int) -> None:
        """Raise `InvalidSettingError` if this velocity does not fit a domain of `ndim` dimensions."""

    @abc.abstractmethod
    def samples(self, block: Block, time: Scalar) -> PyTree[Float[Array, "*points patches"]]:
        """Values for some patches with their ghost cells."""

    @abc.abstractmethod
    def on_faces(self, samples: PyTree[Float[Array, "..."]], dx: Float[Array, "ndim ..."]) -> FaceVelocities:
        """Normal velocities between the ghosted cells of one patch (or of all, with a last axis) from the samples.

        Entry d has the shape of the ghosted patch, less one along d; axes of length one stand for a velocity that is
        the same everywhere.
        """


class ConstantVelocity(Velocity):
    """The same velocity everywhere and always, one component a dimension."""

    components: tuple[float, ...]
    amplitude: Callable | None

    def __init__(self, components):
        self.components = (components,) if np.ndim(components) == 0 else tuple(components)
        self.amplitude = jnp.ones_like

    @property
    def divergence_free(self):
        return True

    def check(self, ndim):
        if len(self.components) != ndim:
            raise InvalidSettingError("velocity", f"expected {ndim} components, got {len(self.components)}")
        if not all(isinstance(c, jax.core.Tracer) or math.isfinite(c) for c in self.components):
            raise InvalidSettingError("velocity", f"expected finite numbers, got {self.components}")

    def samples(self, block, time):
        shape = (1,) * block.mesh.ndim + (block.patches,)
        return tuple(jnp.broadcast_to(jnp.asarray(c, block.dtype), shape) for c in self.components)

    def on_faces(self, samples, dx):
        return samples


class AtRest(Velocity):
    """No flow at all: nothing is computed for it."""

    amplitude: Callable | None

    def __init__(self):
        self.amplitude = jnp.ones_like

    @property
    def divergence_free(self):
        return True

    def check(self, ndim):
        pass

    def samples(self, block, time):
        return ()

    def on_faces(self, samples, dx):
        return samples


class FaceVelocity(Velocity):
    """Components given as functions of position, sampled at face centres.

    The discrete divergence does not vanish even if that of the given field does; prefer `StreamFunction` or
    `VectorPotential` for incompressible flows.

    **Arguments:**

    - `function(x, .., t)`: gives one component a dimension; with `amplitude` it is called without `t`.
    - `amplitude(t)`: an optional factor that depends on time alone.
    """

    function: Callable
    amplitude: Callable | None = eqx.field(default=None, kw_only=True)

    @property
    def divergence_free(self):
        return False

    def check(self, ndim):
        pass

    def samples(self, block, time):
        ndim, components = block.mesh.ndim, []
        for d in range(ndim):
            offsets = tuple(block.nodes[1:-1] if k == d else block.centres for k in range(ndim))
            given = _call(self, block, offsets, time)
            given = given if isinstance(given, tuple | list) else (given,)
            if len(given) != ndim:
                raise InvalidSettingError("velocity", f"expected {ndim} components, the function gave {len(given)}")
            components.append(block.filled(given[d], offsets))
        return tuple(components)

    def on_faces(self, samples, dx):
        return samples


class StreamFunction(Velocity):
    """A 2D flow from a stream function psi: `u = -d psi / dy`, `v = d psi / dx`.

    **Arguments:**

    - `function(x, y, t)`: gives psi; with `amplitude` it is called without `t`.
    - `amplitude(t)`: an optional factor that depends on time alone.
    """

    function: Callable
    amplitude: Callable | None = eqx.field(default=None, kw_only=True)

    @property
    def divergence_free(self):
        return True

    def check(self, ndim):
        if ndim != 2:
            raise InvalidSettingError("stream_function", f"needs two dimensions, the domain has {ndim}")

    def samples(self, block, time):
        offsets = (block.nodes,) * 2
        return block.filled(_call(self, block, offsets, time), offsets)

    def on_faces(self, samples, dx):
        u = -(samples[1:-1, 1:] - samples[1:-1, :-1]) / dx[1]
        v = (samples[1:, 1:-1] - samples[:-1, 1:-1]) / dx[0]
        return u, v


class VectorPotential(Velocity):
    """A 3D flow from a vector potential: `velocity = curl A`.

    A is sampled at the midpoints of cell edges; the flow through a face is the circulation around it. Edges of a coarse
    patch that touch a finer one take the mean of the two fine midpoints, so that both levels agree on the flow.

    **Arguments:**

    - `function(x, y, z, t)`: gives `(Ax, Ay, Az)`; with `amplitude` it is called without `t`.
    - `amplitude(t)`: an optional factor that depends on time alone.
    """

    function: Callable
    amplitude: Callable | None = eqx.field(default=None, kw_only=True)

    @property
    def divergence_free(self):
        return True

    def check(self, ndim):
        if ndim != 3:
            raise InvalidSettingError("potential", f"needs three dimensions, the domain has {ndim}")

    def samples(self, block, time):
        finer = block.finer
        return tuple(self._along(d, block, time, finer) for d in range(3))

    def _along(self, d: int, block: Block, time: Scalar, finer: Array) -> Array:
        """Component d on the edges along d."""
        middles, quarter = block.centres, np.asarray(0.25, block.dtype)
        # The middles of edges, and those of their halves, in one array: the function is traced once.
        edges = [middles] if block.mesh.max_level == 0 else [middles, middles - quarter, middles + quarter]
        offsets = tuple(np.concatenate(edges) if k == d else block.nodes for k in range(3))
        values = block.filled(_call(self, block, offsets, time)[d], offsets)
        coarse, *fine = lax.split(values, (len(middles),) * len(edges), axis=d)
        return jnp.where(_touching(finer, d), 0.5 * (fine[0] + fine[1]), coarse) if fine else coarse

    def on_faces(self, samples, dx):
        faces = []
        for d in range(3):
            b, c = (d + 1) % 3, (d + 2) % 3
            curl = _difference(samples[c], b) / dx[b] - _difference(samples[b], c) / dx[c]
            faces.append(lax.slice_in_dim(curl, 1, curl.shape[d] - 1, axis=d))
        return tuple(faces)


def _call(velocity, block: Block, offsets, time: Scalar):
    """The given function at some points: with the time if it depends on it."""
    return block.called(velocity.function, offsets, *((time,) if velocity.amplitude is None else ()))


def _difference(values, axis: int):
    n = values.shape[axis]
    return lax.slice_in_dim(values, 1, n, axis=axis) - lax.slice_in_dim(values, 0, n - 1, axis=axis)


def _touching(finer, d: int):
    """From cells that lie in finer leaves to the edges along d that touch one."""
    for axis in range(3):
        if axis != d:
            pad = [(1, 1) if k == axis else (0, 0) for k in range(finer.ndim)]
            wide = jnp.pad(finer, pad)
            n = wide.shape[axis]
            finer = lax.slice_in_dim(wide, 1, n, axis=axis) | lax.slice_in_dim(wide, 0, n - 1, axis=axis)
    return finer
