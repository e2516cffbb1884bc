"""A tiny project whose texts have no labels, and a person who knows them."""

import hashlib
import json
from pathlib import Path

import pytest

from stages.commands import ask
from stages.core.people.labelling import Labelling, Text
from stages.core.people.records import journal
from tests.support.project import TO_BUCKETS, InProcess

PEOPLE = {
    "seeds": [0],
    "labels": {"from": "people", "classes": ["neg", "pos"]},
    "prepare": {"holdout_rows": 20},
    "random_at": [],
    "arms": [],
}
OF_TEXTS = ("inputs", *(name for name in TO_BUCKETS if name != "collect_answers"))  # no answer changes what they read
ROUND = ("score_entropy", "select_stageN", "summarise_scores", "buy_labels", "train_stageN")
MADE = Path("data/.made.json")
OTHER = {"neg": "pos", "pos": "neg"}


def next_open(state: Labelling, name: str) -> Text:
    """The first unanswered text of a round."""
    return state.texts[state.open_keys(name)[0]]


class Labelled(InProcess):
    """`truth` says what a person answers, by text."""

    truth: dict[str, str]

    @classmethod
    def of(cls, project: InProcess) -> "Labelled":
        """A project that people label, and whose labels only `truth` knows."""
        labelled = cls(project.folder)
        labelled.change(PEOPLE)
        labelled.hide_labels()
        return labelled

    def entered(self, to: Path, patch: pytest.MonkeyPatch) -> "Labelled":
        copy = Labelled(super().entered(to, patch).folder)
        copy.truth = self.truth
        return copy

    def hide_labels(self) -> None:
        corpus = self.folder / "corpus.jsonl"
        rows = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
        self.truth = {row["text"]: row["label"] for row in rows}
        corpus.write_text("".join(json.dumps({"text": row["text"]}) + "\n" for row in rows), encoding="utf-8")

    def repro(self, target: str = "") -> None:
        """In place of `dvc repro`: runs all stages up to `target`, except those that read what they read last time."""
        stages = [*OF_TEXTS[:2], "collect_answers", *OF_TEXTS[2:], "select_stage1", "buy_labels stage1", "train_stageN stage1"]
        stages += [f"{stage} {name}" for name in ("stage2", "stage3") for stage in ROUND]
        stages += [f"train_random {stage}" for stage in self.params()["random_at"]] + ["train_full", "calibrate", "report"]
        made = json.loads(MADE.read_text()) if MADE.exists() else {}
        dataset = Path(self.params()["prepare"]["dataset"])
        texts = [Path("params.yaml"), Path("labels/holdout.csv"), *([dataset] if dataset.is_file() else sorted(dataset.iterdir()))]
        of_texts = hashlib.sha256(b"".join(file.read_bytes() for file in texts if file.exists())).hexdigest()
        for words in stages:
            read = of_texts if words in OF_TEXTS else of_texts + journal.digest()
            if made.get(words) != read:
                self.call(*words.split())
                made[words] = read
                MADE.write_text(json.dumps(made))
            if words.replace(" ", "@").replace("train_stageN@stage1", "train_stage1") == target:
                return
        assert not target, f"no stage {target}"

    def ask(self, *words: str) -> None:
        ask.main(*words, repro=self.repro)

    def answer_all(self, name: str, who: str = "anna") -> int:
        """Answer every open row of a round; how many."""
        state = Labelling()
        return journal.append(who, [(key, self.truth[state.texts[key].text]) for key in state.open_keys(name)])

    def summary(self) -> str:
        return Path("data/summary.md").read_text(encoding="utf-8")

    @staticmethod
    def answered(who: str = "anna") -> dict[str, str]:
        return {key: answer.label for key, answer in journal.answers_of(who).items()}
