"""Flux correction against brute force on the grid of each level, and the conservation that it is there for."""

import numpy as np
from hypothesis import given, strategies as st
from meshes import blocks, compiled, forest_of, leaves_of, level_maps, on_every_case, padded
from reference import cell_levels


def face_fluxes(case, seed: int, variables: int = 2) -> list:
    """Random fluxes through all faces of the grid of each level, `fluxes[level][d]`; levels have nothing in common."""
    mesh, rng = case.mesh, np.random.default_rng(seed)
    fluxes = []
    for level in range(mesh.max_level + 1):
        shape = [n * 2**level for n in mesh.cells]
        faces = [[n + (k == d) for k, n in enumerate(shape)] for d in range(mesh.ndim)]
        fluxes.append([rng.normal(size=(variables, *sides)) for sides in faces])
        for d, periodic in enumerate(mesh.domain.periodic):
            if periodic:
                faces = np.moveaxis(fluxes[level][d], 1 + d, 0)
                faces[-1] = faces[0]
    return fluxes


def to_patches(case, forest, fluxes: list) -> tuple:
    """The fluxes through the faces of each leaf, zero in empty slots."""
    mesh, pools = case.mesh, []
    for d in range(mesh.ndim):
        sides = [mesh.patch + (k == d) for k in range(mesh.ndim)]
        pool = np.zeros((fluxes[0][0].shape[0], *sides, mesh.capacity))
        for slot, level, position in leaves_of(forest):
            place = tuple(slice(p * mesh.patch, p * mesh.patch + n) for p, n in zip(position, sides, strict=True))
            pool[..., slot] = fluxes[level][d][(slice(None), *place)]
        pools.append(pool)
    return tuple(pools)


def corrected(case, forest, fluxes: list) -> list:
    """Each face that has a finer leaf on one side gets the mean of the fine fluxes on it."""
    mesh, levels = case.mesh, cell_levels(case.mesh, forest)
    result = [list(pair) for pair in fluxes]
    for level in range(mesh.max_level):
        around = padded(levels[level], mesh, 1)
        for d in range(mesh.ndim):
            cells = np.moveaxis(around[tuple(slice(None) if k == d else slice(1, -1) for k in range(mesh.ndim))], d, 0)
            finer = np.moveaxis(np.maximum(cells[:-1], cells[1:]) > level, 0, d)
            fine = np.moveaxis(fluxes[level + 1][d], 1 + d, 1)[:, ::2]
            fine = np.moveaxis(blocks(fine, 2, np.mean, skip=2), 1, 1 + d)
            result[level][d] = np.where(finer, fine, fluxes[level][d])
    return result


@on_every_case
@given(data=st.data())
def test_coarse_faces_get_the_mean_of_the_fine_ones(case, data):
    forest = forest_of(case.mesh, data.draw(level_maps(case)))
    fluxes = face_fluxes(case, data.draw(st.integers(0, 999)))
    run = compiled(case)
    found = run.reflux(run.topology(forest), to_patches(case, forest, fluxes))
    count = int(forest.count)
    for one, other in zip(found, to_patches(case, forest, corrected(case, forest, fluxes)), strict=True):
        np.testing.assert_allclose(one[..., :count], other[..., :count], rtol=0, atol=1e-14)


@on_every_case
@given(data=st.data())
def test_the_divergence_sums_to_what_crosses_the_boundary(case, data):
    """Nothing in a periodic domain. Outflow: the fluxes through the boundary of the domain, each leaf's own."""
    mesh = case.mesh
    forest = forest_of(mesh, data.draw(level_maps(case)))
    fluxes = to_patches(case, forest, face_fluxes(case, data.draw(st.integers(0, 999))))
    run = compiled(case)
    found = [np.asarray(flux) for flux in run.reflux(run.topology(forest), fluxes)]
    total, size = 0.0, 0.0
    for slot, level, position in leaves_of(forest):
        dx = np.asarray(mesh.cell_size(0)) / 2**level
        for d, periodic in enumerate(mesh.domain.periodic):
            area = dx.prod() / dx[d]
            total += area * np.diff(found[d][..., slot], axis=1 + d).sum(tuple(range(1, 1 + mesh.ndim)))
            size += area * np.abs(found[d][..., slot]).sum()
            if not periodic and position[d] == 0:
                total += area * np.take(found[d][..., slot], 0, 1 + d).reshape(2, -1).sum(1)
            if not periodic and position[d] == mesh.roots[d] * 2**level - 1:
                total -= area * np.take(found[d][..., slot], mesh.patch, 1 + d).reshape(2, -1).sum(1)
    assert (np.abs(total) < 1e-15 * size).all()
