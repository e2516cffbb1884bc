"""Plain text with labels: fastText's lines, and a folder of files for every class."""

import io
import re
from pathlib import Path

from stages.core.sources import packed
from stages.core.sources.tables import Table

PREFIX = "__label__"  # https://fasttext.cc/docs/en/supervised-tutorial.html


def read(file: Path, encoding: str) -> Table:
    """The table of lines such as `__label__pos a fine film`; several labels of a line are a list.

    Raises ValueError for any other line.
    """
    texts, labels = [], []
    for number, line in enumerate(io.StringIO(packed.text(file, encoding), newline="\n"), start=1):
        if not line.strip():
            continue
        if not line.startswith(PREFIX):
            raise ValueError(
                f"line {number:,} does not begin with {PREFIX}, as fastText's do; texts without labels are no data set"
            )
        labels.append([word[len(PREFIX) :] for word in line.split() if word.startswith(PREFIX)])
        texts.append(re.sub(rf"(^|\s+){PREFIX}\S+", "", line).strip())
    values = {"text": texts, "label": labels}
    return Table(list(values), values.__getitem__)


def of_classes(files: list[Path], root: Path, encoding: str) -> Table:
    """The table of ROOT/CLASS/FILE: a file is a text, its folder the label."""
    values = {
        "text": [_named(file, encoding) for file in files],
        "label": [file.relative_to(root).parts[0] for file in files],
    }
    return Table(list(values), values.__getitem__)


def _named(file: Path, encoding: str) -> str:
    try:
        return packed.text(file, encoding)
    except packed.WrongEncoding as error:
        raise packed.WrongEncoding(f"{file.parent.name}/{file.name}: {error}") from None
