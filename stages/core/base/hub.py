"""Loading from a hub. Its clients retry for minutes, or for ever, if nobody answers, so a question with a time limit goes first."""

from collections.abc import Callable
from typing import TypeVar

SECONDS = 5
Loaded = TypeVar("Loaded")


def load(ask: Callable[[], object], online: Callable[[], Loaded], offline: Callable[[], Loaded]) -> Loaded:
    """`online()` if the hub answers `ask()`, else `offline()`: what an earlier run has fetched.

    If that fails too, raises the error of `ask`: the hub being out of reach explains more.
    """
    from huggingface_hub.errors import HfHubHTTPError

    try:
        ask()
    except HfHubHTTPError:
        pass  # the hub answers; the loader explains better what is wrong with the name
    except Exception as unreachable:
        try:
            return offline()
        except Exception:
            raise unreachable from None
    return online()
