"""Classes whose phrases mislead, by the answers so far."""

import numpy as np

from stages.core.reporting import misleading

CLASSES = ["fee", "card", "pin"]


def test_a_class_that_is_mostly_called_otherwise_is_shown_with_the_class_named_instead_and_its_texts():
    actual = np.array([0] * 6 + [1] * 6 + [2] * 4 + [-1])
    named = np.array([0, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1])
    [fee] = misleading.found(actual, named, CLASSES)  # card is right, of pin there are too few
    assert (fee.name, fee.answered, fee.called, fee.instead, fee.rows) == ("fee", 6, 1, "card", [1, 2, 3])
    texts = [f"`text` {row} | x\n" for row in range(len(actual))]
    text = misleading.as_markdown([fee], texts)
    assert "- of 6 rows answered fee, the phrases find 1; they call most others card: `'text' 1 | x\\n`, " in text
    assert "labels.describe" in text


def test_without_a_class_that_misleads_nothing_is_said():
    actual = np.array([0] * 6 + [1] * 6)
    for named in (actual, np.full(12, -1)):
        assert misleading.found(actual, named, CLASSES) == []
    assert misleading.as_markdown([], []) == ""
