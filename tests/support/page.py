"""A labelling project written by hand: six texts of a pool in two buckets, two of a holdout, and a round that asks for four."""

from pathlib import Path

import numpy as np

from stages.core import task
from stages.core.base import artifacts, keys, paths
from stages.core.people.records import asked, journal
from tests.support.people import PEOPLE
from tests.support.project import ROOT, Project

TEXTS = ["good film", "fine plot", "</script><script>document.title='run'</script>", "awful end", "dull scene", "great music"]
HELD = ["poor actor", "lovely scene"]
BUCKETS = [0, 0, 1, 1, 0, 1]
KEYS = [keys.key(text) for text in TEXTS]


def on_paper(folder: Path, classes: tuple[str, ...] = ("neg", "pos"), guide: str = "", kind: task.Task = task.SINGLE) -> Project:
    """A project in this process's folder. stage1 asks for the first four rows, the holdout for none yet."""
    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    project = Project(folder)
    project.change(PEOPLE)
    project.change({"labels": {"classes": list(classes)}, "prepare": {"holdout_rows": 0}, "train_final": {"arms": []}})
    if guide:
        (folder / "guide.md").write_text(guide, encoding="utf-8")
        project.change({"labels": {"guide": "guide.md"}})
    artifacts.save_json(paths.CLASSES, task.stored(kind, list(classes)))
    sides = (paths.POOL, paths.SOURCE_LABELS, TEXTS), (paths.HOLDOUT, paths.SOURCE_HOLDOUT_LABELS, HELD)
    for path, labels, texts in sides:
        artifacts.save_jsonl(path, ({"text": text} for text in texts))
        artifacts.save(labels, kind.none((len(texts),), len(classes)))
    artifacts.save(paths.CLUSTERS, np.array(BUCKETS, np.int32))
    ask_for("stage1", KEYS[:4])
    return project


def ask_for(name: str, some: list[str]) -> None:
    text = dict(zip(KEYS, TEXTS))
    asked.add(name, [asked.Row(key, text[key]) for key in some])


def predict(stage: str, classes: list) -> None:
    """Predictions as score_entropy writes them: the class of every row of the pool, or 0 and 1 for each class, for one seed."""
    kind = np.int8 if isinstance(classes[0], list) else np.int16
    artifacts.save(Path("data") / stage / "predicted.npy", np.array([classes], kind))


def lines_of(who: str) -> list[list[str]]:
    """[key, label] of each line on disk."""
    file = Path(f"labels/answers/{who}.csv")
    return [line.split(",")[:2] for line in file.read_text(encoding="utf-8").splitlines()[1:]] if file.exists() else []


CODE = "Your code is {}, do not share it"
PARCEL = "<b>The parcel</b> of {} came late and broken"
PRIZE = "{} won a prize, see {}"
ALIKE = [
    *(CODE.format(number) for number in (4821, 77, "5.20", 9)),  # the last is in the random arm
    *(PARCEL.format(who) for who in ("@anna", "@bob")),
    *(PRIZE.format(*words) for words in (("@carl", "www.a.example/x?y=1"), ("@dora_1", "https://b.example"))),
    "A text like no other in this pool",
]
LIKE = [keys.key(text) for text in ALIKE]
HELD_ALIKE = CODE.format(123)  # in the holdout


def alike_on_paper(
    folder: Path, mode: str = "ask", classes: tuple[str, ...] = ("neg", "pos"), kind: task.Task = task.SINGLE
) -> Project:
    """As `on_paper`, with near-duplicates. stage1 asks for a code, a parcel and the last text; zoe answered the holdout."""
    project = on_paper(folder, classes, kind=kind)
    project.change({"labels": {"alike": mode}})
    for path, labels, texts in (
        (paths.POOL, paths.SOURCE_LABELS, ALIKE),
        (paths.HOLDOUT, paths.SOURCE_HOLDOUT_LABELS, [HELD_ALIKE]),
    ):
        artifacts.save_jsonl(path, ({"text": text} for text in texts))
        artifacts.save(labels, kind.none((len(texts),), len(classes)))
    artifacts.save(paths.CLUSTERS, np.zeros(len(ALIKE), np.int32))
    asked.file_of("stage1").unlink()
    for name, rows in (("holdout", [HELD_ALIKE]), ("random", [ALIKE[3]]), ("stage1", [ALIKE[0], ALIKE[4], ALIKE[8]])):
        asked.add(name, [asked.Row(keys.key(text), text) for text in rows])
    journal.append("zoe", [(keys.key(HELD_ALIKE), classes[1])])
    return project
