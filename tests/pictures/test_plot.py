"""Pictures: every pixel against the field sampled there, outlines against the patches."""

import itertools
import time

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import CenteredNorm, LogNorm
from sample import random_field

import amr
from amr.mesh.lookup import locate
from amr.pictures import canvas, plot, section
from amr.pictures.plot import plot as draw
from amr.pictures.section import PIXELS, Section

plt.switch_backend("agg")


def image_of(figure):
    return figure.axes[0].images[0]


def lines_of(figure) -> list:
    return [c for c in figure.axes[0].collections if isinstance(c, LineCollection)]


def pixel_centres(image) -> np.ndarray:
    """Coordinates in the picture, shape `(rows, columns, 2)`."""
    left, right, bottom, top = image.get_extent()
    rows, columns = image.get_array().shape
    x = left + (np.arange(columns) + 0.5) * (right - left) / columns
    y = bottom + (np.arange(rows) + 0.5) * (top - bottom) / rows
    return np.stack(np.meshgrid(x, y), axis=-1)


@pytest.mark.parametrize("pixels", [PIXELS, 13])
def test_image_shows_the_field(monkeypatch, pixels):
    monkeypatch.setattr(section, "PIXELS", pixels)
    field = random_field(2)
    image = image_of(draw(field, "noise"))
    assert max(image.get_array().shape) == min(pixels, 48)
    np.testing.assert_array_equal(image.get_array(), field.sample(pixel_centres(image), "noise"))
    assert image.origin == "lower"


@pytest.mark.parametrize("axis", [0, 1, 2, "x", "y", "z"])
def test_slice_shows_the_field(axis):
    field, number = random_field(3), "xyz".find(axis) if isinstance(axis, str) else axis
    at = field.mesh.domain.lower[number] + 0.3 * field.mesh.domain.lengths[number]
    figure = draw(field, 1, axis=axis, at=at)
    image = image_of(figure)
    points = np.insert(pixel_centres(image), number, at, axis=-1)
    np.testing.assert_array_equal(image.get_array(), field.sample(points, 1))
    labels = "xyz".replace("xyz"[number], "")
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == tuple(labels)
    assert f"{'xyz'[number]} = {at:.4g}" in figure.axes[0].get_title(loc="left")


@pytest.mark.parametrize("ndim", [2, 3])
def test_levels_are_shown(ndim):
    field = random_field(ndim)
    image = image_of(amr.plot.plot_levels(field))
    points = pixel_centres(image) if ndim == 2 else np.insert(pixel_centres(image), 2, 2.5, axis=-1)
    np.testing.assert_array_equal(image.get_array(), field.levels(points))


def test_outlines_are_the_lower_edges_of_the_patches():
    field = random_field(2)
    (lines,) = lines_of(draw(field))
    found = {tuple(np.ravel(segment)) for segment in lines.get_segments()}
    leaves = field.patches()
    expected = set()
    for (x0, y0), (x1, y1) in zip(leaves.lower, leaves.upper, strict=True):
        expected |= {(x0, y0, x0, y1), (x0, y0, x1, y0)}
    assert found == expected
    assert not lines_of(draw(field, patches=False))


def test_slice_outlines_only_the_patches_it_cuts():
    field = random_field(3)
    leaves, at = field.patches(), 2.3
    cut = ((leaves.lower[:, 2] <= at) & (at < leaves.upper[:, 2])).sum()
    (lines,) = lines_of(draw(field, at=at))
    assert len(lines.get_segments()) == 2 * cut < 2 * field.count


def test_line_goes_through_every_cell():
    field = random_field(1)
    lines = lines_of(draw(field, "noise", patches=False))
    pieces = lines[0].get_segments()
    leaves = field.patches()
    assert len(pieces) == 1 + np.count_nonzero(np.diff(leaves.level))
    found = np.concatenate([*(piece[:-1] for piece in pieces[:-1]), pieces[-1]])
    np.testing.assert_allclose(found[:, 0], leaves.centres(0).ravel())
    np.testing.assert_array_equal(found[:, 1], leaves.values[:, 1].ravel())
    for one, following in itertools.pairwise(pieces):
        np.testing.assert_array_equal(one[-1], following[0])
    starts = leaves.level[np.concatenate([[True], np.diff(leaves.level) != 0])]
    colours = {level: tuple(c) for level, c in zip(starts, lines[0].get_colors(), strict=True)}
    assert len(set(colours.values())) == len(set(leaves.level))


def test_levels_in_1d_are_steps():
    field = random_field(1)
    (steps,) = plot.plot_levels(field).axes[0].patches
    np.testing.assert_array_equal(steps.get_data().values, field.patches().level)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_figure_is_complete_and_not_registered(ndim, tmp_path):
    field, before = random_field(ndim), plt.get_fignums()
    figure = draw(field, "noise")
    assert plt.get_fignums() == before
    assert "t = 0.375" in (figure.axes[0].get_title(loc="left") if ndim < 3 else figure.get_suptitle())
    labels = [ax.get_ylabel() for ax in figure.findobj(plt.Axes)]
    assert "noise" in labels
    assert figure._repr_png_().startswith(b"\x89PNG")
    figure.savefig(tmp_path / "a.pdf")


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_given_axes_limits_and_colours(ndim):
    figure, axes = plt.subplots(1, 2)
    assert draw(random_field(ndim), vmin=-1.0, vmax=3.0, cmap="magma", ax=axes[1]) is figure
    assert amr.plot.plot_levels(random_field(ndim), ax=axes[0]) is figure
    limits = axes[1].images[0].get_clim() if ndim > 1 else axes[1].get_ylim()
    assert limits == (-1, 3)
    plt.close(figure)


def test_coarser_and_logarithmic():
    field = random_field(2)
    picture = field.plot("noise", level=0).axes[0].images[0]
    same = field.coarsened(0).plot("noise").axes[0].images[0]
    np.testing.assert_array_equal(picture.get_array(), same.get_array())
    positive = field.with_variable("square", lambda noise: noise**2 + 1)
    assert isinstance(positive.plot("square", log=True).axes[0].images[0].norm, LogNorm)


def test_field_plots_itself():
    field = random_field(2)
    np.testing.assert_array_equal(image_of(field.plot("noise")).get_array(), image_of(draw(field, 1)).get_array())


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_locate_agrees_with_the_field(ndim):
    field = random_field(ndim, max_level=2)
    rng = np.random.default_rng(0)
    sides = [
        rng.uniform(low, high, 17) for low, high in zip(field.mesh.domain.lower, field.mesh.domain.upper, strict=True)
    ]
    slot, cell = locate(field.mesh, field.forest, np.ix_(*sides))
    expected_slot, expected_cell = field.locate(np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1))
    np.testing.assert_array_equal(slot, expected_slot)
    np.testing.assert_array_equal(np.stack(cell, axis=-1), expected_cell)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"axis": "w"}, "axis"),
        ({"axis": 3}, "axis"),
        ({"at": 9.0}, "at"),
        ({"name": "?"}, "variable"),
        ({"cmap": "virdis"}, "cmap"),
        ({"norm": "loog"}, "norm"),
        ({"norm": "log", "vmin": -1.0}, "norm"),
        ({"vmin": 2.0, "vmax": 1.0}, "vmin"),
    ],
)
def test_wrong_options(options, key):
    with pytest.raises(amr.InvalidSettingError) as error:
        draw(random_field(3), **options)
    assert error.value.key == key


def test_names_come_with_advice():
    with pytest.raises(amr.InvalidSettingError, match="did you mean 'viridis'"):
        draw(random_field(2), cmap="virdis")
    with pytest.raises(amr.InvalidSettingError, match="did you mean 'noise'"):
        draw(random_field(2), "nois")


@pytest.mark.parametrize(("ndim", "axis"), [(2, 2), (3, 0), (3, 1), (3, 2)])
def test_pixels_at_random_points_are_samples(ndim, axis):
    """What the eye sees at 1000 places is what the field has there."""
    field, rng = random_field(ndim, seed=3), np.random.default_rng(1)
    shown = Section(field, axis, None)
    image = image_of(draw(field, "noise", axis=axis))
    left, right, bottom, top = image.get_extent()
    x, y = rng.uniform(left, right, 1000), rng.uniform(bottom, top, 1000)
    rows, columns = image.get_array().shape
    row, column = (
        ((y - bottom) / (top - bottom) * rows).astype(int),
        ((x - left) / (right - left) * columns).astype(int),
    )
    points = np.stack([x, y], -1) if ndim == 2 else np.insert(np.stack([x, y], -1), axis, shown.at, axis=-1)
    np.testing.assert_array_equal(image.get_array()[row, column], field.sample(points, "noise"))


def test_three_slices_share_their_colours():
    field = random_field(3)
    point = np.add(field.mesh.domain.lower, np.multiply(field.mesh.domain.lengths, 0.3))
    figure = plot.plot_slices(field, "noise", at=point)
    images = [ax.images[0] for ax in figure.axes[:3]]
    assert len({image.get_clim() for image in images}) == 1
    assert images[0].get_clim() == (min(i.get_array().min() for i in images), max(i.get_array().max() for i in images))
    for axis, image in enumerate(images):
        points = np.insert(pixel_centres(image), axis, point[axis], axis=-1)
        np.testing.assert_array_equal(image.get_array(), field.sample(points, "noise"))
    with pytest.raises(amr.InvalidSettingError, match="3D"):
        plot.plot_slices(random_field(2))


def test_projection_and_slice_are_drawn_as_they_are():
    field = random_field(3)
    plane = field.projection("y", "noise")
    image = image_of(plot.plot_projection(field, "noise", "y"))
    np.testing.assert_array_equal(image.get_array(), plane.values.T)
    assert image.get_extent() == [0.1, 0.7, 2.0, 3.0]
    cut = field.slice("x", 0.2, "noise")
    np.testing.assert_array_equal(image_of(cut.plot()).get_array(), cut.values.T)
    flat = random_field(2).projection("x", "noise")
    (curve,) = flat.plot().axes[0].lines
    np.testing.assert_array_equal(curve.get_xydata().T, [flat.coordinates[0], flat.values])


def test_logarithmic_scales():
    field = random_field(2).with_variable("positive", lambda noise: noise**2 + 0.01)
    image = image_of(draw(field, "positive", norm="log", vmin=0.1))
    assert isinstance(image.norm, LogNorm)
    assert image.get_clim() == (0.1, np.max(image.get_array()))
    given = LogNorm(vmin=0.5, vmax=9.0)
    assert image_of(draw(field, "positive", norm=given)).get_clim() == (0.5, 9)
    assert image_of(draw(field, "positive", norm=given, vmax=7.0)).get_clim() == (0.5, 7)
    assert (given.vmin, given.vmax) == (0.5, 9.0)
    assert draw(random_field(1), "linear", norm="log").axes[0].get_yscale() == "log"
    with pytest.raises(amr.InvalidSettingError, match="positive"):
        draw(field.with_variable("negative", lambda positive: -positive), "negative", norm="log")


def test_a_centred_scale_reaches_as_far_on_either_side():
    field = random_field(2).with_variable("uneven", lambda noise: noise**2 - 0.1)
    image = image_of(draw(field, "uneven", norm=CenteredNorm()))
    largest = np.max(np.abs(image.get_array()))
    assert image.get_clim() == (-largest, largest)
    assert image_of(draw(field, "uneven", norm=CenteredNorm(1.0), vmax=5.0)).get_clim() == (-3.0, 5.0)


@pytest.mark.parametrize(("lengths", "place"), [((8, 0.5), "below"), ((0.5, 8), "beside"), ((1, 1), "beside")])
def test_bar_has_room_for_its_labels(lengths, place):
    mesh = amr.Mesh(amr.Domain((0, 0), lengths), [max(4, int(8 * n)) for n in lengths], patch=4)
    data = jnp.ones((1, 4, 4, mesh.root_count))
    figure = draw(amr.Field(mesh, amr.mesh.forest.root_forest(mesh, mesh.root_count), data, ("phi",)))
    figure.draw_without_rendering()
    (bar,) = (ax for ax in figure.findobj(plt.Axes) if ax is not figure.axes[0] and ax.collections)
    image, box = figure.axes[0].get_window_extent(), bar.get_window_extent()
    assert (box.y1 < image.y0) if place == "below" else (box.x0 > image.x1)
    assert max(box.width, box.height) > 200


def test_range_of_what_is_not_finite():
    assert canvas.data_range(np.array([np.nan, 2.0, np.inf, -1.0])) == (-1, 2)
    assert canvas.data_range(np.array([np.nan])) == (0, 0)
    assert canvas.data_range(np.array([0.0, -1.0, 3.0, 0.5]), "log") == (0.5, 3)


def test_many_patches_are_quick():
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (576, 576), patch=8)
    forest = amr.mesh.forest.root_forest(mesh, mesh.root_count)
    field = amr.Field(mesh, forest, jnp.ones((1, 8, 8, mesh.root_count)), ("phi",))
    draw(field)
    start = time.perf_counter()
    draw(field)
    assert time.perf_counter() - start < 1.0  # 0.1 s on a quiet machine
