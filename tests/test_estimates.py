"""Likelihoods and running estimates are drawn where they belong, read back from the Axes."""

import numpy as np

from course_lib.plotting import estimates


def test_a_likelihood_is_marked_at_its_estimate():
    curve, point, _ = estimates.likelihood_curve([0.0, 0.5, 1.0], [-3.0, -1.0, -2.0], estimate=0.5, label="coin").lines
    np.testing.assert_array_equal(point.get_xydata(), [[0.5, -1.0]])
    assert curve.get_label() == "coin"


def test_running_estimates_stand_in_a_band_of_two_standard_errors():
    ax = estimates.running_estimates(np.full((100, 1), 0.3), truth=[0.5], labels=["heads"])
    band = ax.collections[0].get_paths()[0].vertices
    at_100 = band[band[:, 0] == 100][:, 1]
    assert sorted(set(np.round(at_100, 12))) == [0.4, 0.6]  # ½ ± 2 · √(½·½/100)
