"""Guesses of a program, such as a language model elsewhere: a jsonl with one guess a line. They are no answers.

    {"text": "where is my parcel?", "label": "delivery", "sure": 0.93, "from": "gpt-x"}

`key` may stand in place of `text`; `sure`, from 0 to 1, may be missing. Where texts may have several labels, `label` is a list, or
names with ; between. Without `from`, the program is called like the file. The last line for a text counts; CANNOT_SAY is no guess.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import pydantic
from pydantic import Field

from stages.core import task
from stages.core.base import keys
from stages.core.base.errors import Refused, short
from stages.core.people.records import conflicts, journal
from stages.core.sources import packed


def _joined(label: object, info: pydantic.ValidationInfo) -> object:
    """A list of labels as people write it, where texts may have several."""
    listed = isinstance(label, list) and all(isinstance(name, str) for name in label)
    return info.context.written(label) if listed and info.context.nothing else label


class Guess(pydantic.BaseModel, strict=True, str_strip_whitespace=True):
    key: Annotated[str, Field(pattern=f"^{journal.KEY.pattern}$")] | None = None
    text: Annotated[str, Field(min_length=1)] | None = None
    label: Annotated[str, pydantic.BeforeValidator(_joined)]
    sure: Annotated[float, Field(ge=0, le=1)] | None = None
    program: str = Field("", alias="from")

    def __str__(self) -> str:
        return f"{self.program}: {self.label}" + ("" if self.sure is None else f", {100 * self.sure:.3g}% sure")


def read(file: Path, classes: Iterable[str], rename: Mapping[str, str], kind: task.Task) -> dict[str, Guess]:
    """key -> its guess. Raises Refused, naming the line, for what is no guess. Half a last line is ignored: it is being written."""
    return _read(file, journal.version(file), tuple(classes), tuple(rename.items()), kind)


@lru_cache(maxsize=2)
def _read(file: Path, version: tuple | None, classes: tuple, rename: tuple, kind: task.Task) -> dict[str, Guess]:
    found, where = {}, str(file)
    try:
        for number, line in enumerate(packed.lines(file, "auto", "\n"), start=1):
            where = f"{file}, line {number:,}"
            if line.strip():
                guess = Guess.model_validate_json(line, context=kind)
                guess.label = conflicts.present(guess.label, dict(rename), kind)
                guess.program = guess.program or file.stem
                conflicts.refuse_unknown(guess.label, classes, where, kind)
                if not (guess.key or guess.text):
                    raise Refused(f"{where} has neither key nor text; add one")
                found[guess.key or keys.key(guess.text)] = guess
    except pydantic.ValidationError as error:
        wrong = error.errors()[0]
        if wrong["type"] != "json_invalid" or line.endswith("\n"):
            must = re.sub(r"(Input|String) should|Field", "must", wrong["msg"]).replace("required", "be there")
            raise Refused(f"{where}: {(*wrong['loc'], 'it')[0]} {must}, found {str(wrong['input'])[:60]!r}") from None
    except (ValueError, OSError) as error:
        raise Refused(f"{where} cannot be read: {short(error)}; name a jsonl of guesses (docs/labelling-more.md)") from None
    return {key: guess for key, guess in found.items() if guess.label != journal.CANNOT_SAY}
