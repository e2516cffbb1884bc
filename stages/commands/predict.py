"""`make predict IN=new.csv OUT=labelled.csv`: label new texts with the model of data/model.

python -m stages predict new.csv labelled.csv    what was in the file, and the label and its probability in every row
python -m stages predict new.jsonl               the same as lines of JSON, on standard output
… | python -m stages predict -                   of a pipe: a text in every line, or an object of JSON
python -m stages predict "a text"                a single text

--each          the probability of every class, not of the best alone (make: EACH=1)
--text COLUMN   where the texts are (make: TEXT=COLUMN); else prepare.text_column, or one that is called like a text
--abstain P     leave rows open whose best class is below P, in place of params predict.abstain (make: ABSTAIN=P)

OUT is csv, tsv, jsonl or parquet, and gets its name when it is whole. A run that was stopped goes on where it was.
"""

import argparse
import io
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from tqdm import tqdm

from stages.core.base import artifacts, params
from stages.core.base.errors import Refused
from stages.core.new_texts import reading, writing
from stages.core.new_texts.checkpoint import Checkpoint
from stages.core.new_texts.predicting import Predicting
from stages.core.new_texts.reading import Looked, Row, Source
from stages.core.prediction import predictor, record
from stages.core.sources import file_names

AGAIN = "run the same again: it goes on where it was"


class Words(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message}; {' '.join(self.format_usage().split())}")


def asked(words: tuple[str, ...]) -> argparse.Namespace:
    """The words of the command line; an OUT of "" is none. Raises Refused for a word that is none of them."""
    parser = Words("python -m stages predict", description=__doc__, allow_abbrev=False, add_help=False)
    parser.add_argument("source", metavar="IN")
    parser.add_argument("out", metavar="OUT", nargs="?", default="")
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--text", metavar="COLUMN")
    parser.add_argument("--abstain", metavar="P", type=float)
    found = parser.parse_args(words)
    if found.abstain is not None and not 0 <= found.abstain < 1:
        raise Refused(f"--abstain {found.abstain:g}, possible: 0 or more and below 1")
    return found


def main(*words: str) -> None:
    told, about = asked(words), record.load(record.FOLDER)
    prepare, out = params.read("prepare").prepare, Path(told.out) if told.out else None
    path = None if told.source == "-" else path_of(told.source)
    if out:
        refuse_out(out, path)
    if told.source != "-" and path is None:
        if out:
            raise Refused(f"{told.source[:100]!r} is no file, so it is taken for a text: OUT is for files; leave it out")
        one_text(told.source, labelling(told, about))
    elif path is None:
        stream = io.TextIOWrapper(sys.stdin.buffer, "utf-8" if prepare.encoding == "auto" else prepare.encoding, newline="\n")
        summary(of_pipe(reading.of_lines(stream, "standard input"), told, about, out, prepare.text_column), out)
    else:
        looked = reading.look(reading.of_path(path, prepare.encoding), prepare.text_column, told.text)
        writing.refuse_columns(looked.columns, writing.added(about.classes, told.each), looked.source.name)
        for note in looked.source.notes:
            say(f"predict: {looked.source.name}: {note}")
        say(f"predict: {looked.count:,} rows of {looked.source.name}, texts in column {looked.text_column}")
        labels = labelling(told, about)
        if out:
            into_file(looked, labels, out)
        else:
            to_terminal(with_bar(labels, looked.chunks(), looked.count))
        summary(labels, out)


def labelling(told: argparse.Namespace, about: record.Record) -> Predicting:
    models = predictor.load().models
    return Predicting(models, about.abstain if told.abstain is None else told.abstain, told.each)


def say(line: str) -> None:
    """To the terminal, whatever becomes of standard output."""
    print(line, file=sys.stderr, flush=True)


def path_of(name: str) -> Path | None:
    """The file or folder of that name; None for a text. Raises Refused for what is called like a file and is none."""
    if not name.strip():
        raise Refused("IN is empty; give a file, - for a pipe, or a text in quotes")
    try:
        path = Path(name).expanduser()
        if path.exists():
            return path
    except (OSError, RuntimeError, ValueError):  # a long text, an unknown ~user, a NUL
        return None
    like_one = file_names.suffixes(path)[0] or name.startswith(("./", "../")) or (path.is_absolute() and len(name.split()) == 1)
    if like_one:
        raise Refused(f"IN = {name}: no such file or folder; looked for it in {(Path.cwd() / path).parent}")
    return None


def refuse_out(out: Path, path: Path | None) -> None:
    """Raise Refused where OUT cannot be written, or is IN or lies in it."""
    writing.refuse_kind(out)
    if out.is_dir():
        raise Refused(f"OUT = {out} is a folder; give the name of a file")
    if path and (
        out.resolve() == path.resolve() or (out.exists() and out.samefile(path)) or path.resolve() in out.resolve().parents
    ):
        raise Refused(f"OUT = {out} is IN, or lies in it, and would be written over; give another name")


def one_text(text: str, labels: Predicting) -> None:
    """The label and its probability, or a line for every class, the likeliest first."""
    [row] = labels.labelled([{}], labels.say([text]))
    if warning := labels.warning([text]):
        say(f"predict: {warning}")
    print(f"{row[writing.PREDICTED] or 'left open'} {row[writing.PROBABILITY]:.4f}")
    if labels.each:
        ranked = sorted(labels.classes, key=lambda name: -row[f"{writing.PROBABILITY}_{name}"])
        for name in ranked:
            print(f"  {row[f'{writing.PROBABILITY}_{name}']:.4f} {name}")


def into_file(looked: Looked, labels: Predicting, out: Path) -> None:
    """Write OUT, whole or not at all; what is said on the way is kept in OUT.part, for another run to go on from."""
    part, about = out.with_name(f"{out.name}.part"), replace(labels.models.about, abstain=0)
    known_by = {"model": record.sha256(about), "texts": looked.texts_sha256}
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with Checkpoint(part, known_by, labels.kept) as journal:
            if journal.begun_anew:
                say(f"predict: {part} is of another model or of other texts: labelling begins anew")
            elif journal.found:
                say(f"predict: {journal.found:,} of {looked.count:,} rows were labelled by a run before; it goes on from there")
            new = writing.added(labels.classes, labels.each)
            with (
                artifacts.whole(out, again=AGAIN) as half,
                writing.into(half, out, looked.columns, looked.source.schema, new) as write,
            ):
                for rows in with_bar(labels, looked.chunks(), looked.count, journal):
                    write(rows)
                if sum(labels.found.values()) != looked.count:
                    raise Refused(f"{looked.source.name} was changed while it was read; run the same again")
            journal.forget()
    except OSError as error:
        raise Refused(f"{part} cannot be written: {error.strerror or error}; mend that and {AGAIN}") from None


def with_bar(
    labels: Predicting, chunks: Iterator[tuple[list[Row], list[str]]], count: int | None, journal: Checkpoint | None = None
) -> Iterator[list[Row]]:
    """Labelled rows, chunk by chunk, with a bar and the time left; the first texts tell whether the tokenizer knows them."""

    def watched() -> Iterator[tuple[list[Row], list[str]]]:
        for number, (rows, texts) in enumerate(chunks):
            if number == 0 and (warning := labels.warning(texts)):
                say(f"predict: {warning}")
            yield rows, texts

    with tqdm(total=count, desc="predict", unit=" rows", unit_scale=True, file=sys.stderr, mininterval=1) as bar:
        for rows in labels.rows(watched(), journal):
            yield rows
            bar.update(len(rows))


def of_pipe(source: Source, told: argparse.Namespace, about: record.Record, out: Path | None, wanted: Any) -> Predicting:
    """Label what comes once and cannot be looked at before: nothing is kept of a run that is stopped."""
    new = writing.added(about.classes, told.each)
    columns, chunks = reading.begun(source, wanted, told.text)
    writing.refuse_columns(columns, new, source.name)
    labels = labelling(told, about)
    if not out:
        to_terminal(with_bar(labels, chunks, None))
        return labels
    with artifacts.whole(out, again="run the same again") as half, writing.into(half, out, columns, None, new) as write:
        for rows in with_bar(labels, chunks, None):
            write(rows)
    return labels


def to_terminal(chunks: Iterator[list[Row]]) -> None:
    """Lines of JSON on standard output, until whoever reads them has enough."""
    sys.stdout.reconfigure(encoding="utf-8", errors="strict")
    write = writing.as_lines(sys.stdout)
    try:
        for rows in chunks:
            write(rows)
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains of it once more at its end


def summary(labels: Predicting, out: Path | None) -> None:
    """What was given how often, and what was never given."""
    found = labels.found
    given = [f"{name}: {found[name]:,}" for name in labels.classes if found[name]]
    if found[None]:
        given.append(f"left open below {labels.abstain:g}: {found[None]:,}")
    if found[""]:
        given.append(f"without a text: {found['']:,}")
    say(f"predict: {', '.join(given)}" + (f"; {out}" if out else ""))
    if never := [name for name in labels.classes if not found[name]]:
        say(f"predict: no row was given {', '.join(never)}")
