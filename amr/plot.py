"""Pictures of fields: what users import of `amr.pictures.plot`."""

from amr.pictures.plot import (
    Picture as Picture,
)
from amr.pictures.plot import (
    plot as plot,
)
from amr.pictures.plot import (
    plot_convergence as plot_convergence,
)
from amr.pictures.plot import (
    plot_history as plot_history,
)
from amr.pictures.plot import (
    plot_levels as plot_levels,
)
from amr.pictures.plot import (
    plot_line as plot_line,
)
from amr.pictures.plot import (
    plot_plane as plot_plane,
)
from amr.pictures.plot import (
    plot_profile as plot_profile,
)
from amr.pictures.plot import (
    plot_projection as plot_projection,
)
from amr.pictures.plot import (
    plot_slices as plot_slices,
)
