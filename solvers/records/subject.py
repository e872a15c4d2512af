"""What records are about."""

from typing import Protocol, runtime_checkable

from amr.mesh import Mesh
from solvers.equations import Equation


@runtime_checkable
class Subject(Protocol):
    """A run, as far as what is measured of it depends on it.

    **Attributes:** `mesh`; `equation`; `interval`: steps between regrids, which are recorded together.
    """

    @property
    def mesh(self) -> Mesh: ...

    @property
    def equation(self) -> Equation: ...

    @property
    def interval(self) -> int: ...
