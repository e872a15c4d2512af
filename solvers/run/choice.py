"""Choosing how diffusion is integrated in time, by how much longer a step should be than an explicit one may be."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from amr.grid import Block
from amr.mesh import Mesh
from solvers.equations import Diffusivity, Equation, Velocity
from solvers.integrators import RKL2, SDIRK2, SSPRK2
from solvers.schemes import CTU, MUSCL, MethodOfLines, MonotizedCentral, Unlimited, suited_to

from .arguments import taken
from .programs import PROGRAMS

POINTS = 64  # along each dimension at most, where functions are looked at
EXPLICIT = 2.0  # up to this ratio explicit steps are the cheapest
STABILIZED = 1000.0  # up to this ratio stabilized ones: measured, s stages are cheaper than two solutions until then
MOST_STAGES = 65
FEW_STAGES = 5  # where nothing says what step is accurate: the error of time is then a few percent of that of space


class Choice(eqx.Module):
    """A scheme, and in words why it was chosen; nothing where there was no choice."""

    scheme: CTU | MethodOfLines
    why: str = eqx.field(static=True, default="")


def default_scheme(mesh: Mesh, equation: Equation, longest: float | None) -> Choice:
    """The scheme for an equation without wishes of the user."""
    flow, diffusing, _ = equation.terms
    if equation.terms.law is not None:
        return Choice(MethodOfLines(riemann=suited_to(equation.terms.law)))
    if getattr(diffusing, "diffusivity", None) is None:  # no diffusion, or a term of one's own
        return Choice(CTU() if CTU.suits(equation) else MethodOfLines())
    reconstruction = MUSCL(Unlimited() if flow is None else MonotizedCentral())
    ratio = wanted_ratio(mesh, equation, longest)
    if ratio is None:
        return Choice(
            MethodOfLines(reconstruction, integrator=RKL2(FEW_STAGES)), "nothing but diffusion limits the step"
        )
    text = f"steps should be about {ratio:.3g} times as long as those of the explicit Euler method may be"
    if ratio <= EXPLICIT:
        return Choice(MethodOfLines(reconstruction, integrator=SSPRK2()), text)
    if ratio <= STABILIZED:
        return Choice(MethodOfLines(reconstruction, integrator=RKL2(MOST_STAGES)), text)
    return Choice(MethodOfLines(reconstruction, integrator=SDIRK2(ratio=math.inf)), text)  # type: ignore[call-arg]


def wanted_ratio(mesh: Mesh, equation: Equation, longest: float | None) -> float | None:
    """The step that the flow, or the user, asks for, in units of the longest stable one of diffusion by the explicit
    Euler method, on the finest level; `None` where nothing asks for one, or where it cannot be known beforehand."""
    dx = np.asarray(mesh.cell_size(mesh.max_level))
    known = _looked_at(mesh, equation)
    if known is None:
        return None
    fastest, spread = known
    rate = float((np.asarray(fastest) / dx).sum())
    steps = [MethodOfLines().default_cfl / rate] if rate > 0 else []
    steps += [longest] if longest is not None else []
    if not steps:
        return None
    return min(steps) * 2 * float((np.asarray(spread) / dx / dx).sum())


def _looked_at(mesh: Mesh, equation: Equation) -> tuple[list[float], list[float]] | None:
    """The largest normal velocity across each dimension and the largest diffusivity along it, at the start; `None`
    where they follow from the solution, or from what JAX traces."""
    flow, diffusing, _ = equation.terms
    if diffusing.of_state or not (flow is None or flow.given):
        return None
    velocity, diffusivity = None if flow is None else flow.velocity, diffusing.diffusivity
    arguments = (mesh, velocity, diffusivity, len(equation.names))
    parts = taken(arguments)
    if any(isinstance(leaf, jax.core.Tracer) for leaf in parts.leaves):
        return None
    # What is not known again may also hold values that JAX traces.
    program = PROGRAMS.prepare(_largest, *arguments) if parts.shared else eqx.filter_jit(_largest)
    fastest, spread = program(*arguments)
    if any(isinstance(value, jax.core.Tracer) for value in (*fastest, *spread)):
        return None
    return list(map(float, fastest)), list(map(float, spread))


def _largest(
    mesh: Mesh, velocity: Velocity | None, diffusivity: Diffusivity, count: int
) -> tuple[list[Array], list[Array]]:
    """The largest normal velocities on the root grid and the largest diffusivities in some points, at the start."""
    return _fastest(mesh, velocity), _widest(mesh, diffusivity, count)


def _fastest(mesh: Mesh, velocity: Velocity | None) -> list[Array]:
    if velocity is None:
        return [jnp.zeros(())] * mesh.ndim
    time = jnp.zeros(())
    block = Block.of_roots(mesh, 1, time.dtype)
    faces = velocity.on_faces(velocity.samples(block, time), block.widths)
    factor = 1.0 if velocity.amplitude is None else velocity.amplitude(time)
    return [jnp.abs(factor * face).max() for face in faces]


def _widest(mesh: Mesh, diffusivity: Diffusivity, count: int) -> list[Array]:
    x = _points(mesh)
    u = jnp.zeros((count, *jnp.broadcast_shapes(*(part.shape for part in x))))
    return [jnp.max(diffusivity.at(u, x, jnp.zeros(()), d)) for d in range(mesh.ndim)]


def _points(mesh: Mesh) -> tuple[Array, ...]:
    """Some points of the domain, faces included."""
    sides = [
        np.linspace(low, high, min(n, POINTS) + 1)
        for low, high, n in zip(mesh.domain.lower, mesh.domain.upper, mesh.cells, strict=True)
    ]
    return tuple(jnp.asarray(x) for x in np.meshgrid(*sides, indexing="ij", sparse=True))
