"""An equation is a sum of terms, each of which moves its variables through faces or makes them in cells:

    d u / dt = transport + diffusion + reaction

A term says what it has to sample on the mesh, how it limits the step, and what it does in a stage. Stages, steps and
regrids go over the terms there are and know none of them.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from amr.grid import Fluxes, Keep, Part
from amr.show import text
from solvers.integrators import Moment

Scalar = Float[Array, ""]
Cells = Float[Array, "rows blocks *cells lanes"]
PerPatch = dict[str, Float[Array, "..."]]  # numbers of the patches of a sweep, by the name that `Limits` has for them


class Limits(eqx.Module):
    """What limits the step, in each patch.

    **Attributes:**

    - `signal`: how many cells signals cross per unit of time, as the scheme counts them, a flow's amplitude apart.
    - `divergence`: the largest of a given flow in its cells.
    - `spread`: the rate of diffusion, one over the longest stable step of the forward Euler method.
    - `reaction`: the fastest rate of what reacts and is explicit.
    """

    signal: Float[Array, " patches"]
    divergence: Float[Array, " patches"]
    spread: Float[Array, " patches"]
    reaction: Float[Array, " patches"]

    @classmethod
    def none(cls, patches: int, dtype) -> Limits:
        """Nothing does."""
        return cls(*(jnp.zeros(patches, dtype),) * 4)


class Here(eqx.Module):
    """What a term is asked with in a stage: the patches of a sweep, their cells, and how they are moved.

    **Attributes:**

    - `part`: the patches; `moment`: when.
    - `u`: the ghosted cells, with rows for the coefficients of a law behind the variables.
    - `samples`: of the term, see `Term.samples`.
    - `scheme`: of what moves through faces; `bounds`: to keep scalars in, least and largest values.
    - `careful`: whether what it moved before was more than cells can bear.
    """

    part: Part
    moment: Moment
    u: Cells
    samples: PyTree
    scheme: Any
    bounds: tuple[Float[Array, " vars"], Float[Array, " vars"]]
    careful: Bool[Array, ""]


class Term(eqx.Module):
    """A part of the right-hand side.

    **Attributes:**

    - `given`: whether this is a given flow that carries scalars.
    - `guided`: of diffusion, whether interpolation between levels needs to know what boundaries say: see `Grid`.
    - `steady`: whether samples are good until the next regrid, but for `amplitude`; `pulsed`: whether that changes.
    - `of_state`: whether what limits the step follows from the state; `at_faces`: also from what comes in.
    - `stiff`: of a reaction, whether it is much faster than all else: see `Reaction`.
    """

    @property
    def given(self) -> bool:
        return False

    @property
    def guided(self) -> bool:
        return True

    @property
    def steady(self) -> bool:
        return True

    @property
    def pulsed(self) -> bool:
        return False

    @property
    def of_state(self) -> bool:
        return False

    @property
    def at_faces(self) -> bool:
        return True

    @property
    def stiff(self) -> bool:
        return False

    def samples(self, part: Part, time: Scalar) -> PyTree:
        """What depends on the mesh, and on the time unless it is steady, for the patches of a sweep."""
        return ()

    def scaled(self, samples: PyTree, moment: Moment) -> PyTree:
        """The samples as a stage needs them."""
        return samples

    def amplitude(self, time: Scalar) -> Scalar:
        """A factor of all samples that depends on time alone."""
        return jnp.ones_like(time)

    def limits(self, part: Part, samples: PyTree, scheme: Any, bounded: bool) -> PerPatch:
        """How the samples limit the step; `bounded`: whether scalars are kept within bounds."""
        return {}

    def limits_of(self, part: Part, cells: Cells, samples: PyTree, scheme: Any, time: Scalar) -> PerPatch:
        """How the state does. Where values come in through faces of the domain, `cells` have one layer around."""
        return {}

    def crossing(self, here: Here, keep: Keep) -> Fluxes | None:
        """What crosses each face in the time `here.moment.dt`, in units of a cell; `None`: nothing."""
        return None

    def made(self, here: Here) -> Cells | None:
        """What is made in each cell per unit of time; `None`: nothing."""
        return None


class Terms(NamedTuple):
    """The terms of an equation: each moves or makes all variables, and may be missing."""

    transport: Any = None
    diffusion: Any = None
    reaction: Any = None

    @property
    def law(self) -> Any:
        """The conservation law whose fluxes there are; `None` for scalars in a given flow."""
        return getattr(self.transport, "law", None)

    @property
    def stiff(self) -> bool:
        """Whether there is a reaction that is much faster than all else."""
        return self.reaction is not None and self.reaction.stiff

    @property
    def guided(self) -> bool:
        """Whether interpolation between levels needs to know what boundaries say."""
        return self.diffusion is not None and self.diffusion.guided

    @property
    def there(self) -> dict[str, Term]:
        """Those there are, by name."""
        return {key: term for key, term in self._asdict().items() if term is not None}


class Equation(eqx.Module):
    """What is solved: its variables, and its terms.

    **Attributes:**

    - `names`: of the variables that are stored.
    """

    if TYPE_CHECKING:  # an equation may have them as a class attribute, a field or a property
        names: ClassVar[tuple[str, ...]]

    def __repr__(self) -> str:
        return text(self)

    @property
    @abc.abstractmethod
    def terms(self) -> Terms:
        """What changes the variables."""

    @property
    def ahead(self) -> bool:
        """Whether the signals that limit a step are those halfway through it, rather than of the state before it."""
        return False

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the primitive variables, in which people give initial and boundary values."""
        return self.names

    @property
    def vectors(self) -> tuple[tuple[int, ...], ...]:
        """Which variables are the components of vectors, one tuple of numbers a vector: a wall mirrors them."""
        return ()

    def primitive(self, u: Float[Array, "rows ..."]) -> Float[Array, "rows ..."]:
        """Primitive from conserved variables: those that are reconstructed."""
        return u

    def conserved(self, w: Float[Array, "rows ..."]) -> Float[Array, "rows ..."]:
        """Conserved from primitive variables."""
        return w

    @property
    def beyond_wall(self) -> Any:
        """What becomes of mirrored values where a source pushes against a wall: see `amr.grid.Variables`."""
        return None

    def admissible(self, u: Float[Array, "rows ..."]) -> Bool[Array, "..."] | None:
        """Where a state makes sense (such as a positive pressure); `None`: everywhere."""
        return None

    def coefficients(self, *x: Float[Array, "..."]) -> tuple[Float[Array, "..."], ...]:
        """Given functions of position that the equation depends on, such as the height of the ground.

        Where there are any, all other methods find their values in the last rows of `u`, behind the variables
        (`conserved` and `primitive` too, which must hand them on).
        """
        return ()

    def has_coefficients(self, ndim: int) -> bool:
        """Whether there are given functions of position."""
        return len(jax.eval_shape(lambda *x: self.coefficients(*x), *(jnp.zeros(()),) * ndim)) > 0

    @property
    def on_ground(self) -> bool:
        """Whether neighbours push each other over ground: it has `met`, `pushes` and `settled`."""
        return False

    @property
    def dimensions(self) -> Mapping[str, tuple[float | int, ...]]:
        """For each variable, stored or given, the powers of length, time and mass in its unit, as far as they are
        known: pictures, files and yt then know its unit."""
        return {}

    @property
    def stores_by_place(self) -> bool:
        """Whether what a variable means depends on the place, so that no scheme may compare those of neighbours."""
        return False

    def sensible(self, w: Float[Array, "rows ..."]) -> Float[Array, "rows ..."]:
        """Given variables, such as initial ones, as they are meant: water with its surface below the ground is none."""
        return w

    @property
    def has_floors(self) -> bool:
        """Whether some numbers are kept from falling below others: it has `lifted`."""
        return False

    def extended(self, u: Cells, samples: dict[str, PyTree]) -> Cells:
        """The variables of (ghosted) cells, with rows for the coefficients behind them."""
        return u

    def check(self, ndim: int) -> None:
        """Raise `InvalidSettingError` if the equation does not fit a domain of `ndim` dimensions."""

    def verify(self, ndim: int) -> None:
        """The same, with a look at all that the methods of the equation give."""
        self.check(ndim)
