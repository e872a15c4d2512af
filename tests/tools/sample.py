"""Fields on random balanced meshes, and how much a picture shows, for tests of what is written and drawn."""

import jax.numpy as jnp
import numpy as np
from meshes import balanced_levels, forest_of
from PIL import Image

import amr
from amr.grid.topology import cell_centres

ROOTS = {1: (3,), 2: (3, 2), 3: (2, 1, 2)}


def linear(x) -> np.ndarray:
    """A function that no two dimensions enter alike, of coordinates `(x, y, z)`."""
    return sum(10.0**d * xi for d, xi in enumerate(x))


def random_field(ndim: int, *, seed: int = 0, periodic=True, dtype=np.float64, max_level: int = 2) -> amr.Field:
    """Variables `linear` and `noise`, on leaves of all levels, in a pool with empty slots."""
    rng = np.random.default_rng(seed)
    domain = amr.Domain((0.1, -1.0, 2.0)[:ndim], (0.7, 1.0, 3.0)[:ndim], periodic=periodic)
    mesh = amr.Mesh(domain, [4 * n for n in ROOTS[ndim]], patch=4, max_level=max_level)
    marks = [rng.random([n * 2**level for n in mesh.roots]) < 0.25 / 2**level for level in range(max_level)]
    marks[-1].flat[0] = True
    levels = balanced_levels(mesh, marks)
    capacity = levels.size + 3
    forest = forest_of(mesh, levels, capacity)
    x = np.broadcast_to(linear(cell_centres(mesh, forest, jnp.float64)), (*mesh.patch_shape, capacity))
    data = np.where(forest.active, np.stack([x, rng.normal(size=x.shape)]), 0).astype(dtype)
    assert len(set(np.asarray(forest.level)[: int(forest.count)])) > 1
    return amr.Field(mesh, forest, jnp.asarray(data), ("linear", "noise"), time=0.375, step=7)


def colours(path) -> int:
    """How many colours a picture has that are no greys: few if nothing is drawn between its axes."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    return len(np.unique(pixels[np.ptp(pixels, axis=1) > 30], axis=0))
