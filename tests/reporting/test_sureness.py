"""What the report says of its own figures where people label."""

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
def test_the_interval_of_a_share_is_wilson_s(share, rows, low, high):
    assert wilson(share, rows) == pytest.approx((low, high), abs=1e-4)


def right(*accuracies, rows=1_000):
    """Rows of the holdout that are right at each stage, in a stride that spreads them."""
    return np.array([np.arange(rows) * 0.618 % 1 < accuracy for accuracy in accuracies], float)


BUDGETS = np.array([100, 200, 400])


def test_a_power_law_is_carried_on():
    # The error halves when the labels become four times as many: 0.4, 0.283, 0.2; at 1,600 it is 0.1.
    labels, low, high = labels_to_target(right(0.6, 0.717, 0.8), BUDGETS, 0.9, np.random.default_rng(0))
    assert labels == pytest.approx(1_600, rel=0.15)
    assert low < labels < high
    said = to_target(right(0.6, 0.717, 0.8), BUDGETS, 0.9)
    assert said.startswith("If the curve goes on as it went, accuracy 0.9 takes about 1,")
    assert to_target(right(0.8, 0.6, 0.717), np.array([400, 100, 200]), 0.9) == said


def test_a_smaller_holdout_is_less_sure():
    wide, narrow = (
        labels_to_target(right(0.6, 0.717, 0.8, rows=rows), BUDGETS, 0.82, np.random.default_rng(0)) for rows in (150, 5_000)
    )
    assert wide is None or wide[2] - wide[1] > narrow[2] - narrow[1]


@pytest.mark.parametrize(
    ("accuracies", "budgets"),
    [((0.6, 0.7), (100, 200)), ((0.7, 0.7, 0.7), (100, 200, 400)), ((0.8, 0.75, 0.7), (100, 200, 400)),
     ((0.5, 0.52, 0.54), (100, 200, 400))],
)  # fmt: skip
def test_what_does_not_rise_or_is_too_far_or_too_little_cannot_be_said(accuracies, budgets):
    said = to_target(right(*accuracies), np.array(budgets), 0.9)
    assert said == "How many labels it takes to accuracy 0.9 cannot be said from these stages and this holdout.\n"


def test_a_target_that_was_reached_is_told_with_its_labels():
    assert to_target(right(0.7, 0.95, 0.93), BUDGETS, 0.9) == "Accuracy 0.9 was reached with 200 labels.\n"
    assert "though the interval begins at 0.8" in to_target(right(0.7, 0.92, 0.91, rows=100), BUDGETS, 0.9)


def test_a_model_without_an_error_is_not_taken_for_perfect():
    assert labels_to_target(right(0.9, 0.97, 1.0, rows=50), BUDGETS, 0.999, np.random.default_rng(0)) is None


def test_without_a_holdout_it_says_what_can_be_said_and_that_it_is_biased():
    one, two = np.array([[0, 1, 0, 1]]), np.array([[0, 1, 1, 1]])
    text = sureness.without_holdout([
        {"stage": "stage1", "labels": 10, "predicted": one, "sure": 0.6, "cross_validated": None},
        {"stage": "stage2", "labels": 20, "predicted": two, "sure": 0.7, "cross_validated": 0.8},
    ])  # fmt: skip
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| stage")]
    assert rows[0] == [
        "stage",
        "labels",
        "agreement",
        "cross-validated (biased)",
        "highest probability",
    ]
    assert rows[1:] == [["stage1", "10", "", "", "0.6000"], ["stage2", "20", "0.5000", "0.8000", "0.7000"]]
    assert "biased by that, and no estimate for the pool" in text


def test_models_that_name_one_class_alone_agree():
    assert sureness.kappa(np.zeros(5, int), np.zeros(5, int)) == 1.0
