"""A tiny project whose texts have no labels, and a person who knows them."""

import json
from pathlib import Path

from stages.commands import ask
from stages.core.people.labelling import Labelling
from stages.core.people.records import journal
from tests.support.project import InProcess

PEOPLE = {
    "seeds": [0],
    "labels": {"from": "people", "classes": ["neg", "pos"]},
    "prepare": {"holdout_rows": 20},
    "random_at": [],
    "arms": [],
}


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

    def hide_labels(self) -> None:
        corpus = self.folder / "corpus.jsonl"
        rows = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
        self.truth = {row["text"]: row["label"] for row in rows}
        corpus.write_text("".join(json.dumps({"text": row["text"]}) + "\n" for row in rows), encoding="utf-8")

    def repro(self, target: str = "") -> None:
        """In place of `dvc repro`: all stages up to `target` are run, whether something changed or not."""
        for words in (
            *("inputs", "prepare", "collect_answers", "finetune_encoder", "embed", "map", "reduce", "cluster"),
            *("select_stage1", "buy_labels stage1", "train_stageN stage1"),
            *(
                "score_entropy stage2",
                "select_stageN stage2",
                "summarise_scores stage2",
                "buy_labels stage2",
                "train_stageN stage2",
            ),
            *(
                "score_entropy stage3",
                "select_stageN stage3",
                "summarise_scores stage3",
                "buy_labels stage3",
                "train_stageN stage3",
            ),
        ):
            self.call(*words.split())
            if words.replace(" ", "@") == target:
                return
        for stage in self.params()["random_at"]:
            self.call("train_random", stage)
        self.call("train_full")
        self.call("calibrate")
        self.call("report")

    def ask(self, *words: str) -> None:
        ask.main(*words, repro=self.repro)

    def answer_all(self, name: str, who: str = "anna") -> int:
        """Answer whatever a round waits for, as a page would, one by one; how many."""
        state, count = Labelling(), 0
        while text := state.next_open(name):
            state.answer(who, text.key, self.truth[text.text])
            count += 1
        return count

    def summary(self) -> str:
        return Path("data/summary.md").read_text(encoding="utf-8")

    @staticmethod
    def answered(who: str = "anna") -> dict[str, str]:
        return {key: answer.label for key, answer in journal.current(journal.history(who)).items()}
