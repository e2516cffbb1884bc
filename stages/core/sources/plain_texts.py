"""Plain text with labels: fastText's lines, and folders with one file per text."""

import re
from pathlib import Path

from stages.core.sources import packed
from stages.core.sources.tables import Table

PREFIX = "__label__"  # https://fasttext.cc/docs/en/supervised-tutorial.html


def read(file: Path, encoding: str) -> Table:
    """The table of lines such as `__label__pos a fine film`, a list of labels each. Raises ValueError for any other line."""
    texts, labels = [], []
    for number, line in enumerate(packed.lines(file, encoding, "\n"), start=1):
        if not line.strip():
            continue
        if not line.startswith(PREFIX):
            raise ValueError(f"line {number:,} does not begin with {PREFIX}, as fastText's do; texts alone are no data set")
        labels.append([word[len(PREFIX) :] for word in line.split() if word.startswith(PREFIX)])
        texts.append(re.sub(rf"(^|\s+){PREFIX}\S+", "", line).strip())
    return Table.of(text=texts, label=labels)


def of_classes(files: list[Path], root: Path, encoding: str) -> Table:
    """The table of ROOT/CLASS/FILE: each file is a text, its folder the label."""
    return Table.of(text=[_text(file, encoding) for file in files], label=[file.relative_to(root).parts[0] for file in files])


def _text(file: Path, encoding: str) -> str:
    try:
        return packed.text(file, encoding)
    except packed.WrongEncoding as error:
        raise packed.WrongEncoding(f"{file.parent.name}/{file.name}: {error}") from None
