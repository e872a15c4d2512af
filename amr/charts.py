"""Charts of lines, profiles, histories and convergence: what users import of `amr.pictures.charts`."""

from amr.pictures.charts import (
    measured_orders as measured_orders,
    plot_convergence as plot_convergence,
    plot_history as plot_history,
    plot_line as plot_line,
    plot_profile as plot_profile,
)
