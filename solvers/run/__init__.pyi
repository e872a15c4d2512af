from .checkpoint import Checkpoint as Checkpoint
from .checkpoints import (
    Checkpoints as Checkpoints,
    numbered as numbered,
    rules_of as rules_of,
    write_newest as write_newest,
)
from .compiling import enable_compilation_cache as enable_compilation_cache
from .driver import Interrupted as Interrupted, Run as Run, RunError as RunError, Wishes as Wishes
from .given import GivenData as GivenData, as_initial as as_initial
from .problem import State as State
from .progress import Reporter as Reporter, reporter as reporter
from .simulation import Simulation as Simulation, Solution as Solution
from .steady import Elliptic as Elliptic, Equilibrium as Equilibrium
