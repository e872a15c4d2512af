"""Contours, arrows, streamlines, titles and exact solutions: where they lie, and what is said of mistakes."""

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.contour import QuadContourSet
from matplotlib.quiver import Quiver
from sample import random_field

import amr
from amr.pictures.section import Section
from amr.pictures.smooth import smooth, smooth_sides, to_the_edges

plt.switch_backend("agg")


def tilted(ndim: int, periodic=False) -> amr.Field:
    """A linear variable and a flow of linear components on leaves of all levels; `far` is the distance from a point."""
    field = random_field(ndim, periodic=periodic)
    names = "xyz"[:ndim]
    functions = {
        "x": {"flow_x": lambda x: 2 + x, "far": lambda x: abs(x - 0.4)},
        "xy": {"flow_x": lambda x, y: 1 + y, "flow_y": lambda x, y: x, "far": lambda x, y: np.hypot(x - 0.4, y)},
        "xyz": {"flow_x": lambda y: 1 + y, "flow_y": lambda x: x, "flow_z": lambda z: z, "far": lambda x: x},
    }[names]
    for name, function in functions.items():
        field = field.with_variable(name, function)
    return field


def drawn(figure, kind) -> list:
    return [part for ax in figure.axes for part in ax.collections if isinstance(part, kind)]


@pytest.mark.parametrize(("ndim", "axis", "at"), [(2, None, None), (3, "x", 0.23), (3, "y", -1.0), (3, "z", 2.5)])
def test_what_is_linear_stays_so_across_levels(ndim, axis, at):
    field = tilted(ndim)
    section = Section(field, axis, at)
    sides, grid = to_the_edges(section, smooth(section, field.index("linear")))
    x = [None] * ndim
    for d, side in zip(section.dims, sides, strict=True):
        x[d] = side[None, :] if d == section.dims[0] else side[:, None]
    if section.axis is not None:
        # Half a cell of the coarsest leaves from the ends there are no cells on the other side to go between.
        x[section.axis] = section.at
    expected = np.broadcast_to(sum(10.0**d * part for d, part in enumerate(x)), grid.shape)
    inside = at is None or abs(at - field.mesh.domain.lower[section.axis]) > 1e-9
    spread = 1e-11 if inside else 10.0**section.axis * 0.5
    np.testing.assert_allclose(grid, expected, atol=spread)
    assert [len(side) for side in smooth_sides(section)] == [len(side) - 2 for side in sides]


def test_contours_lie_where_the_variable_has_their_values():
    field = tilted(2)
    figure = field.plot("linear", contours=[0.0, -5.0])
    (lines,) = drawn(figure, QuadContourSet)
    assert list(lines.levels) == [-5.0, 0.0]
    for value, path in zip(lines.levels, lines.get_paths(), strict=True):
        np.testing.assert_allclose(path.vertices @ [1, 10], value, atol=1e-9)
        assert np.ptp(path.vertices[:, 0]) == pytest.approx(0.6)  # from edge to edge
    (lines,) = drawn(field.plot("far", contours=3), QuadContourSet)
    low, high = field.minimum("far"), field.maximum("far")
    np.testing.assert_allclose(lines.levels, low + (high - low) * np.array([0.25, 0.5, 0.75]))


def test_contours_alone_have_the_colours():
    figure = tilted(2).plot("far", contours=4, fill=False)
    (lines,) = drawn(figure, QuadContourSet)
    assert not figure.axes[0].images
    assert len(np.unique(lines.get_edgecolor(), axis=0)) == 4
    assert "far" in [ax.get_ylabel() for ax in figure.findobj(plt.Axes)]
    assert figure.axes[0].get_aspect() == 1
    assert figure.axes[0].get_xlim() == (0.1, 0.7)


def test_a_field_that_is_constant_has_no_contours_and_one_colour():
    field = random_field(2)
    field = field.with_variable("same", lambda noise: 3.7 + 1e-15 * np.sign(noise))
    figure = field.plot("same", contours=5, streamlines=("same", "same"), vectors=("same", "same"))
    (image, (low, high)) = figure.axes[0].images[0], figure.axes[0].images[0].get_clim()
    assert low < 3.6 < 3.8 < high
    assert len(np.unique(image.cmap(image.norm(image.get_array())).reshape(-1, 4), axis=0)) == 1
    assert not drawn(figure, QuadContourSet)
    single = amr.Field(field.mesh, field.forest, (3.7 + 1e-7 * field.data).astype(jnp.float32), field.names)
    assert np.ptp(single.plot("noise").axes[0].images[0].get_clim()) > 0.1
    line = single.line(y=0.0).plot("noise").axes[0]
    assert np.ptp(line.get_ylim()) > 0.1


@pytest.mark.parametrize("log", [False, True])
def test_ticks_tell_nearly_equal_values_apart(log):
    field = random_field(2).with_variable("near", lambda noise: 1 + 1e-7 * noise)
    for axis in (
        next(ax for ax in field.plot("near", log=log).findobj(plt.Axes) if ax.get_ylabel() == "near").yaxis,
        field.line(y=0.0).plot("near", norm="log" if log else None).axes[0].yaxis,
    ):
        axis.get_figure(root=True).draw_without_rendering()
        labels = [label.get_text() for label in axis.get_ticklabels() if label.get_text()]
        assert len(set(labels)) == len(labels) > 2
        assert all(label.startswith(("1.000000", "0.999999")) for label in labels)
        assert not axis.get_offset_text().get_text()


def test_arrows_are_the_vectors_at_their_places():
    field = tilted(2)
    figure = field.plot("noise", vectors=("flow_x", "flow_y"))
    (arrows,) = drawn(figure, Quiver)
    finest = np.min(field.patches().dx, axis=0)
    expected = [1 + arrows.XY[:, 1], arrows.XY[:, 0]]
    for part, value, width in zip((arrows.U, arrows.V), expected, finest[::-1], strict=True):
        np.testing.assert_allclose(part, value, atol=0.51 * width)
    longest = np.hypot(arrows.U, arrows.V).max()
    assert figure.axes[0].get_title(loc="left") == f"t = 0.375,  longest arrow {longest:.3g}"
    named = drawn(field.plot("noise", vectors="flow"), Quiver)[0]
    np.testing.assert_array_equal(named.U, arrows.U)


def test_streamlines_go_along_the_flow():
    field = tilted(2)
    figure = field.plot("noise", streamlines="flow", patches=False)
    segments = [part for lines in drawn(figure, LineCollection) for part in lines.get_segments()]
    middle = np.concatenate([(part[1:] + part[:-1]) / 2 for part in segments])
    step = np.concatenate([np.diff(part, axis=0) for part in segments])
    middle, step = (part[np.hypot(*step.T) > 0] for part in (middle, step))
    flow = np.stack([1 + middle[:, 1], middle[:, 0]], -1)
    cross = np.abs(step[:, 0] * flow[:, 1] - step[:, 1] * flow[:, 0])
    assert np.median(cross / (np.hypot(*step.T) * np.hypot(*flow.T))) < 0.05


def test_three_slices_are_what_a_field_in_3d_shows():
    field = tilted(3)
    figure = field.plot("noise", vectors="flow", contours=3)
    assert len([ax for ax in figure.axes if ax.images]) == 3
    assert [len(drawn(figure, kind)) for kind in (Quiver, QuadContourSet)] == [3, 3]
    across = drawn(figure, Quiver)
    assert len({arrows.scale * 0 + 1 for arrows in across}) == 1
    assert len([ax for ax in field.plot("noise", axis="z").axes if ax.images]) == 1
    one = drawn(field.plot("noise", axis="x", vectors=("flow_y", "flow_z")), Quiver)[0]
    np.testing.assert_array_equal(one.U, drawn(field.plot("noise", axis="x", vectors="flow"), Quiver)[0].U)


def test_titles_take_the_place_of_the_time():
    field = random_field(2)
    assert field.plot(title=r"$x_{i}$ at {time}").axes[0].get_title(loc="left") == "$x_{i}$ at 0.375"
    assert random_field(1).plot(title="a").axes[0].get_title(loc="left") == "a"
    assert random_field(3).plot(title="b").get_suptitle() == "b"
    assert field.line(y=0.0).plot(title="c").axes[0].get_title(loc="left") == "c"
    assert amr.plot.plot_levels(field, title="d").axes[0].get_title(loc="left") == "d"
    assert field.projection("x").plot(title="e").axes[0].get_title(loc="left") == "e"


def exact_of(figure):
    (line,) = figure.axes[0].lines
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["computed", "exact"]
    return line.get_xydata().T


def test_exact_solutions_are_laid_over_curves():
    field = random_field(1)
    x, y = exact_of(field.plot("linear", exact=lambda x: x**2))
    np.testing.assert_allclose(y, x**2)
    assert (x[0], x[-1]) == (0.1, 0.7)
    x, y = exact_of(field.plot("linear", exact=lambda x, t: x + 100 * t))
    np.testing.assert_allclose(y, x + 37.5)
    assert field.plot("linear", exact=lambda x: 100 + x).axes[0].get_ylim()[1] > 100
    centres = field.patches().centres(0).ravel()
    x, y = exact_of(field.plot("linear", exact=2 * centres))
    np.testing.assert_allclose([x, y], [centres, 2 * centres])
    x, y = exact_of(random_field(2).line((0.1, -1.0), (0.7, 1.0)).plot("linear", exact=lambda x, y, t: x + y + t))
    np.testing.assert_allclose(y, -0.525 + 2.6 * x / np.hypot(0.6, 2))


@pytest.mark.parametrize(
    ("ndim", "options", "message"),
    [
        (2, {"contours": "x"}, "contours: expected a number of lines, or their values, got 'x'"),
        (2, {"contours": 0}, "contours: expected a number"),
        (2, {"contours": True}, "contours: expected a number"),
        (2, {"contours": [1.0, np.nan]}, "contours: expected a number"),
        (1, {"contours": 3}, "contours: is for pictures of a plane, and this field has 1D"),
        (2, {"vectors": ("flow_x",)}, r"vectors: expected two variables, such as \('u', 'v'\), got \('flow_x',\)"),
        (2, {"vectors": "flo"}, "vectors: expected two variables, such as .* or a vector's name, got 'flo'"),
        (2, {"streamlines": ("flow_x", "flow_z")}, "streamlines: no variable 'flow_z' here.* did you mean 'flow_"),
        (2, {"vectors": 3}, "vectors: expected two variables"),
        (3, {"vectors": ("flow_x", "flow_y")}, "vectors: three slices need three components"),
        (2, {"fill": False}, "fill: without colours nothing is to be seen"),
        (2, {"exact": lambda x: x}, "exact: is laid over curves"),
        (1, {"exact": lambda x: x[:3]}, "exact: expected one number for each of 2049 points"),
        (1, {"exact": lambda x: 1 / 0}, "exact: the function fails: ZeroDivisionError"),
        (1, {"exact": [1.0, 2.0]}, "exact: expected one number for each of"),
    ],
)
def test_mistakes_are_told(ndim, options, message):
    with pytest.raises(amr.InvalidSettingError, match=message):
        tilted(ndim).plot("linear", **options)
