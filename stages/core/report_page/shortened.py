"""Texts on the page, cut so that the page stays within its bytes."""

import base64
import json
import zlib
from collections.abc import Callable

CUT = "…"  # marks a text that was cut
SHORTEST = 10  # characters


def cut(text: str, characters: int) -> str:
    """The text, or its first characters and a mark."""
    return text if len(text) <= characters else text[:characters].rstrip() + CUT


def fitting(texts: list[str], most: int, budget: int, size: Callable[[list[str]], int]) -> tuple[list[str], int]:
    """(texts cut to one length, that length): at most `most` characters, and about `budget` bytes of the page by `size`."""
    length = most
    while True:
        short = [cut(text, length) for text in texts]
        used = size(short)
        if used <= budget or length == SHORTEST:
            return short, length
        # Short texts do not shrink, so this approaches the budget from above, in a few steps.
        length = max(SHORTEST, int(length * 0.98 * budget / used))


def plain_size(texts: list[str]) -> int:
    """Bytes of the texts as json in UTF-8, with the commas between them."""
    return sum(len(json.dumps(text, ensure_ascii=False).encode()) + 6 * text.count("<") + 2 for text in texts)


def packed(texts: list[str]) -> str:
    """The texts as a json list, deflated (RFC 1950), in base64, which browsers can unpack."""
    return base64.b64encode(zlib.compress(json.dumps(texts, ensure_ascii=False).encode())).decode()
