"""What a label is: one class for each text, or any number of them. Only this room knows which; others ask a Task.

An array of labels is of one of two kinds, which its dtype tells:

    int64 [...]            one class: its number
    int8 [..., classes]    several: 1 for each class that a text has, 0 for each that it has not; a text may have none

Where a label is not known, a code of base/label_codes stands in place of the number, or in all cells of the row.
data/classes.json is a list of names, or {"several": names} where texts may have several.

A label has two more forms: as rows hold it while they are read (a name, or a tuple of names; None: not known), and as people write
it ("joy", or "fear; joy"; multi.NONE for none of them; "": not known).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from stages.core.task import multi, single

Labels = np.ndarray  # an array of labels
Shape = tuple[int | None, ...]


class Task(Protocol):
    """One kind of label. Probabilities are float32 [..., classes]."""

    # fmt: off
    accuracy: str  # what the measure `accuracy`, the share of rows that are right in full, is called
    refuses: dict[str, str]  # learners, strategies, commands and `names` that have no use for it -> why
    decides: str  # accuracy or macro_f1: by which encoders are compared, and which the log of training tells
    regression: str  # of_one or of_several: which regression fits it, in space/self_trained, space/names and people/label_errors
    nothing: str  # how people write that a text has none of the labels; "" where each has one
    rows_to_decide: int  # open rows by which a learner finds what probability decides; 0 where the likeliest class does
    about: dict  # what classifier.json of a model says of it
    columns: list[str]  # of its table of errors; none where that is a confusion table, with a column for each class
    does: str  # what a model does, for its card: with places for the number of classes and for their names
    doubt: str  # whose probability leaves a row open where it is below predict.abstain

    # Reading and keeping labels
    def merged(self, labels: set) -> Any: ...  # what labels of one text say together, None where they contradict each other
    def described(self, rows: list[dict]) -> str: ...  # how many labels texts have, in a line
    def array(self, labels: list, classes: list[str]) -> Labels: ...  # of labels as rows hold them; None is open
    def named(self, values: Labels, classes: list[str]) -> list: ...  # back, as rows hold them; None for a code
    def read(self, written: str) -> Any: ...  # a label as people write it -> as rows hold it
    def written(self, label: Any) -> str: ...  # back; several in alphabetical order
    def shared(self, labels: list) -> tuple[set, set]: ...  # names that all labels have, and that only some have; one class: none
    def none(self, shape: Shape, classes: int) -> Labels: ...  # all open
    def no_predictions(self, shape: Shape, classes: int) -> Labels: ...  # as `none`, with int16 for one class, to save space
    # As artifacts.load; no code below `least`; dtype: of one class
    def load(self, path: Path, shape: Shape, classes: int, least: int, dtype: type = np.int64) -> Labels: ...
    def main(self, values: Labels) -> np.ndarray: ...  # int64 [...]: the class that a row counts for, its rarest; or a code
    def has(self, values: Labels, number: int) -> np.ndarray: ...  # bool [...]: whether a row has the class
    def indicator(self, values: Labels, classes: int) -> np.ndarray: ...  # float32 [..., classes]: 1 for each that it has

    # Learning
    def uneven(self, values: Labels) -> bool: ...  # whether a class is so rare that accuracy says too little of it
    def evened(self, values: Labels) -> np.ndarray: ...  # weights of the loss, [rows] or [rows, classes], for rare classes
    def loss(self, logits: Any, target: Any) -> Any: ...  # tensor [rows] or [rows, classes]
    def said(self, logits: Any) -> Any: ...  # tensor of probabilities
    def logits(self, probabilities: np.ndarray) -> np.ndarray: ...  # of which `says` gives these
    def says(self, logits: np.ndarray) -> np.ndarray: ...  # probabilities: sum to 1, or one a class, where 0.5 decides

    # What probabilities say
    def predicted(self, probabilities: np.ndarray) -> Labels: ...
    def likelihood(self, probabilities: np.ndarray, actual: Labels) -> np.ndarray: ...  # of the truth, [rows] or [rows, classes]
    def doubted(self, probabilities: np.ndarray, given: Labels) -> tuple[np.ndarray, Labels]: ...  # of what seems wrong; likelier
    def margin(self, probabilities: np.ndarray) -> np.ndarray: ...  # float32 [rows]: -1 where certain, 0 where open
    def entropy(self, probabilities: np.ndarray) -> np.ndarray: ...  # float32 [rows], bits
    # The same as choices between alternatives: (float32 [choices, alternatives], int64 [choices])
    def choices(self, probabilities: np.ndarray, actual: Labels) -> tuple[np.ndarray, np.ndarray]: ...

    # Measuring
    def same(self, predicted: Labels, actual: Labels) -> np.ndarray: ...  # bool [...]: rows that are right in full
    def macro_f1(self, predicted: Labels, actual: Labels) -> float: ...  # mean over the classes that occur or are predicted
    def further(self, probabilities: np.ndarray, actual: Labels) -> dict[str, float]: ...  # more measures of one model
    def cells(self, predicted: Labels, actual: Labels, classes: int) -> np.ndarray: ...  # what `both` counts
    def both(self, cells: np.ndarray, classes: int) -> tuple[float, float]: ...  # (accuracy, macro F1) of one model
    # int64 [classes, columns] each: rows by true class and by what became of it, and those of them that are errors
    def table(self, predicted: Labels, actual: Labels, classes: int) -> tuple[np.ndarray, np.ndarray]: ...
    # float [labels, labels]: how far labels as rows hold them are apart, 0 to 1; None where any two are as far apart as any others
    def distances(self, labels: list) -> np.ndarray | None: ...
    def shown(self, value: np.ndarray) -> int | str: ...  # a label for report.html: number or code, or numbers with ; between
    # fmt: on


SINGLE, MULTI = single.Single(), multi.Multi()


def of(values: np.ndarray) -> Task:
    """The kind of an array of labels."""
    return MULTI if values.dtype == np.int8 else SINGLE


def codes(values: Labels) -> np.ndarray:
    """int [...]: negative codes where no label is known, else 0 or more."""
    return values[..., 0] if of(values) is MULTI else values


def sureness(kind: Task, probabilities: np.ndarray, over: Callable = np.mean) -> np.ndarray:
    """float32 [rows]: probability of what is predicted, 0 to 1; of several classes the mean, or what `over` makes of them."""
    return over(np.atleast_2d(kind.likelihood(probabilities, kind.predicted(probabilities)).T).T, axis=1)


def stored(kind: Task, classes: list[str]) -> Any:
    """The content of data/classes.json."""
    return {"several": classes} if kind is MULTI else classes


def kept(stored: Any) -> tuple[Task, list[str]]:
    """(kind, names of the classes in the order of their numbers) in the content of data/classes.json."""
    return (MULTI, stored["several"]) if isinstance(stored, dict) else (SINGLE, stored)


def load() -> Task:
    """The kind of this project's labels; one class where none are known yet."""
    return kept(artifacts.load_json(paths.CLASSES))[0] if paths.CLASSES.exists() else SINGLE


def classes() -> list[str]:
    """Names of the classes, in the order of their numbers."""
    return kept(artifacts.load_json(paths.CLASSES))[1]


def recorded(about: dict) -> Task:
    """The kind of a model, by its classifier.json."""
    return MULTI if about.get("several") else SINGLE


def of_rows(rows: list[dict], setting: str = "auto") -> Task:
    """The kind of labels in rows, where several are a tuple; `setting`: labels.kind."""
    return MULTI if setting == "multi" or any(isinstance(row["label"], tuple) for row in rows) else SINGLE


def names(label: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The names in a label as rows hold it: None and "" have none."""
    return label if isinstance(label, tuple) else (label,) if label else ()


def renamed(label: str | tuple[str, ...] | None, name: dict[str, str]) -> str | tuple[str, ...] | None:
    """The label with other names."""
    return tuple(dict.fromkeys(name[each] for each in label)) if isinstance(label, tuple) else name.get(label)


def numbers(shown: int | str) -> set[int]:
    """Class numbers, or a code, in a label as `shown`."""
    return set(map(int, filter(None, shown.split(";")))) if isinstance(shown, str) else {shown}


def refuse(what: str, name: str, kind: Task) -> None:
    """Raise Refused for a learner, strategy or command that has no use for labels of this kind."""
    if name in kind.refuses:
        raise Refused(f"{what}{name}: not here, since {kind.refuses[name]}; choose another")
