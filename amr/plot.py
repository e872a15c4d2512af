"""Pictures of fields: what users import of `amr.pictures.plot` and `amr.pictures.panels`."""

from amr.pictures.panels import plot_panels as plot_panels
from amr.pictures.plot import (
    Picture as Picture,
    plot as plot,
    plot_convergence as plot_convergence,
    plot_history as plot_history,
    plot_levels as plot_levels,
    plot_line as plot_line,
    plot_plane as plot_plane,
    plot_profile as plot_profile,
    plot_projection as plot_projection,
    plot_slices as plot_slices,
)
