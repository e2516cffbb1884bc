"""Bars with the time left, of work that may take long: what is done within seconds shows none."""

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

SECONDS = 3  # until then nothing is shown


def bar(title: str, total: int, unit: str, of: Iterable[Any] | None = None) -> tqdm:
    """A bar to be moved on by `update`, or by going through what it is `of`, `total` long; an empty title keeps it silent."""
    return tqdm(
        of, title, total, unit=f" {unit}", unit_scale=True, file=sys.stderr, mininterval=1, delay=SECONDS, disable=not title
    )
