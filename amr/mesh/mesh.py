"""The static description of a mesh: everything about it that never changes while a program runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from amr.errors import InvalidSettingError
from amr.show import text

from .domain import Domain

KEY_BITS = 30  # Morton keys are int32, and the largest value means "no patch here"


@dataclass(frozen=True, init=False, repr=False)
class Mesh:
    """A domain cut into a root grid of patches, each of which may be refined `max_level` times.

    **Arguments:**

    - `domain`: the `Domain`.
    - `cells`: cells of the root grid in each dimension (a plain number in 1D); multiples of `patch`.
    - `patch`: cells along each side of a patch, even, at least 4.
    - `max_level`: how often the root grid may be refined (0: a uniform grid).
    - `capacity`: room for at least this many patches (see `amr.grid.pool`); by default chosen from the first mesh. A
      run that needs more grows it by itself, at the price of one compilation.

    Raises `InvalidSettingError` for sizes that do not fit together.
    """

    domain: Domain
    cells: tuple[int, ...]
    patch: int
    max_level: int
    capacity: int | None

    def __init__(
        self,
        domain: Domain,
        cells: int | Sequence[int],
        patch: int = 16,
        max_level: int = 0,
        capacity: int | None = None,
    ):
        object.__setattr__(self, "domain", domain)
        object.__setattr__(self, "cells", tuple(_whole("cells", n) for n in np.atleast_1d(cells)))
        object.__setattr__(self, "patch", _whole("patch", patch))
        object.__setattr__(self, "max_level", _whole("max_level", max_level))
        object.__setattr__(self, "capacity", None if capacity is None else _whole("capacity", capacity))
        self._check()

    def __repr__(self) -> str:
        return text(self)

    def _check(self) -> None:
        if len(self.cells) != self.ndim:
            raise InvalidSettingError(
                "cells", f"expected {self.ndim} numbers, as the domain has, got {list(self.cells)}"
            )
        if self.patch < 4 or self.patch % 2:
            raise InvalidSettingError("patch", f"expected an even number of cells, at least 4, got {self.patch}")
        for n in self.cells:
            if n < self.patch or n % self.patch:
                hint = max(self.patch, round(n / self.patch) * self.patch)
                raise InvalidSettingError("cells", f"{n} is no multiple of the patch size {self.patch}; try {hint}")
        if self.max_level < 0:
            raise InvalidSettingError("max_level", f"expected 0 or more, got {self.max_level}")
        # Positions of half patches, which neighbours are looked up by, take one bit more: it counts in 1D.
        deepest = min(KEY_BITS // self.ndim, KEY_BITS - 1)
        if self.key_bits > deepest:
            most = self.max_level - (self.key_bits - deepest)
            if most < 0:
                raise InvalidSettingError("cells", f"{list(self.cells)} are too many; use larger patches")
            raise InvalidSettingError("max_level", f"{self.max_level} is too deep for this root grid; at most {most}")
        if self.capacity is not None and self.capacity < self.root_count:
            raise InvalidSettingError(
                "capacity", f"{self.capacity} is less than the {self.root_count} patches of the root grid"
            )

    @property
    def ndim(self) -> int:
        return self.domain.ndim

    @property
    def roots(self) -> tuple[int, ...]:
        """Patches of the root grid in each dimension."""
        return tuple(n // self.patch for n in self.cells)

    @property
    def root_count(self) -> int:
        return math.prod(self.roots)

    @property
    def children(self) -> int:
        """Patches that replace one refined patch."""
        return 2**self.ndim

    @property
    def cells_per_patch(self) -> int:
        return self.patch**self.ndim

    @property
    def patch_shape(self) -> tuple[int, ...]:
        return (self.patch,) * self.ndim

    @property
    def key_bits(self) -> int:
        """Bits that number the patches of the finest level along the longest dimension."""
        return (max(self.roots) * 2**self.max_level - 1).bit_length()

    @property
    def finest_cells(self) -> int:
        """Cells of a uniform grid with the resolution of the finest level."""
        return math.prod(self.cells) * self.children**self.max_level

    def cell_size(self, level: int = 0) -> tuple[float, ...]:
        """Cell widths on a level, one a dimension."""
        return tuple(length / n / 2**level for length, n in zip(self.domain.lengths, self.cells, strict=True))


def _whole(key: str, value) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InvalidSettingError(key, f"expected a whole number, got {value!r}")
    return int(value)
