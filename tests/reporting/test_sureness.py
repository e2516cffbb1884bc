"""How far the report trusts its own figures if people label."""

import numpy as np
import pytest

from stages.core.reporting import sureness
from stages.core.reporting.sureness import labels_to_target, to_target, wilson


@pytest.mark.parametrize(
    ("share", "rows", "low", "high"),
    [
        (0.9, 100, 0.8256, 0.9448),  # Wilson's limits by hand: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)
        (0.9, 200, 0.8506, 0.9344),
        (1.0, 100, 0.9630, 1.0),
        (0.0, 10, 0.0, 0.2775),
    ],
)
def test_the_interval_of_a_share_is_wilsons(share, rows, low, high):
    assert wilson(share, rows) == pytest.approx((low, high), abs=1e-4)


def right(*accuracies, rows=1_000):
    """Rows of the holdout that are right at each stage, in a stride that spreads them."""
    return np.array([np.arange(rows) * 0.618 % 1 < accuracy for accuracy in accuracies], float)


BUDGETS = np.array([100, 200, 400])


def test_a_power_law_is_extrapolated():
    # The error halves when the labels become four times as many: 0.4, 0.283, 0.2; at 1,600 it is 0.1.
    labels, low, high = labels_to_target(right(0.6, 0.717, 0.8), BUDGETS, 0.9)
    assert labels == pytest.approx(1_600, rel=0.15)
    assert low < labels < high
    sentence = to_target(right(0.6, 0.717, 0.8), BUDGETS, 0.9)
    assert sentence.startswith("If the curve goes on like this, accuracy 0.9 needs about 1,")
    assert to_target(right(0.8, 0.6, 0.717), np.array([400, 100, 200]), 0.9) == sentence


def test_a_smaller_holdout_gives_a_wider_interval():
    wide, narrow = (labels_to_target(right(0.6, 0.717, 0.8, rows=rows), BUDGETS, 0.82) for rows in (150, 5_000))
    assert wide is None or wide[2] - wide[1] > narrow[2] - narrow[1]


@pytest.mark.parametrize(
    ("accuracies", "budgets"),
    [((0.6, 0.7), (100, 200)), ((0.7, 0.7, 0.7), (100, 200, 400)), ((0.8, 0.75, 0.7), (100, 200, 400)),
     ((0.5, 0.52, 0.54), (100, 200, 400))],
)  # fmt: skip
def test_a_flat_falling_short_or_slow_curve_tells_nothing(accuracies, budgets):
    sentence = to_target(right(*accuracies), np.array(budgets), 0.9)
    assert sentence == "These stages and this holdout cannot tell how many labels accuracy 0.9 needs.\n"


def test_a_target_that_was_reached_is_reported_with_its_labels():
    assert to_target(right(0.7, 0.95, 0.93), BUDGETS, 0.9) == "Accuracy 0.9 was reached with 200 labels.\n"
    assert "but its interval begins at 0.8" in to_target(right(0.7, 0.92, 0.91, rows=100), BUDGETS, 0.9)


def test_a_model_without_errors_does_not_count_as_perfect():
    assert labels_to_target(right(0.9, 0.97, 1.0, rows=50), BUDGETS, 0.999) is None


def test_without_a_holdout_the_report_says_what_it_can_and_that_it_is_biased():
    one, two = np.array([[0, 1, 0, 1]]), np.array([[0, 1, 1, 1]])
    text = sureness.without_holdout([
        {"stage": "stage1", "labels": 10, "predicted": one, "sure": 0.6, "cross_validated": None},
        {"stage": "stage2", "labels": 20, "predicted": two, "sure": 0.7, "cross_validated": 0.8},
    ])  # fmt: skip
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| stage")]
    assert rows[0] == ["stage", "labels", "agreement", "cross-validated (biased)", "highest probability"]
    assert rows[1:] == [["stage1", "10", "", "", "0.6000"], ["stage2", "20", "0.5000", "0.8000", "0.7000"]]
    assert "it is biased, and no estimate for the pool" in text


def test_models_that_give_one_class_only_agree():
    assert sureness.kappa(np.zeros(5, int), np.zeros(5, int)) == 1.0
