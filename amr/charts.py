"""Charts of lines, profiles, histories and convergence: what users import of `amr.pictures.charts`."""

from amr.pictures.charts import (
    measured_orders as measured_orders,
)
from amr.pictures.charts import (
    plot_convergence as plot_convergence,
)
from amr.pictures.charts import (
    plot_history as plot_history,
)
from amr.pictures.charts import (
    plot_line as plot_line,
)
from amr.pictures.charts import (
    plot_profile as plot_profile,
)
