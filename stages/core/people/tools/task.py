"""One text that another tool is to ask for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """guess: the class that the model predicts, where it is to be shown"""

    key: str
    text: str
    guess: str | None = None
