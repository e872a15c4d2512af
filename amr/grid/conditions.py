"""The boundaries of all faces of a domain together, and what they have to know of the variables."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from amr.errors import InvalidSettingError
from amr.mesh import Domain
from amr.own import expect_shape, is_own, shapes_of

from .boundary import Beyond, Boundary, Outflow, Periodic, Relation, Values

Faces = tuple[tuple[Boundary, Boundary], ...]  # lower and upper face across each dimension


def boundaries_of(domain: Domain, boundary: Any = None) -> Faces:
    """The boundaries of all faces of a domain.

    **Arguments:**

    - `boundary`: one for all faces that are not periodic, or for each dimension one or a (lower, upper) pair; `None`,
      also in the place of an entry: `Outflow()`, or `Periodic()` where the domain is.

    Raises `InvalidSettingError` where that does not fit the domain.
    """
    if isinstance(boundary, str) or not (boundary is None or isinstance(boundary, Boundary | Sequence)):
        expected = "amr.Wall(), amr.Outflow() or a list with one for each dimension"
        raise InvalidSettingError("boundary", f"expected {expected}, got {boundary!r}")
    if isinstance(boundary, Sequence) and len(boundary) != domain.ndim:
        message = f"expected one entry for each of {domain.ndim} dimensions, got {len(boundary)}"
        if domain.ndim == 1 and len(boundary) == 2:
            message += "; lower and upper face of one dimension are [(lower, upper)]"
        raise InvalidSettingError("boundary", message)
    if not isinstance(boundary, Sequence):
        mixed = not all(domain.periodic)
        boundary = [None if mixed and periodic else boundary for periodic in domain.periodic]
    return tuple(_pair(domain, d, entry) for d, entry in enumerate(boundary))


def _pair(domain: Domain, d: int, entry: Any) -> tuple[Boundary, Boundary]:
    if entry is None:
        entry = Periodic() if domain.periodic[d] else Outflow()
    pair = tuple(entry) if isinstance(entry, Sequence) and not isinstance(entry, str) else (entry, entry)
    if len(pair) != 2 or not all(isinstance(face, Boundary) for face in pair):
        raise InvalidSettingError("boundary", f"expected a boundary such as Outflow() or a pair of them, got {pair!r}")
    if any(face.periodic != domain.periodic[d] for face in pair):
        are = (
            f"the domain is {'' if domain.periodic[d] else 'not '}periodic along {'xyz'[d]}, its boundaries are {pair}"
        )
        advice = "periodic directions are those of amr.Domain(.., periodic=..), with one flag a dimension"
        raise InvalidSettingError("boundary", f"{are}; {advice}")
    return pair


def shown_faces(domain: Domain, faces: Faces) -> Any:
    """The boundaries as they would be given; `None` where they are those that nobody has to give."""

    def same(*several) -> bool:
        return eqx.tree_equal(*several) is True

    if same(faces, boundaries_of(domain)):
        return None
    pairs = [None if low.periodic else low if same(low, high) else (low, high) for low, high in faces]
    return pairs[0] if isinstance(pairs[0], Boundary) and same(*pairs, pairs[0]) else pairs


class Variables(eqx.Module):
    """What boundaries have to know of the variables.

    **Attributes:**

    - `names`: in which values are given.
    - `vectors`: numbers of the variables that are components of vectors, one tuple a vector.
    - `primitive`, `conserved`: from the variables that are stored to those that are given, and back. Both may find
      more rows than there are names, and hand these on.
    - `points`: how many along each dimension averages of given functions over a cell are taken from.
    - `beyond_wall(w, d, step, x, dx, t)`: what becomes of mirrored values where something pushes against a wall across
      d; the cells inside are `step` away. `None`: nothing.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    vectors: tuple[tuple[int, ...], ...] = eqx.field(static=True, default=())
    primitive: Callable[[Array], Array] = lambda u: u
    conserved: Callable[[Array], Array] = lambda w: w
    points: int = eqx.field(static=True, default=1)
    beyond_wall: Callable[..., Array] | None = None

    def signs(self, d: int) -> tuple[float, ...]:
        """What a mirror across dimension d makes of each variable."""
        turned = {vector[d] for vector in self.vectors}
        return tuple(-1.0 if n in turned else 1.0 for n in range(len(self.names)))

    def at_face(self, d: int, end: int, points: int) -> Any:
        """What a boundary is told of them at one face, the last fields of `Beyond`."""
        return self.signs(d), self.names, points, self.vectors, d, 2 * end - 1


class Conditions(eqx.Module):
    """What holds at the faces of a domain.

    **Attributes:**

    - `faces`: the boundaries; `variables`: what they have to know.
    - `homogeneous`: whether given values and derivatives count as zero, as they do for corrections.
    """

    faces: Faces
    variables: Variables
    homogeneous: bool = eqx.field(static=True, default=False)

    @property
    def each(self) -> tuple[Boundary, ...]:
        """The boundaries one after the other."""
        return tuple(face for pair in self.faces for face in pair)

    @property
    def copied(self) -> bool:
        """Whether all ghost values are copies of cells in the domain."""
        return all(face.periodic or face.copied for face in self.each)

    @property
    def open(self) -> bool:
        """Whether values come in that need not lie within those inside."""
        return not all(face.periodic or face.copied or face.mirrored for face in self.each)

    @property
    def mirrors(self) -> tuple[tuple[bool, bool], ...]:
        """For each face, whether coarse cells beyond it are mirrored rather than copied: see `fill_ring`."""
        return tuple(tuple(not (face.periodic or face.copied) for face in pair) for pair in self.faces)  # type: ignore[misc]

    def relation(self, d: int, end: int, like: Values, x: tuple[Array, ...], t) -> Relation:
        """`Boundary.relation` at places `x` on a face; of the values `like` only the shape matters."""
        variables, nothing = self.variables, jnp.zeros((), like.dtype)
        places = (x, (nothing,) * len(x), nothing, t)
        face = Beyond(like, like, *places, *variables.at_face(d, end, points=1))
        a, b, g = self.faces[d][end].relation(face)
        return a, b, jnp.zeros_like(g) if self.homogeneous else g

    @property
    def of_diffusion(self) -> Conditions:
        """Those faces alone beyond which diffusion sees something else: the others count as done."""
        done = Outflow()

        def other(face: Boundary) -> Boundary:
            return done if face.of_diffusion is face else face.of_diffusion

        return dataclasses.replace(self, faces=tuple((other(low), other(high)) for low, high in self.faces))

    def linear(self) -> Conditions:
        """Those of corrections, which change neither given values nor given derivatives."""
        return Conditions(self.faces, self.variables, homogeneous=True)

    def check(self) -> None:
        """Raise `InvalidSettingError` where a boundary does not fit the variables, or gives no ghost values."""
        for d, pair in enumerate(self.faces):
            for end, face in enumerate(pair):
                face.check(self.variables.names)
                try_boundary(face, self.variables, len(self.faces), d, end)

    def check_relations(self) -> None:
        """Raise `InvalidSettingError` if a boundary says nothing about values or derivatives on its face."""
        rows, x = jnp.zeros((len(self.variables.names), 1)), (jnp.zeros(1),) * len(self.faces)
        for d, pair in enumerate(self.faces):
            for end in (0, 1) if not pair[0].periodic else ():
                jax.eval_shape(functools.partial(self.relation, d, end), rows, x, jnp.zeros(()))


def try_boundary(boundary: Boundary, variables: Variables, ndim: int, d: int = 0, end: int = 0) -> None:
    """Raise `InvalidSettingError` unless a boundary gives ghost values beyond a face, in the shapes of a run, and
    a user's the relation there, if it has one."""
    if boundary.periodic or boundary.copied or boundary.mirrored:
        return
    dtype, blocks, ghost, lanes = jnp.zeros(()).dtype, 2, 3, 5

    def array(*cells: int, rows: tuple[int, ...] = ()) -> Any:
        return jax.ShapeDtypeStruct((*rows, blocks, *cells, lanes), dtype)

    def along(k: int, across: int, others: int = 1) -> list[int]:
        return [across if i == k else others for i in range(ndim)]

    shapes, rows = along(d, ghost, others=8), (len(variables.names),)
    x = tuple(array(*along(k, shapes[k])) for k in range(ndim))
    values = array(*shapes, rows=rows), array(*along(d, 1, others=8), rows=rows)
    places: Any = x, (array(*along(0, 1)),) * ndim, x[d], jax.ShapeDtypeStruct((), dtype)
    known = variables.at_face(d, end, variables.points)
    name = f"{type(boundary).__name__}.ghosts"
    found = shapes_of("boundary", name, lambda *arrays: boundary.ghosts(Beyond(*arrays, *known)), *values, *places)
    note = ", that of beyond.mirrored: (variables, blocks, *cells, lanes)"
    expect_shape("boundary", name, found, (*rows, blocks, *shapes, lanes), note)
    if is_own(boundary) and type(boundary).relation is not Boundary.relation:
        name = f"{type(boundary).__name__}.relation"
        shapes_of("boundary", name, lambda *arrays: boundary.relation(Beyond(*arrays, *known)), *values, *places)
