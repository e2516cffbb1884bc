"""Progress bars with the time left. Work that ends within seconds shows none."""

from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

SECONDS = 3  # before this nothing is shown


def bar(title: str, total: int, unit: str, of: Iterable[Any] | None = None) -> tqdm:
    """A bar that advances by `update`, or by iterating over `of`, which has `total` entries. An empty title hides it."""
    return tqdm(of, title, total, unit=f" {unit}", unit_scale=True, mininterval=1, delay=SECONDS, disable=not title)
