from . import charts as charts, movie as movie, plot as plot, render as render, views as views
from .charts import plot_line as plot_line, plot_profile as plot_profile
from .movie import shared_range as shared_range
from .panels import draw_panels as draw_panels, plot_panels as plot_panels
from .plot import plot_history as plot_history, plot_plane as plot_plane
from .render import to_pyvista as to_pyvista
from .views import Coarsened as Coarsened, View as View
