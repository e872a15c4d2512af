# %% [markdown]
# # Results with yt, xarray and PyVista
#
# A field is written to one HDF5 file that [yt](https://yt-project.org), ParaView and PyVista open as it is.
#
# Needs Amrax, Jupyter, yt, xarray and PyVista, which `pip install ".[notebooks]"` in a checkout brings.

# %%
import jax.numpy as jnp
import numpy as np
import yt
from IPython.display import Image

import amr
import solvers

mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), cells=(32, 32), patch=8, max_level=2)
swirl = solvers.StreamFunction(lambda x, y, t: jnp.sin(jnp.pi * x) ** 2 * jnp.sin(jnp.pi * y) ** 2 / jnp.pi)
sim = solvers.Simulation(mesh, solvers.Advection(swirl), refine=amr.Difference(above=0.02))
solution = sim.run(lambda x, y: jnp.exp(-((x - 0.5) ** 2 + (y - 0.75) ** 2) / 0.01), t_end=1.0)
solution.save("swirl.vtkhdf")

# %% [markdown]
# Read it again. What was written is what is read, to the last bit.

# %%
field = amr.read("swirl.vtkhdf")
print(field)
print("the same:", np.array_equal(field.uniform("phi"), solution.field.uniform("phi")))

# %% [markdown]
# ## yt
#
# Amrax tells yt how to read its files. In two dimensions the mesh is one cell thick in z. yt's colors are logarithmic
# unless told otherwise, and without `origin="native"` axes count from the centre.

# %%
yt.set_log_level("error")
ds = yt.load("swirl.vtkhdf")
plot = yt.SlicePlot(ds, "z", ("gas", "phi"), origin="native")
plot.set_log(("gas", "phi"), False)
plot.set_cmap(("gas", "phi"), "viridis")
plot.annotate_grids(periodic=False, alpha=0.3)
Image(plot.save("slice.png", mpl_kwargs={"dpi": 50})[0])

# %% [markdown]
# ## xarray
#
# A uniform grid with coordinates, of the finest cells or of the level that is asked for.

# %%
dataset = field.to_xarray(level=1)
dataset

# %%
_ = dataset.phi.mean("y").plot(size=3)
# %% [markdown]
# ## PyVista
#
# All leaf cells as an unstructured grid, with the level of each. It has VTK's filters, such as contours.

# %%
grid = field.to_pyvista()
contour = grid.clean().cell_data_to_point_data().contour([0.5], scalars="phi")
lines = contour.points[contour.lines.reshape(-1, 3)[:, 1:]]
length = np.linalg.norm(lines[:, 1] - lines[:, 0], axis=1).sum()
print(f"{grid.n_cells} cells; the contour of 0.5 is {length:.3f} long")

# %% [markdown]
# ## All agree
#
# The integral over the box, and the value at a point, by each of them.

# %%
data, point = ds.all_data(), (0.6, 0.21)
integrals = {
    "amrax": field.integral("phi"),
    "yt": float((data["gas", "phi"] * data["gas", "cell_volume"]).sum()),
    "xarray": float(dataset.phi.sum()) / dataset.phi.size,
    "pyvista": float((grid["phi"] * grid.compute_cell_sizes()["Area"]).sum()),
}
for name, integral in integrals.items():
    print(f"{name:8} {integral:.7f}")
np.testing.assert_allclose(list(integrals.values()), integrals["amrax"], rtol=1e-5)

# %%
fine = field.to_xarray()
values = [
    float(field.sample(point, "phi")),
    float(ds.point([*point, 0.0])["gas", "phi"][0]),
    float(fine.phi.sel(x=point[0], y=point[1], method="nearest")),
    float(grid["phi"][grid.find_containing_cell((*point, 0.0))]),
]
print(values)
np.testing.assert_allclose(values, values[0], rtol=1e-6)
