"""One look for all figures."""

import matplotlib
from matplotlib.figure import Figure

from course_lib.plotting import style


def test_the_style_is_one_that_the_colour_blind_can_tell_apart():
    style.use()
    assert matplotlib.rcParams["axes.prop_cycle"].by_key()["color"] == list(style.PALETTE)
    assert style.axes(None).figure is not style.axes(None).figure
    ax = Figure().subplots()
    assert style.axes(ax) is ax
