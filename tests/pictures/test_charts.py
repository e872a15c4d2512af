"""Curves: line-outs, profiles, convergence, histories."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from sample import random_field

import amr
from amr.field.profile import Radius
from amr.files import history as records
from amr.pictures import charts

plt.switch_backend("agg")


def curve_of(figure) -> np.ndarray:
    """All points of a line that is coloured by level."""
    (lines,) = (c for c in figure.axes[0].collections if isinstance(c, LineCollection))
    pieces = lines.get_segments()
    return np.concatenate([*(piece[:-1] for piece in pieces[:-1]), pieces[-1]])


def title(figure) -> str:
    return figure.axes[0].get_title(loc="left")


def test_line_out_is_drawn_over_its_coordinate():
    line = random_field(2).line(x=0.3)
    figure = line.plot("noise", norm="linear", vmin=-4, vmax=4)
    np.testing.assert_array_equal(curve_of(figure), np.stack([line.points[:, 1], line["noise"]], -1))
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("y", "noise")
    assert figure.axes[0].get_ylim() == (-4, 4)
    assert title(figure) == "t = 0.375,  x = 0.3"


def test_slanted_line_out_is_drawn_over_the_distance():
    line = random_field(3).line((0.2, -0.5, 2.1), (0.6, 0.5, 2.9))
    figure = line.plot(1)
    np.testing.assert_array_equal(curve_of(figure), np.stack([line.distance, line["noise"]], -1))
    assert figure.axes[0].get_xlabel() == "distance"
    assert title(figure) == "t = 0.375,  from (0.2, -0.5, 2.1) to (0.6, 0.5, 2.9)"
    with pytest.raises(amr.InvalidSettingError, match="did you mean 'noise'"):
        line.plot("nose")


def test_profile_is_drawn_with_its_spread():
    found = random_field(2).profile(Radius((0.4, 0)), "noise", bins=6)
    figure = found.plot()
    means, band = figure.axes[0].patches
    np.testing.assert_array_equal(means.get_data().values, found.values)
    np.testing.assert_allclose((band.get_data().values + band.get_data().baseline) / 2, found.values)
    assert figure.axes[0].get_xlabel() == "distance from (0.4, 0)"
    assert len(found.plot(spread=False).axes[0].patches) == 1
    bars = random_field(2).profile("noise", bins=6).plot(log=True)
    assert (bars.axes[0].get_ylabel(), bars.axes[0].get_yscale()) == ("volume", "log")


def test_orders_are_measured_and_written():
    cells = np.array([16, 32, 64])
    errors = {"second": 3.0 * cells**-2.0, "third": 5.0 * cells**-3.0}
    np.testing.assert_allclose(charts.measured_orders(cells, errors["third"]), 3)
    figure = charts.plot_convergence(cells, errors)
    assert [text.get_text() for text in figure.axes[0].texts] == ["2.00", "2.00", "3.00", "3.00"]
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["second", "third", "order 2", "order 3"]
    for line in figure.axes[0].lines[2:]:
        x, y = line.get_data()
        assert -np.diff(np.log(y))[0] / np.diff(np.log(x))[0] == pytest.approx(int(line.get_label()[-1]))
    named = charts.plot_convergence(cells, errors, orders=(1,))
    assert [line.get_label() for line in named.axes[0].lines] == ["second", "third", "order 1"]


@pytest.mark.parametrize("errors", [[1.0, 2.0], [1.0, 0.0, 1.0], [1.0, -1.0, 1.0]])
def test_errors_are_positive_numbers(errors):
    with pytest.raises(amr.InvalidSettingError) as error:
        charts.plot_convergence([8, 16, 32], {"a": errors})
    assert error.value.key == "errors"


ROWS = [
    {"time": 0.0, "mass": 1.0, "patches": 4, "note": "first"},
    {"time": 0.5, "mass": 1.5, "patches": 7, "note": "second"},
    {"time": 1.0, "mass": None, "patches": 9, "note": "third"},
]


@pytest.fixture(params=["csv", "jsonl", "mapping"])
def record(request, tmp_path):
    if request.param == "mapping":
        return {name: [np.nan if row[name] is None else row[name] for row in ROWS] for name in ROWS[0]}
    path = tmp_path / f"history.{request.param}"
    if request.param == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    else:
        lines = [",".join("" if value is None else str(value) for value in row.values()) for row in ROWS]
        path.write_text("\n".join([",".join(ROWS[0]), *lines]) + "\n")
    return path


def test_history_of_a_record(record):
    history = records.read_history(record)
    assert list(history.columns) == ["time", "mass", "patches"]
    np.testing.assert_array_equal(history.columns["mass"], [1, 1.5, np.nan])
    figure = charts.plot_history(record)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["mass", "patches"]
    np.testing.assert_array_equal(figure.axes[1].lines[0].get_xydata(), [(0, 4), (0.5, 7), (1, 9)])
    assert figure.axes[1].get_xlabel() == "time"
    (chosen,) = charts.plot_history(record, ["mass"], against="patches").axes
    np.testing.assert_array_equal(chosen.lines[0].get_xdata(), [4, 7, 9])


def test_history_without_a_time_goes_by_rows():
    (ax,) = charts.plot_history({"a": [3.0, 1.0]}).axes
    assert ax.get_xlabel() == "row"


def test_history_of_a_constant_shows_its_changes():
    (ax,) = charts.plot_history({"t": np.arange(3), "mass": 2 + np.array([0, 4e-16, -4e-16])}).axes
    assert ax.get_title(loc="left") == "mass - 2"
    assert np.abs(ax.lines[0].get_ydata()).max() == pytest.approx(4.4e-16, rel=0.1)


def test_wrong_histories(tmp_path):
    broken = tmp_path / "a.jsonl"
    broken.write_text("{not json\n")
    words = {"note": ["a", "b"]}
    wrong = [
        (tmp_path / "none.csv", {}, "record"),
        (broken, {}, "record"),
        (words, {}, "record"),
        ({"a": [1.0], "b": [1.0, 2.0]}, {}, "record"),
        ({"mass": [1.0]}, {"names": ["mas"]}, "names"),
        ({"mass": [1.0]}, {"against": "tim"}, "against"),
    ]
    for record, options, key in wrong:
        with pytest.raises(amr.InvalidSettingError) as error:
            charts.plot_history(record, **options)
        assert error.value.key == key
