"""The hub's clients retry for minutes, or wait for ever, where nobody answers: one question with a time limit settles it first."""

from collections.abc import Callable
from typing import TypeVar

SECONDS = 5
Loaded = TypeVar("Loaded")


def load(ask: Callable[[], object], online: Callable[[], Loaded], offline: Callable[[], Loaded]) -> Loaded:
    """`online()` where the hub answers `ask()`; else `offline()`, what an earlier run has fetched.

    Where that is not there either, raises what `ask` raised: that the hub is out of reach explains more.
    """
    from huggingface_hub.errors import HfHubHTTPError

    try:
        ask()
    except HfHubHTTPError:
        pass  # the hub answers; what is wrong with the name the loader words better
    except Exception as unreachable:
        try:
            return offline()
        except Exception:
            raise unreachable from None
    return online()
