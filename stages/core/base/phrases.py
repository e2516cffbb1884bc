"""What classes mean in words: `labels.describe` of params.yaml, else their own names where these are words."""

import re
from collections.abc import Mapping

from stages.core.base.errors import Refused, choices

NUMBERED = re.compile(r"(label|class|category|cluster|topic|type|group|tag)?\W*\d+", re.IGNORECASE)


def of_classes(classes: list[str], describe: Mapping[str, str | list[str]]) -> dict[str, list[str]]:
    """class -> its phrases, in the order of the classes; a class without words is missing.

    Raises Refused if `describe` has a class that there is not.
    """
    for name in describe:
        if name not in classes:
            raise Refused(f"params.yaml: labels.describe.{name}: no such class; {choices(name, classes)}")
    given = {name: [words] if isinstance(words, str) else list(words) for name, words in describe.items()}
    phrases = {name: given.get(name) or [words for words in [words_of(name)] if words] for name in classes}
    return {name: several for name, several in phrases.items() if several}


def words_of(name: str) -> str:
    """The words of a class's name: card_arrival and CardArrival are "card arrival"; 0, LABEL_3 and A are none."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    spaced = " ".join(re.sub(r"[_./|:-]+", " ", spaced).split())
    letters = sum(map(str.isalpha, spaced))
    return "" if NUMBERED.fullmatch(spaced) or letters < (2 if spaced.isascii() else 1) else spaced
