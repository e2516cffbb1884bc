"""`make predict IN=new.csv OUT=labelled.csv`: label new texts with the model of data/model.

python -m stages predict new.csv labelled.csv    the file's own columns, with label and probability in every row
python -m stages predict new.jsonl               the same as lines of JSON, on standard output
… | python -m stages predict -                   from a pipe: one text or one JSON object a line, or a JSON array
python -m stages predict "a text"                a single text

--each          the probability of every class, not only of the best (make: EACH=1)
--text COLUMN   the column of the texts (make: TEXT=COLUMN); else prepare.text_column, or one with a usual name
--abstain P     leave rows open whose probability is below P, instead of params predict.abstain (make: ABSTAIN=P)

OUT is csv, tsv, jsonl or parquet; it appears when it is complete. A run that was stopped continues where it was.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from stages.core import task
from stages.core.base import artifacts, params
from stages.core.base.errors import Refused
from stages.core.new_texts import reading, writing
from stages.core.new_texts.checkpoint import Checkpoint
from stages.core.new_texts.predicting import Predicting
from stages.core.new_texts.reading import Chunk, Inspected, Row
from stages.core.prediction import predictor, record
from stages.core.sources import file_names

AGAIN = "run the same again: it continues where it was"


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message}; {' '.join(self.format_usage().split())}")


def parsed(words: tuple[str, ...]) -> argparse.Namespace:
    """The command line; an OUT of "" is none. Raises Refused for an unknown word or option."""
    parser = Parser("python -m stages predict", description=__doc__, allow_abbrev=False, add_help=False)
    parser.add_argument("source", metavar="IN")
    parser.add_argument("out", metavar="OUT", nargs="?", default="")
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--text", metavar="COLUMN")
    parser.add_argument("--abstain", metavar="P", type=float)
    options = parser.parse_args(words)
    if options.abstain is not None and not 0 <= options.abstain < 1:
        raise Refused(f"--abstain {options.abstain:g}, possible: 0 or more and below 1")
    return options


def main(*words: str) -> None:
    options, about = parsed(words), record.load(record.FOLDER)
    prepare, out = params.read("prepare").prepare, Path(options.out) if options.out else None
    path = None if options.source == "-" else path_of(options.source)
    if out:
        refuse_out(out, path)
    if options.source != "-" and path is None:
        if out:
            raise Refused(f"{options.source[:100]!r} is not a file, so it is read as a text: leave out OUT, which is for files")
        one_text(options.source, predicting(options, about))
        return
    source = reading.of_path(path, prepare.encoding) if path else reading.of_pipe(sys.stdin.buffer, prepare.encoding)
    inspected = reading.inspect(source, prepare.text_column, options.text, once=path is None)
    new = writing.added(about.names, options.each)
    writing.refuse_columns(inspected.columns, new, source.name)
    for note in source.notes:
        say(f"predict: {source.name}: {note}")
    if path:
        say(f"predict: {inspected.count:,} rows of {source.name}, texts in column {inspected.text_column}")
    labels = predicting(options, about)
    if not out:
        to_terminal(with_bar(labels, inspected))
    elif path:
        with_checkpoint(inspected, labels, out)
    else:
        write_out(inspected, labels, out, "run the same again")
    summary(labels, out)


def predicting(options: argparse.Namespace, about: record.Record) -> Predicting:
    return Predicting(predictor.load().models, about.abstain if options.abstain is None else options.abstain, options.each)


def say(line: str) -> None:
    """On the terminal, wherever standard output goes."""
    print(line, file=sys.stderr, flush=True)


def path_of(name: str) -> Path | None:
    """The file or folder of that name; None for a text. Raises Refused if the name looks like a path, but nothing is there."""
    if not name.strip():
        raise Refused("IN is empty; give a file, - for a pipe, or a text in quotes")
    try:
        path = Path(name).expanduser()
        if path.exists():
            return path
    except (OSError, RuntimeError, ValueError):  # a long text, an unknown ~user, a NUL
        return None
    if file_names.suffixes(path)[0] or name.startswith(("./", "../")) or (path.is_absolute() and len(name.split()) == 1):
        raise Refused(f"IN = {name}: no such file or folder; looked for it in {(Path.cwd() / path).parent}")
    return None


def refuse_out(out: Path, path: Path | None) -> None:
    """Raise Refused if OUT cannot be written, is IN, or lies in it."""
    writing.refuse_kind(out)
    if out.is_dir():
        raise Refused(f"OUT = {out} is a folder; give the name of a file")
    if path and (out.resolve().is_relative_to(path.resolve()) or (out.exists() and out.samefile(path))):
        raise Refused(f"OUT = {out} is IN, or lies in it, and would overwrite it; give another name")


def one_text(text: str, labels: Predicting) -> None:
    """Print the label and its probability; with --each also a line for every class, the likeliest first."""
    [row] = labels.labelled([{}], labels.predict([text]))
    if warning := labels.warning([text]):
        say(f"predict: {warning}")
    print(f"{row[writing.PREDICTED] or 'left open'} {row[writing.PROBABILITY]:.4f}")
    if labels.each:
        by_class = {name: row[f"{writing.PROBABILITY}_{name}"] for name in labels.classes}
        for name in sorted(by_class, key=by_class.get, reverse=True):
            print(f"  {by_class[name]:.4f} {name}")


def with_checkpoint(inspected: Inspected, labels: Predicting, out: Path) -> None:
    """Write OUT as write_out does. OUT.part keeps the predictions so far, for another run to continue."""
    part, about = out.with_name(f"{out.name}.part"), replace(labels.models.about, abstain=0)
    depends_on = {"model": record.sha256(about), "texts": inspected.texts_sha256}
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with Checkpoint(part, depends_on, labels.record_type) as checkpoint:
            if checkpoint.discarded:
                say(f"predict: {part} is of another model or of other texts: labelling starts again")
            elif checkpoint.found:
                say(f"predict: an earlier run labelled {checkpoint.found:,} of {inspected.count:,} rows; continuing from there")
            write_out(inspected, labels, out, AGAIN, checkpoint)
            checkpoint.delete()
    except OSError as error:
        raise Refused(f"{part} cannot be written: {error.strerror or error}; mend that and {AGAIN}") from None


def write_out(inspected: Inspected, labels: Predicting, out: Path, again: str, checkpoint: Checkpoint | None = None) -> None:
    """Write OUT, complete or not at all."""
    source, new = inspected.source, writing.added(labels.classes, labels.each)
    with artifacts.whole(out, again=again) as part, writing.into(part, out, inspected.columns, source.schema, new) as write:
        for rows in with_bar(labels, inspected, checkpoint):
            write(rows)
        if inspected.count not in (None, labels.done):
            raise Refused(f"{source.name} changed while it was read; run the same again")


def with_bar(labels: Predicting, inspected: Inspected, checkpoint: Checkpoint | None = None) -> Iterator[list[Row]]:
    """Labelled rows, chunk by chunk, with a bar and the time left; the first texts show whether a warning is due."""

    def checked() -> Iterator[Chunk]:
        for number, (rows, texts) in enumerate(inspected.chunks):
            if number == 0 and (warning := labels.warning(texts)):
                say(f"predict: {warning}")
            yield rows, texts

    with tqdm(total=inspected.count, desc="predict", unit=" rows", unit_scale=True, file=sys.stderr, mininterval=1) as bar:
        for rows in labels.rows(checked(), checkpoint):
            yield rows
            bar.update(len(rows))


def to_terminal(chunks: Iterator[list[Row]]) -> None:
    """Print lines of JSON on standard output until its reader closes it."""
    sys.stdout.reconfigure(encoding="utf-8", errors="strict")
    write = writing.as_lines(sys.stdout)
    for rows in chunks:
        write(rows)
        sys.stdout.flush()


def summary(labels: Predicting, out: Path | None) -> None:
    """Print how often each class was given, and the classes that no row was given."""
    counts = labels.counts
    given = [f"{name}: {counts[name]:,}" for name in dict.fromkeys([*labels.classes, task.multi.NONE]) if counts[name]]
    if counts[None]:
        given.append(f"left open below {labels.abstain:g}: {counts[None]:,}")
    if counts[""]:
        given.append(f"without a text: {counts['']:,}")
    say(f"predict: {', '.join(given)}" + (f"; {out}" if out else ""))
    if never := [name for name in labels.classes if not counts[name]]:
        say(f"predict: no row was given {', '.join(never)}")
