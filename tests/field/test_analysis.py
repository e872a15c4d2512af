"""Lines, slices, projections, profiles and derived variables, against sampling and brute force."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from meshes import forest_of, on_every_case, on_few_cases, pools
from sample import linear, random_field

import amr
from amr.field.profile import Radius

on_every_dimension = pytest.mark.parametrize("ndim", [1, 2, 3])


def make(case, forest, u) -> amr.Field:
    return amr.Field(case.mesh, forest, jnp.asarray(u), ("a", "b"), time=0.5, step=3)


def inside(mesh, fractions) -> np.ndarray:
    return np.asarray(mesh.domain.lower) + np.asarray(fractions) * mesh.domain.lengths


def fractions(ndim: int):
    """Points of the unit box, among them many on faces of cells."""
    number = st.one_of(
        st.floats(0, 1), st.integers(0, 32).map(lambda n: n / 32), st.integers(0, 6).map(lambda n: n / 6)
    )
    return st.tuples(*[number] * ndim)


def apart(pair) -> bool:
    return np.abs(np.subtract(*pair)).max() > 1e-3


# Lines


@on_every_case
@given(data=st.data())
def test_line_crosses_each_cell_once(case, data):
    field, mesh = make(case, *data.draw(pools(case))), case.mesh
    ends = data.draw(st.tuples(fractions(mesh.ndim), fractions(mesh.ndim)).filter(apart))
    start, end = (inside(mesh, f) for f in ends)
    line = field.line(start, end)
    slot, cell = field.locate(line.points)
    assert len(np.unique(np.column_stack([slot, cell]), axis=0)) == len(line)
    np.testing.assert_array_equal(line["a"], field.sample(line.points, "a"))
    np.testing.assert_array_equal(line["b"], field.sample(line.points.tolist(), "b"))
    np.testing.assert_array_equal(line.levels, field.levels(line.points))
    np.testing.assert_allclose(
        line.points, start + line.distance[:, None] / np.linalg.norm(end - start) * (end - start)
    )
    assert (line.lengths > 0).all()
    np.testing.assert_allclose(line.lengths.sum(), np.linalg.norm(end - start), rtol=1e-12)
    np.testing.assert_allclose(line.distance, np.cumsum(line.lengths) - line.lengths / 2, atol=1e-12)


@on_few_cases
@given(data=st.data())
def test_line_misses_no_cell(case, data):
    """Every one of many points along the line lies in the cell of the stretch that it belongs to."""
    field, mesh = make(case, *data.draw(pools(case))), case.mesh
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    start, end = inside(mesh, rng.random(mesh.ndim)), inside(mesh, rng.random(mesh.ndim))
    line, place = field.line(start, end), rng.random(500)
    edges = np.append(0, np.cumsum(line.lengths)) / line.lengths.sum()
    stretch = np.clip(np.searchsorted(edges, place) - 1, 0, len(line) - 1)
    np.testing.assert_array_equal(line["a"][stretch], field.sample(start + place[:, None] * (end - start), "a"))


@on_every_dimension
def test_line_along_an_axis(ndim):
    field, domain = random_field(ndim), random_field(ndim).mesh.domain
    middle = dict(zip("xyz", np.add(domain.lower, domain.upper) / 2 + 0.01, strict=False))
    for d, axis in enumerate("xyz"[:ndim]):
        line = field.line(**{other: value for other, value in middle.items() if other != axis})
        assert line.along == d
        assert (line.start[d], line.end[d]) == (domain.lower[d], domain.upper[d])
        others = [k for k in range(ndim) if k != d]
        assert (line.points[:, others] == np.array(list(middle.values()))[others]).all()


def test_line_in_1d_is_the_whole_field():
    field = random_field(1)
    line, leaves = field.line(), field.patches()
    np.testing.assert_array_equal(line["noise"], leaves.values[:, 1].ravel())
    np.testing.assert_allclose(line.points[:, 0], leaves.centres(0).ravel())
    np.testing.assert_allclose(line.integral("noise"), field.integral("noise"), rtol=1e-13)


def test_line_of_samples():
    field = random_field(2)
    line = field.line((0.1, -1), (0.7, 0.5), samples=7)
    np.testing.assert_allclose(line.points, np.linspace([0.1, -1], [0.7, 0.5], 7))
    np.testing.assert_array_equal(line["noise"], field.sample(line.points, "noise"))
    np.testing.assert_allclose(line.lengths.sum(), np.hypot(0.6, 1.5))
    np.testing.assert_allclose(line.integral("noise"), np.trapezoid(line["noise"], line.distance))
    assert repr(line) == "Line of 7 points from (0.1, -1) to (0.7, 0.5), levels 1-2: linear, noise"


@pytest.mark.parametrize(
    ("arguments", "options", "key"),
    [
        (((0, 0), (0.5, 0)), {}, "start"),
        (((0.2, 0), (0.5, 1.5)), {}, "end"),
        (((0.2, 0), (0.2, 0)), {}, "end"),
        (((0.2, 0), (0.2, 1e-300)), {}, "end"),
        (((0.2, 0, 0), (0.2, 0)), {}, "start"),
        (((0.2, 0),), {}, "line"),
        (((0.2, 0), (0.3, 0)), {"x": 0.3}, "line"),
        ((), {}, "line"),
        ((), {"x": 0.3, "y": 0.3}, "line"),
        ((), {"z": 0.3}, "line"),
        ((), {"y": 3.0}, "line"),
        ((), {"y": 0.3, "samples": 1}, "samples"),
    ],
)
def test_wrong_lines(arguments, options, key):
    with pytest.raises(amr.InvalidSettingError) as error:
        random_field(2).line(*arguments, **options)
    assert error.value.key == key


# Slices and projections


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_slice_is_the_field_there(axis):
    field, number = random_field(3), "xyz".index(axis)
    at = field.mesh.domain.lower[number] + 0.3 * field.mesh.domain.lengths[number]
    cut = field.slice(axis, at, "noise")
    assert (cut.axes, cut.axis, cut.at) == (tuple("xyz".replace(axis, "")), axis, at)
    points = np.stack(np.meshgrid(*cut.coordinates, indexing="ij"), axis=-1)
    np.testing.assert_array_equal(cut.values, field.sample(np.insert(points, number, at, axis=-1), "noise"))
    layer = int(0.3 * field.uniform().shape[number])
    np.testing.assert_array_equal(cut.values, field.uniform("noise").take(layer, axis=number))
    assert repr(cut).startswith(f"noise at {axis} = {at:g}, t = 0.375: ")


@on_every_case
@given(data=st.data())
def test_projection_keeps_the_integral(case, data):
    field, mesh = make(case, *data.draw(pools(case))), case.mesh
    if mesh.ndim == 1:
        with pytest.raises(amr.InvalidSettingError, match="integral"):
            field.projection("x")
        return
    axis = data.draw(st.integers(0, mesh.ndim - 1))
    found, fine = field.projection(axis, "b"), field.uniform("b")
    expected = fine.sum(axis) * mesh.domain.lengths[axis] / fine.shape[axis]
    np.testing.assert_allclose(found.values, expected, atol=1e-12 * np.abs(fine).max())
    size = field.with_variable("b", lambda b: np.abs(b)).integral("b")
    assert abs(found.integral() - field.integral("b")) <= 1e-13 * size
    for level in range(mesh.max_level):
        coarse = field.projection(axis, "b", level)
        assert coarse.values.shape == tuple(n * 2**level for d, n in enumerate(mesh.cells) if d != axis)
        assert abs(coarse.integral() - field.integral("b")) <= 1e-13 * size


def test_wrong_planes():
    with pytest.raises(amr.InvalidSettingError, match=r"field.line"):
        random_field(2).slice("x", 0.3)
    for wrong in (lambda: random_field(3).slice("x", 9.0), lambda: random_field(3).slice("w")):
        with pytest.raises(amr.InvalidSettingError):
            wrong()
    with pytest.raises(amr.InvalidSettingError, match="'x', 'y'"):
        random_field(2).projection("z")


# Profiles


@on_few_cases
@given(data=st.data())
def test_profile_against_brute_force(case, data):
    field = make(case, *data.draw(pools(case)))
    leaves = field.patches()
    x, y = (np.moveaxis(leaves.values[:, v], 0, -1).ravel() for v in (0, 1))
    volume = np.broadcast_to(leaves.dx.prod(1), (*case.mesh.patch_shape, field.count)).ravel()
    found = field.profile("a", "b", bins=7)
    assert found.edges[0] <= x.min() <= x.max() <= found.edges[-1]
    for k, (low, up) in enumerate(zip(found.edges[:-1], found.edges[1:], strict=True)):
        here = (x >= low) & ((x < up) | (k == 6))
        np.testing.assert_allclose(found.weight[k], volume[here].sum())
        if here.any():
            mean = np.average(y[here], weights=volume[here])
            np.testing.assert_allclose(found.values[k], mean, atol=1e-12)
            spread = np.sqrt(np.average((y[here] - mean) ** 2, weights=volume[here]))
            np.testing.assert_allclose(found.spread[k], spread, atol=1e-7)
        else:
            assert np.isnan(found.values[k])


@on_every_dimension
def test_profiles_keep_volume_and_integral(ndim):
    field = random_field(ndim)
    for x in ("noise", "x", Radius(np.zeros(ndim)), lambda x, noise: x * noise):
        found = field.profile(x, "noise", bins=9)
        np.testing.assert_allclose(found.weight.sum(), field.mesh.domain.volume)
        np.testing.assert_allclose(np.nansum(found.values * found.weight), field.integral("noise"), atol=1e-13)
    histogram = field.profile("noise", bins=5)
    assert histogram.spread is None
    np.testing.assert_allclose(histogram.values.sum(), field.mesh.domain.volume)


def test_profile_by_weight_and_edges():
    field = random_field(2).with_variable("mass", lambda x: 1 + x)
    found = field.profile("x", "noise", bins=[0.1, 0.4, 0.7], weight="mass")
    np.testing.assert_allclose(found.weight.sum(), field.integral("mass"))
    product = field.with_variable("product", lambda noise, mass: noise * mass)
    np.testing.assert_allclose((found.values * found.weight).sum(), product.integral("product"))
    part = field.profile("x", "noise", bins=np.array([0.1, 0.4]))
    np.testing.assert_allclose(part.weight, 0.3 * 2)
    assert "noise against x: 2 bins" in repr(found)
    assert str(Radius((0.5, 1))) == "distance from (0.5, 1)"


@pytest.mark.parametrize("bins", [0, 2.5, [1.0], [1.0, 1.0], "many"])
def test_wrong_bins(bins):
    with pytest.raises(amr.InvalidSettingError) as error:
        random_field(1).profile("x", bins=bins)
    assert error.value.key == "bins"


# Derived variables


@on_every_dimension
def test_derived_variables(ndim):
    field = random_field(ndim)
    made = field.with_variable("sum", lambda linear, noise, x, t: linear + noise * x + t)
    assert made.names == ("linear", "noise", "sum")
    x = made.patches().centres(0)
    leaves = made.patches()
    expected = leaves.values[:, 0] + leaves.values[:, 1] * x.reshape(-1, 4, *(1,) * (ndim - 1)) + 0.375
    np.testing.assert_array_equal(leaves.values[:, 2], expected)
    assert not np.asarray(made.data)[..., field.count :].any()
    assert (made.time, made.step, made.data.dtype) == (field.time, field.step, field.data.dtype)
    again = made.with_variable("sum", lambda x, y=3: 0 * x + y)
    assert again.names == made.names
    assert again.minimum("sum") == again.maximum("sum") == 3
    for array in (2 * field.data[1], 2 * np.asarray(field.data[1])[..., : field.count]):
        np.testing.assert_array_equal(field.with_variable("twice", array).data[2], 2 * field.data[1])


def test_wrong_derived_variables():
    with pytest.raises(amr.InvalidSettingError, match="did you mean 'noise'"):
        random_field(1).with_variable("a", lambda nois: nois)
    with pytest.raises(amr.InvalidSettingError, match="shape"):
        random_field(1).with_variable("a", np.zeros((3, 3)))


# What a person sees


@on_every_dimension
def test_repr_tells_what_there_is(ndim):
    field = random_field(ndim)
    lines = repr(field).splitlines()
    assert len(lines) == 2
    level = field.patches().level
    assert f"Field at t = 0.375, step 7: {field.count} patches of {'x'.join('4' * ndim)}" in lines[0]
    assert f"levels {level.min()}-{level.max()}, {field.cells:,} cells" in lines[0]
    assert f"noise {field.minimum('noise'):.6g} to {field.maximum('noise'):.6g}" in lines[1]


def test_repr_of_what_is_not_there():
    field = random_field(1)
    seen = []
    jax.jit(lambda f: (seen.append((repr(f), f._repr_html_())), f.data)[1])(field)
    batch = jax.tree.map(lambda a: jnp.stack([jnp.asarray(a)] * 2), field)
    for text, html in [*seen, (repr(batch), batch._repr_html_())]:
        assert text.startswith("Field(")
        assert html is None


def test_html_is_a_table_without_tags_from_names():
    field = random_field(2)
    html = amr.Field(field.mesh, field.forest, field.data, ("<b>", "noise"))._repr_html_()
    assert "&lt;b&gt;" in html
    assert f"{field.integral('noise'):.6g}" in html
    assert html.count("<tr>") == 3


def test_linear_is_what_the_sample_says():
    field = random_field(3)
    np.testing.assert_allclose(field.with_variable("l", lambda x, y, z: linear((x, y, z))).data[2], field.data[0])


def test_forest_of_one_level_has_one_level():
    mesh = amr.Mesh(amr.Domain(0, 1), 8, patch=4)
    field = amr.Field(mesh, forest_of(mesh, np.zeros(2, int), 2), jnp.zeros((1, 4, 2)), ("a",))
    assert "on level 0, 8 cells (100.0%" in repr(field)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_line_as_a_table_has_all_digits(tmp_path, dtype):
    line = random_field(2, dtype=dtype).line((0.1, -1.0), (0.7, 0.9))
    line.to_csv(tmp_path / "new" / "line.csv")
    table = np.genfromtxt(tmp_path / "new" / "line.csv", delimiter=",", names=True)
    assert table.dtype.names == ("x", "y", "distance", "length", "level", "linear", "noise")
    np.testing.assert_array_equal(table["noise"].astype(dtype), line["noise"])
    np.testing.assert_array_equal(np.stack([table["x"], table["y"]], -1), line.points)
    for name, column in (("distance", line.distance), ("length", line.lengths), ("level", line.levels)):
        np.testing.assert_array_equal(table[name], column)
    line.to_csv(tmp_path / "line.csv", ["noise"])
    assert (tmp_path / "line.csv").read_text().startswith("x,y,distance,length,level,noise\n0.1")
    with pytest.raises(amr.InvalidSettingError, match="did you mean 'noise'"):
        line.to_csv(tmp_path / "line.csv", ["nois"])
