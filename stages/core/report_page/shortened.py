"""Texts as the page holds them: cut where they are long, so that the page stays under its bytes."""

import base64
import json
import zlib
from collections.abc import Callable

CUT = "…"  # at the end of a text that goes on
NEVER_BELOW = 10  # characters


def cut(text: str, characters: int) -> str:
    """The text, or its first characters and a mark."""
    return text if len(text) <= characters else text[:characters].rstrip() + CUT


def fitting(texts: list[str], most: int, budget: int, size: Callable[[list[str]], int]) -> tuple[list[str], int]:
    """(texts cut at one length, that length): at most `most` characters, and as many as fit into `budget` bytes, about.

    size   bytes that a list of texts takes on the page
    """
    length = most
    while True:
        made = [cut(text, length) for text in texts]
        used = size(made)
        if used <= budget or length == NEVER_BELOW:
            return made, length
        # Texts shorter than the cut do not shrink with it, so this comes near the budget from above, in a few steps.
        length = max(NEVER_BELOW, int(length * 0.98 * budget / used))


def plain_size(texts: list[str]) -> int:
    """Bytes of the texts as json in UTF-8, with what stands between them."""
    return sum(len(json.dumps(text, ensure_ascii=False).encode()) + 6 * text.count("<") + 2 for text in texts)


def packed(texts: list[str]) -> str:
    """The texts as a json list, deflated (RFC 1950), in base64: what browsers can open by themselves."""
    return base64.b64encode(zlib.compress(json.dumps(texts, ensure_ascii=False).encode())).decode()


def packed_size(texts: list[str]) -> int:
    return len(packed(texts))
