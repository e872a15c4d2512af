"""Several variables or times in one picture: what each panel shows, and what the panels have in common."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sample import random_field

import amr
from amr.plot import plot_panels
from amr.views import AlongLine, Coarsened

plt.switch_backend("agg")


def later(number: int, ndim: int) -> amr.Field:
    field = random_field(ndim)
    return amr.Field(field.mesh, field.forest, field.data * (1 + number), field.names, float(number), number)


def panels(figure) -> list:
    """The axes of a picture; bars of colours are theirs."""
    return figure.axes


def bars(figure) -> int:
    return sum(len(ax.child_axes) for ax in figure.axes)


def test_variables_beside_each_other():
    field = later(0, 2)
    figure = plot_panels(field, ("linear", "noise"), title="both", cmap="magma")
    first, second = panels(figure)
    for ax, name in ((first, "linear"), (second, "noise")):
        np.testing.assert_array_equal(ax.images[0].get_array(), field.plot(name).axes[0].images[0].get_array())
        assert ax.images[0].cmap.name == "magma"
    assert first.get_shared_x_axes().joined(first, second)
    assert first.get_shared_y_axes().joined(first, second)
    assert [ax.get_ylabel() for ax in (first, second)] == ["y", ""]
    assert [ax.get_title(loc="left") for ax in (first, second)] == ["t = 0", ""]
    assert figure.get_suptitle() == "both"
    assert bars(figure) == 2


def test_times_have_one_range_of_values():
    figure = plot_panels([later(number, 2) for number in range(5)], "noise", vmax=2.0)
    found = panels(figure)
    assert [ax.get_title(loc="left") for ax in found] == [f"t = {number}" for number in range(5)]
    (ends,) = {ax.images[0].get_clim() for ax in found}
    assert ends == (later(4, 2).minimum("noise"), 2.0)
    assert bars(figure) == 1  # three panels in the first row, two below
    figure.draw_without_rendering()
    assert [ax.xaxis.get_tick_params()["labelbottom"] for ax in found] == [False, False, True, True, True]
    assert len(panels(plot_panels([later(number, 2) for number in range(4)], columns=4))) == 4


def test_times_and_variables_make_a_table(tmp_path):
    paths = [tmp_path / f"a_{number}.vtkhdf" for number in range(2)]
    for number, path in enumerate(paths):
        later(number, 2).save(path)
    found = panels(plot_panels(paths, ("linear", "noise"), patches=False))
    assert [ax.get_title(loc="left") for ax in found] == ["t = 0", "t = 1", "", ""]
    clims = [ax.images[0].get_clim() for ax in found]
    assert clims[0] == clims[1] != clims[2] == clims[3]
    np.testing.assert_allclose(found[3].images[0].get_array(), 2 * found[2].images[0].get_array())


def test_curves_lie_below_each_other():
    figure = plot_panels(later(0, 1), ("linear", "noise"), exact=lambda x: x)
    first, second = panels(figure)
    assert first.get_position().y0 > second.get_position().y1
    assert not first.get_shared_y_axes().joined(first, second)
    assert [ax.get_ylabel() for ax in (first, second)] == ["linear", "noise"]
    table = panels(plot_panels([later(0, 1), later(1, 1)], ("linear", "noise")))
    assert table[0].get_ylim() == table[1].get_ylim() != table[2].get_ylim()
    lines = amr.pictures.draw_panels(later(0, 2), [AlongLine("noise", y=0.0), Coarsened(AlongLine("noise", y=0.0), 0)])
    assert len(panels(lines)) == 2


def test_slices_of_each_variable_are_a_row():
    field = later(0, 3)
    figure = plot_panels(field, ("linear", "noise"))
    assert [len([ax for ax in part.axes if ax.images]) for part in figure.subfigs] == [3, 3]
    assert len(panels(plot_panels(field, ("linear", "noise"), axis="x"))) == 2


@pytest.mark.parametrize(
    ("fields", "options", "message"),
    [
        ([], {}, "fields: expected one or more fields"),
        ([later(0, 1), later(0, 2)], {}, "fields: expected one or more fields"),
        ([later(0, 2)], {"names": ()}, "names: expected at least one variable"),
        ([later(0, 2)], {"names": ("linear", "nois")}, "variable: no variable 'nois' here"),
        ([later(0, 2)], {"columns": 0}, "columns: expected a number of panels, got 0"),
    ],
)
def test_mistakes_are_told(fields, options, message):
    with pytest.raises(amr.InvalidSettingError, match=message):
        plot_panels(fields, **options)
