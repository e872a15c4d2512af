"""Scalars that a given flow carries, that diffuse and that react."""

import equinox as eqx

from amr.errors import InvalidSettingError

from .diffusion import Diffusing
from .diffusivity import Arithmetic, Diffusivity, Mean, diffusivity_of
from .reaction import Reaction
from .terms import Equation, Terms
from .transport import Flow
from .velocity import AtRest, ConstantVelocity, FaceVelocity, Velocity


class Advection(Equation):
    """Scalars in a given flow, which may also diffuse and react:

        d phi / dt + div(velocity phi) = div(diffusivity grad phi) + reaction

    **Arguments:**

    - `velocity`: a `Velocity`; numbers make a constant one, a function of position and time a `FaceVelocity`.
    - `names`: of the scalars.
    - `diffusivity`: a `Diffusivity`; a number (or one for each scalar) makes a constant one, a function of position a
      `VariableDiffusivity`. `None`: nothing diffuses.
    - `reaction`: a `Reaction`, or a function `reaction(u, x, .., t)` that gives one rate for each scalar.
    - `mean`: how the diffusivity on a face follows from the cells beside it, `Arithmetic()` or `Harmonic()`.
    """

    velocity: Velocity
    names: tuple[str, ...] = eqx.field(static=True)  # type: ignore[misc]
    diffusing: Diffusing | None
    reaction: Reaction | None

    def __init__(
        self,
        velocity,
        names: str | tuple[str, ...] = ("phi",),
        *,
        diffusivity=None,
        reaction=None,
        mean: Mean | None = None,
    ):
        if not isinstance(velocity, Velocity):
            velocity = FaceVelocity(velocity) if callable(velocity) else ConstantVelocity(velocity)
        self.velocity = velocity
        self.names = (names,) if isinstance(names, str) else tuple(names)
        if not self.names or len(set(self.names)) < len(self.names):
            raise InvalidSettingError("names", f"expected one or more different names, got {self.names}")
        mean = Arithmetic() if mean is None else mean
        self.diffusing = None if diffusivity is None else Diffusing(diffusivity_of(diffusivity), mean)
        self.reaction = Reaction(reaction) if callable(reaction) and not isinstance(reaction, Reaction) else reaction

    @property
    def terms(self) -> Terms:
        """What there is of flow, diffusion and reaction."""
        return Terms(Flow(self.velocity) if self.flows else None, self.diffusing, self.reaction)

    @property
    def ahead(self):
        return True

    @property
    def diffusivity(self) -> Diffusivity | None:
        """What was given as such."""
        return None if self.diffusing is None else self.diffusing.diffusivity

    @property
    def mean(self) -> Mean | None:
        """How the diffusivity on a face follows from the cells beside it."""
        return None if self.diffusing is None else self.diffusing.mean

    @property
    def flows(self) -> bool:
        """Whether there is a flow at all."""
        return not isinstance(self.velocity, AtRest)

    def check(self, ndim: int) -> None:
        """Raise `InvalidSettingError` if the flow, the diffusivity or the reaction does not fit the domain."""
        self.velocity.check(ndim)
        if self.diffusing is not None:
            self.diffusing.diffusivity.check(ndim, self.names)
        if self.reaction is not None:
            self.reaction.check(ndim, self.names)


class Diffusion(Advection):
    """Scalars that diffuse, and may react or be carried by a flow: `d phi / dt = div(diffusivity grad phi)`.

    The arguments are those of `Advection`, which it is with another one in front.
    """

    def __init__(
        self,
        diffusivity,
        names: str | tuple[str, ...] = ("phi",),
        *,
        velocity=None,
        reaction=None,
        mean: Mean | None = None,
    ):
        flow = AtRest() if velocity is None else velocity
        super().__init__(flow, names, diffusivity=diffusivity, reaction=reaction, mean=mean)
