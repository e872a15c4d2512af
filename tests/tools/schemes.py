"""All reconstructions with what they claim: a new one is one entry here."""

import dataclasses

from solvers.schemes.limiter import Minmod, MonotizedCentral, Superbee, Unlimited, VanLeer
from solvers.schemes.reconstruction import MUSCL, PPM, WENO5, DonorCell, Koren, Reconstruction, Upwind3, Upwind5


@dataclasses.dataclass(frozen=True)
class Claim:
    """`l1` and `linf`: order for a sine wave, if not the formal one. `monotone`: monotone data stay so.
    `linear`: exact for polynomials."""

    scheme: Reconstruction
    l1: float | None = None
    linf: float | None = None
    monotone: bool = False
    linear: bool = False

    @property
    def orders(self) -> tuple[float, float]:
        return self.l1 or self.scheme.order, self.linf or self.scheme.order


CLAIMS = (
    Claim(DonorCell(), monotone=True, linear=True),
    Claim(MUSCL(VanLeer()), linf=4 / 3, monotone=True),
    Claim(MUSCL(MonotizedCentral()), linf=4 / 3, monotone=True),
    Claim(MUSCL(Minmod()), l1=1.9, linf=4 / 3, monotone=True),
    Claim(MUSCL(Superbee()), l1=1.9, linf=4 / 3, monotone=True),
    Claim(MUSCL(Unlimited()), linear=True),
    Claim(Koren(), l1=7 / 3, linf=1.6, monotone=True),
    Claim(Upwind3(), linear=True),
    Claim(Upwind5(), linear=True),
    Claim(PPM(), monotone=True),
    Claim(WENO5()),
)
SCHEMES: tuple[Reconstruction, ...] = tuple(claim.scheme for claim in CLAIMS)
