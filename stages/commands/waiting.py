"""`make waiting`: what labelling waits for, and what an annotator should know; `make repro` and `make ask` end with it."""

import subprocess
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np

from stages.core.base import artifacts, params, paths
from stages.core.base.errors import Refused
from stages.core.people import dvc_repro
from stages.core.people.labelling import Labelling, begin
from stages.core.people.records import asked, journal
from stages.core.people.records.conflicts import Resolved
from stages.core.people.records.journal import DECIDED
from stages.core.reporting import misleading
from stages.core.rows import rounds

READ = Path("data/asked/read.json")
SHOWN = 5  # entries of a list
PASSES = 3  # of dvc repro after the one that answers came into; whoever answers for longer calls it once more


def main(after: str = "") -> None:
    """after   "repro" at the end of make repro. Then nothing is printed if the data set has the labels, and answers that came
    meanwhile are read: DVC hashes labels/ when the stage that reads it has ended, so it takes them for read.
    """
    if after and vars(params.read("labels.from"))["from"] == "dataset":
        return
    begin()
    for _ in range(PASSES if after else 0):
        if not _unread_changes():
            break
        print("labels/ has changed since it was read: dvc repro reads it again", flush=True)
        for command in (["--force", "--single-item", "collect_answers"], []):
            dvc_repro.run(*command)
    print("\n".join(report(Labelling())))


def report(state: Labelling) -> list[str]:
    """One line for each thing that is open or that an annotator should know."""
    if not paths.CLASSES.exists():
        return ["the texts are not read yet: dvc repro"]
    resolved = state.resolved()
    lines = [note for who in journal.annotators() for note in journal.lines(journal.file_of(who))[1]]
    answered = {key for who in journal.annotators() for key in journal.answers_of(who)}
    earlier_stage_open = False
    for name in state.round_names:
        rows, unanswered = state.keys_of(name), state.open_keys(name, resolved)
        if unanswered:
            lines.append(f"{name} waits for {len(unanswered):,} of {len(rows):,} answers: make label, or fill in the csv")
        elif not rows and (state.needs_holdout() if name == asked.HOLDOUT else not earlier_stage_open):
            lines.append(_why_not_asked(name))
        earlier_stage_open |= name in state.stages and bool(unanswered or not rows)
        filled, file = sum(1 for row in asked.read(name) if row.label and row.key not in answered), asked.file_of(name)
        lines += [f"{file} holds {filled:,} labels that were not read yet: make answers FILE={file}"] if filled else []
    lines += [*_too_few(state, resolved), *in_conflict(state, resolved), *_misled(state, resolved), *_gone(state)]
    lines += [*_unread_changes(), *_uncommitted()]
    return lines or ["nothing is open: every row asked for is answered"]


def _why_not_asked(name: str) -> str:
    """Whether the last `dvc repro` found that enough was labelled before this round, or make ask was not called."""
    with suppress(Refused):
        budget = rounds.load_budget(name)
        if budget["ended_because"] == "sufficient":
            return f"{name} asks for nothing: {budget['ended_after']} was sufficient"
    return f"{name} is not asked for yet: make label, or make ask"


def _too_few(state: Labelling, resolved: Resolved) -> list[str]:
    """Rounds with fewer rows than params.yaml asks for."""
    wanted, settings = {}, state.settings
    if paths.CLUSTERS.exists():
        buckets, pool_rows = int(state.buckets.max()) + 1, len(state.pool_keys())
        for stage in state.stages:
            setting, amount = ("n", settings.select_stage1.n) if stage == rounds.FIRST else ("m", settings.rounds[stage].m)
            wanted[stage] = setting, rounds.wanted(amount, buckets, pool_rows)
    lines = []
    for name, (setting, rows) in (wanted | {asked.HOLDOUT: ("holdout_rows", settings.prepare.holdout_rows)}).items():
        usable = len(state.usable(name, resolved))
        if state.keys_of(name) and usable < rows:
            lines.append(f"{name} holds {usable:,} rows, {setting} asks for {rows:,}: make ask adds {rows - usable:,}")
    return lines


def in_conflict(state: Labelling, resolved: Resolved) -> list[str]:
    """Texts with different answers."""
    number = len(resolved.conflicts)
    if not number:
        return []
    lines = [f"{number:,} texts have different answers and are not used until {DECIDED} answers them:"]
    for key, by in list(resolved.conflicts.items())[:SHOWN]:
        answers = ", ".join(f"{who} {label}" for who, label in sorted(by.items()))
        lines.append(f"  {key}  {answers}  {state.texts[key].text[:60]!r}")
    lines += [f"  and {number - SHOWN:,} more: make doubts lists all"] if number > SHOWN else []
    texts = Counter(name for by in resolved.conflicts.values() for name in state.shared(by.values())[1])
    disputed = [f"{name} {texts[name]:,}" for name in sorted(texts, key=lambda name: (-texts[name], name))]
    more = f" and {len(disputed) - 2 * SHOWN:,} more labels" if len(disputed) > 2 * SHOWN else ""
    lines += [f"  disputed: {', '.join(disputed[: 2 * SHOWN])}{more}"] if disputed else []
    return [*lines, f"  make label WHO={DECIDED}, or make answers WHO={DECIDED} FILE=... with key and label"]


def _misled(state: Labelling, resolved: Resolved) -> list[str]:
    """Classes whose phrases mislead, by the answers so far."""
    named = state.predicted(rounds.FIRST)
    if named is None:
        return []
    number = {name: place for place, name in enumerate(state.classes)}
    answered = [key for key, label in resolved.labels.items() if key in state.texts and label in number]
    answered = [key for key in answered if not state.texts[key].in_holdout]
    texts = [state.texts[key] for key in answered]
    actual = np.array([number[resolved.labels[key]] for key in answered], np.int64)
    rows = np.array([text.row for text in texts], np.int64)
    misled = misleading.found(actual, named[0][rows], state.classes)[:SHOWN]
    lines = [f"  {each.line([texts[row].text for row in each.rows])}" for each in misled]
    return [misleading.HEAD, *lines] if lines else []


def _gone(state: Labelling) -> list[str]:
    """Rounds that params.yaml no longer names, and texts that left the data set."""
    lines = []
    for name in asked.written():
        missing = len(asked.keys(name)) - len(state.keys_of(name))
        if name not in state.round_names and name != asked.RANDOM:
            lines.append(f"{asked.file_of(name)} is no round of params.yaml: it waits for nobody, and its answers stay")
        elif missing:
            lines.append(f"{asked.file_of(name)}: {missing:,} of its texts are not in the data set now; their answers stay")
    return lines


def _unread_changes() -> list[str]:
    """Whether labels/ has changed since the last `dvc repro` read it."""
    with suppress(Refused, KeyError, TypeError):
        if artifacts.load_json(READ)["sha256"] != journal.digest():
            return ["labels/ has changed since it was read: make repro reads it again"]
    return []


def _uncommitted() -> list[str]:
    """Answers that git does not keep yet."""
    command = ["git", "status", "--porcelain", "--untracked-files=all", "--", "labels"]
    with suppress(OSError):
        status = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
        files = [line[3:].strip('"') for line in status.stdout.splitlines()]
        if files and not status.returncode:
            more = f" and {len(files) - SHOWN:,} more" if len(files) > SHOWN else ""
            return [f"not committed: {', '.join(files[:SHOWN])}{more}: git add labels && git commit -m answers"]
    return []
