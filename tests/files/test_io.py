"""Files: what h5py, yt and VTK find in them, what `read` gives back, and what happens when something goes wrong."""

import json

import h5py
import jax
import numpy as np
import pytest
import pyvista
import yt
from sample import linear, random_field
from vtkmodules.vtkIOHDF import vtkHDFReader

import amr
from amr.files import io
from amr.files.header import reading
from amr.files.info import file_info
from amr.files.vtkhdf import GeometryCache

yt.set_log_level("error")
on_every_dimension = pytest.mark.parametrize("ndim", [1, 2, 3])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run_0000.vtkhdf"


def assert_equal(one: amr.Field, other: amr.Field):
    assert one.mesh == other.mesh
    assert (one.names, float(one.time), one.step) == (other.names, float(other.time), other.step)
    assert one.data.dtype == other.data.dtype
    leaves = zip(jax.tree.leaves((one.forest, one.data)), jax.tree.leaves((other.forest, other.data)), strict=True)
    for a, b in leaves:
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def points_of(field: amr.Field, centres: np.ndarray) -> np.ndarray:
    """The coordinates that the mesh has; the others must be 0."""
    ndim = field.mesh.ndim
    np.testing.assert_array_equal(centres[:, ndim:], 0)
    return centres[:, :ndim]


# What comes back


@on_every_dimension
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip(path, ndim, dtype):
    field = random_field(ndim, dtype=dtype, periodic=(True, False, False)[:ndim])
    io.write(field, path)
    assert_equal(io.read(path), field)


def test_every_bit_comes_back(path):
    field = random_field(2)
    odd = [np.nan, np.inf, -np.inf, -0.0, 5e-324, np.nextafter(1, 2)]
    data = np.asarray(field.data).copy()
    data[1].reshape(-1, data.shape[-1])[: len(odd), 0] = odd
    io.write(amr.Field(field.mesh, field.forest, jax.numpy.asarray(data), field.names, 0.1 + 0.2, 3), path)
    found = io.read(path)
    assert np.asarray(found.data).tobytes() == data.tobytes()
    assert found.time == 0.1 + 0.2


def test_capacity_of_the_mesh_and_mixed_boundaries(path):
    mesh = amr.Mesh(amr.Domain((0, 0.1), (1, 1 / 3), periodic=(False, True)), (8, 4), 4, 1, capacity=40)
    forest = amr.mesh.forest.root_forest(mesh, 40)
    field = amr.Field(mesh, forest, jax.numpy.ones((1, 4, 4, 40)) * forest.active, ("phi",))
    io.write(field, path)
    assert_equal(io.read(path), field)


def test_config_comes_back(path):
    text = "name = 'Größe'\n" + "# long\n" * 20_000
    io.write(random_field(1), path, config=text)
    assert io.read_config(path) == text
    with h5py.File(path) as file:
        assert file["Input"].attrs["File"] == text
    io.write(random_field(1), path)
    assert io.read_config(path) is None


# What other programs find


@on_every_dimension
def test_layout(path, ndim):
    field = random_field(ndim)
    io.write(field, path)
    n, cells = field.count, (1,) * (3 - ndim) + (4,) * ndim
    with h5py.File(path) as file:
        assert file["noise"].shape == (n, 1, *cells)
        assert file["Locations/x"].shape == (n, 5)
        assert file["Locations/z"].shape == (n, 5 if ndim == 3 else 2)
        assert file["VTKHDF/CellData/noise"].is_virtual
        assert file["VTKHDF"].attrs.get_id("Type").get_type().get_cset() == h5py.h5t.CSET_ASCII
        info = file["Info"].attrs
        assert info["RootGridDomain"].reshape(3, 3)[ndim:].tolist() == [[-0.5, 0.5, 1]] * (3 - ndim)
        assert isinstance(info["NumComponents"], np.ndarray)
        for name in ("noise", "Levels", "LogicalLocations", "Locations/x", "VTKHDF/Points", "VTKHDF/Connectivity"):
            assert (file[name].compression, file[name].shuffle, file[name].fletcher32) == ("gzip", True, True)


@on_every_dimension
def test_faces_of_neighbours_are_equal_bits(path, ndim):
    field = random_field(ndim)
    io.write(field, path)
    with h5py.File(path) as file:
        for d in range(ndim):
            faces = np.unique(file["Locations/" + "xyz"[d]][:, [0, -1]])
            assert (faces[0], faces[-1]) == (field.mesh.domain.lower[d], field.mesh.domain.upper[d])
            assert np.diff(faces).min() > 0.1 * field.mesh.cell_size(field.mesh.max_level)[d]


@on_every_dimension
def test_yt_finds_every_value(path, ndim):
    field = random_field(ndim)
    io.write(field, path)
    ds, leaves = yt.load(str(path)), field.patches()
    assert (ds.dimensionality, ds.index.num_grids, ds.index.max_level) == (ndim, field.count, leaves.level.max())
    assert float(ds.current_time) == field.time
    for slot, grid in enumerate(ds.index.grids):
        assert grid.Level == leaves.level[slot]
        np.testing.assert_array_equal(grid["noise"].d.squeeze(), leaves.values[slot, 1])
        centres = [grid["index", axis].d for axis in "xyz"[:ndim]]
        np.testing.assert_allclose(grid["linear"].d, linear(centres), rtol=1e-12)
    everything = ds.all_data()
    assert everything["noise"].size == field.cells
    np.testing.assert_allclose(float(everything["index", "cell_volume"].sum()), field.mesh.domain.volume, rtol=1e-12)


@pytest.mark.parametrize("flags", [(True, True, False), (False, True, False), (False, False)])
def test_yt_knows_what_is_periodic(path, flags):
    io.write(random_field(len(flags), periodic=flags), path)
    assert yt.load(str(path)).periodicity[: len(flags)] == flags


@pytest.mark.parametrize("ndim", [2, 3])
def test_yt_resamples(path, ndim):
    field = random_field(ndim)
    io.write(field, path)
    ds, grid = yt.load(str(path)), field.uniform("noise")
    sides = (*grid.shape, 1)[:3]
    found = ds.arbitrary_grid(ds.domain_left_edge, ds.domain_right_edge, dims=sides)["noise"].d
    np.testing.assert_allclose(found.reshape(grid.shape), grid, rtol=1e-9)  # yt takes means, by volume


def test_yt_series(tmp_path):
    for step in range(3):
        field = random_field(2, seed=step)
        later = amr.Field(field.mesh, field.forest, field.data, field.names, step / 4, step)
        io.write(later, tmp_path / f"run_{step:04d}.vtkhdf")
    io.write_series(tmp_path / "run.vtkhdf.series", [])
    series = yt.load(str(tmp_path / "run_*.vtkhdf"))
    assert [float(ds.current_time) for ds in series] == [0, 0.25, 0.5]
    assert [ds.index.num_grids for ds in series] == [random_field(2, seed=step).count for step in range(3)]


def test_yt_leaves_other_files_alone(tmp_path):
    other = tmp_path / "other.vtkhdf"
    with h5py.File(other, "w") as file:
        file.create_group("VTKHDF")
    (tmp_path / "text.vtkhdf").write_text("no HDF5")
    for name in ("other.vtkhdf", "text.vtkhdf"):
        with pytest.raises(yt.utilities.exceptions.YTUnidentifiedDataType):
            yt.load(str(tmp_path / name))


def test_vtk_knows_the_time_of_a_single_dump(path):
    """As field data: from a group `Steps` of one step the reader takes no time."""
    io.write(random_field(2), path)
    reader = vtkHDFReader()
    reader.SetFileName(str(path))
    reader.Update()
    assert reader.GetOutput().GetFieldData().GetArray("TimeValue").GetTuple(0) == (0.375,)
    assert pyvista.read(path).field_data["TimeValue"] == [0.375]
    assert amr.read(path).time == yt.load(str(path)).current_time == 0.375


@on_every_dimension
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_vtk_finds_every_value(path, ndim, dtype):
    field = random_field(ndim, dtype=dtype)
    io.write(field, path)
    grid = pyvista.read(path)
    points = points_of(field, grid.cell_centers().points)
    assert grid.n_cells == field.cells
    assert grid["noise"].dtype == dtype
    np.testing.assert_array_equal(grid["noise"], field.sample(points, "noise"))
    np.testing.assert_allclose(grid["linear"], linear(points.T), rtol=1e-12 if dtype == np.float64 else 1e-5)
    np.testing.assert_array_equal(grid["level"], field.levels(points))
    sizes = grid.compute_cell_sizes()[{1: "Length", 2: "Area", 3: "Volume"}[ndim]]
    np.testing.assert_allclose(sizes.sum(), field.mesh.domain.volume, rtol=1e-6)
    assert (sizes > 0).all()
    ends = np.reshape(grid.bounds, (3, 2))[:ndim]
    np.testing.assert_array_equal(ends.T, [field.mesh.domain.lower, field.mesh.domain.upper])


@on_every_dimension
def test_derived_variables_and_vectors(path, ndim):
    field = random_field(ndim)
    double = 2 * field.data[1]
    io.write(field, path, derived={"double": double}, vectors={"pair": ("noise", "double")})
    grid = pyvista.read(path)
    np.testing.assert_array_equal(grid["double"], 2 * grid["noise"])
    np.testing.assert_array_equal(grid["pair"], np.stack([grid["noise"], grid["double"], 0 * grid["noise"]], 1))
    dataset = yt.load(str(path))
    np.testing.assert_array_equal(dataset.all_data()["double"].d, 2 * dataset.all_data()["noise"].d)
    assert_equal(io.read(path), field)


def test_blocks_of_geometry_fit_together(path, monkeypatch):
    io.write(random_field(3), path)
    whole = pyvista.read(path)
    monkeypatch.setattr("amr.files.vtkhdf.CHUNK_CELLS", 3 * 64)
    io.write(random_field(3), path)
    assert pyvista.read(path) == whole


@on_every_dimension
def test_geometry_of_the_last_file_serves_the_next(path, ndim, monkeypatch):
    monkeypatch.setattr("amr.files.vtkhdf.CHUNK_CELLS", 3 * 4**ndim)
    geometry, compressed = GeometryCache(), []
    plain = h5py.Dataset.__setitem__
    monkeypatch.setattr(h5py.Dataset, "__setitem__", lambda *a: (compressed.append(a[0].name), plain(*a)))
    for seed, known in ((0, "nothing"), (0, "all"), (1, "some"), (1, "all")):
        field = random_field(ndim, seed=seed)
        compressed.clear()
        io.write(field, path, geometry=geometry)
        with_help = len(compressed)
        compressed.clear()
        io.write(field, path.parent / "alone.vtkhdf")
        alone = len(compressed)
        assert {"nothing": with_help == alone, "all": with_help == 0, "some": with_help < alone}[known]
        assert pyvista.read(path) == pyvista.read(path.parent / "alone.vtkhdf")
        assert_equal(io.read(path), field)


@pytest.mark.parametrize("compression", [0, 9])
def test_compression(path, compression):
    field = random_field(2)
    io.write(field, path, compression=compression)
    with h5py.File(path) as file:
        assert file["noise"].compression == ("gzip" if compression else None)
        assert file["noise"].fletcher32
    assert_equal(io.read(path), field)
    assert pyvista.read(path).n_cells == field.cells
    for wrong in (10, -1, 1.5, True):
        with pytest.raises(amr.InvalidSettingError, match="from 0 to 9"):
            io.write(field, path, compression=wrong)


def test_series(tmp_path):
    folder = tmp_path / "out"
    series = folder / "run.vtkhdf.series"
    io.write_series(series, [(folder / "run_0000.vtkhdf", 0.0), (folder / "data" / "run_0001.vtkhdf", 1 / 3)])
    files = [{"name": "run_0000.vtkhdf", "time": 0.0}, {"name": "data/run_0001.vtkhdf", "time": 1 / 3}]
    assert json.loads(series.read_text()) == {"file-series-version": "1.0", "files": files}
    with pytest.raises(amr.InvalidSettingError, match="series"):
        io.write_series(folder / "run.json", [])


# Precision


def test_reduced_precision_needs_consent(path):
    field = random_field(2)
    io.write(field, path, precision="float32")
    assert pyvista.read(path)["noise"].dtype == np.float32
    with pytest.raises(io.FileError, match="float32 where the run had float64"):
        io.read(path)
    for dtype in ("float32", "float64"):
        found = io.read(path, dtype=dtype)
        assert found.data.dtype == dtype
        np.testing.assert_array_equal(found.data, np.asarray(field.data, np.float32))


def test_float64_needs_x64(path):
    field = random_field(1)
    io.write(field, path)
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(io.FileError, match="jax_enable_x64"):
            io.read(path)
        found = io.read(path, dtype="float32")
        io.write(found, path)
        assert_equal(io.read(path), found)
    finally:
        jax.config.update("jax_enable_x64", True)
    np.testing.assert_array_equal(found.data, np.asarray(field.data, np.float32))
    assert io.read(path).data.dtype == np.float32


# What goes wrong


@pytest.mark.parametrize("moment", ["amr.files.io.write_vtk", "amr.files.io._write_header", "os.fsync", "os.replace"])
def test_a_failing_write_leaves_the_old_file(path, monkeypatch, moment):
    old = random_field(2)
    io.write(old, path)
    before = path.read_bytes()

    def fail(*_):
        assert path.read_bytes() == before
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(moment, fail)
        with pytest.raises(OSError, match="disk full"):
            io.write(random_field(2, seed=1), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_stale_temporary_file_is_no_obstacle(path):
    path.with_name(path.name + ".tmp").write_text("left by a killed program")
    io.write(random_field(1), path)
    assert_equal(io.read(path), random_field(1))


@pytest.mark.parametrize("name", ["noise", "linear", "Levels", "LogicalLocations", "amr/header"])
def test_a_flipped_byte_is_found(path, name):
    io.write(random_field(2), path)
    with h5py.File(path) as file:
        chunk = file[name].id.get_chunk_info(0)
    whole = path.read_bytes()
    for place in range(0, chunk.size, max(1, chunk.size // 20)):
        damaged = bytearray(whole)
        damaged[chunk.byte_offset + place] ^= 4
        path.write_bytes(damaged)
        with pytest.raises(io.FileError, match=r"run_0000\.vtkhdf: is damaged"):
            io.read(path)


@pytest.mark.parametrize("name", ["noise", "Levels"])
def test_changed_data_is_found(path, name):
    io.write(random_field(2), path)
    with h5py.File(path, "r+") as file:
        file[name][1] = 0  # what HDF5 reads for a chunk that it cannot find
    with pytest.raises(io.FileError, match=f"checksum of '{name}'"):
        io.read(path)


def test_a_truncated_file_is_found(path):
    io.write(random_field(2), path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(io.FileError, match="damaged"):
        io.read(path)


@pytest.mark.parametrize("error", [OSError, KeyError, RuntimeError, ValueError, TypeError, MemoryError])
def test_errors_of_others_are_no_damage(path, error):
    io.write(random_field(1), path)
    own = error("mine")
    with pytest.raises(error) as found, reading(path):
        raise own
    assert found.value is own


def test_what_is_missing_in_a_file_is_damage(path):
    io.write(random_field(1), path)
    with pytest.raises(io.FileError, match=r"is damaged; .*nothing"), reading(path) as file:
        file.array("nothing")
    with h5py.File(path, "r+") as file:
        del file["Levels"]
    for read in (io.read, file_info):
        with pytest.raises(io.FileError, match=r"run_0000\.vtkhdf: is damaged"):
            read(path)


def test_files_that_are_not_ours(tmp_path):
    path = tmp_path / "a.vtkhdf"
    with pytest.raises(io.FileError, match=r"a\.vtkhdf.*No such file"):
        io.read(path)
    path.write_text("hello")
    with pytest.raises(io.FileError, match=r"a\.vtkhdf.*not an HDF5 file"):
        io.read(path)
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with pytest.raises(io.FileError, match=r"a\.vtkhdf.*not written by Amrax"):
        io.read(path)


def test_a_newer_format_says_so(path):
    io.write(random_field(1), path)
    with h5py.File(path, "r+") as file:
        file["amr"].attrs["format"] = io.FORMAT + 1
    with pytest.raises(io.FileError, match="install a newer"):
        io.read(path)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"precision": "float16"}, "precision"),
        ({"derived": {"Levels": np.zeros((4, 4, 200))}}, "names"),
        ({"derived": {"a/b": np.zeros((4, 4, 200))}}, "names"),
        ({"derived": {"noise": np.zeros((4, 4, 200))}}, "names"),
        ({"derived": {"more": np.zeros((4, 4, 1))}}, "derived"),
        ({"vectors": {"v": ("noise", "nothing")}}, "vectors"),
        ({"vectors": {"noise": ("noise", "linear")}}, "names"),
    ],
)
def test_wrong_options(path, options, key):
    with pytest.raises(amr.InvalidSettingError) as error:
        io.write(random_field(2), path, **options)
    assert error.value.key == key
    assert not list(path.parent.iterdir())


def test_wrong_suffix_and_dtype(path):
    with pytest.raises(amr.InvalidSettingError, match="must end in"):
        io.write(random_field(1), path.with_suffix(".h5"))
    io.write(random_field(1), path)
    with pytest.raises(amr.InvalidSettingError, match="dtype"):
        io.read(path, dtype="float16")
