"""`make waiting`: what labelling waits for, and what a person should know of it; `make repro` and `make ask` end with it."""

import subprocess
from pathlib import Path

from stages.core.base import artifacts, params, paths
from stages.core.base.errors import Refused
from stages.core.people import dvc_repro
from stages.core.people.labelling import Labelling
from stages.core.people.records import asked, journal
from stages.core.people.records.journal import CANNOT_SAY
from stages.core.rows import rounds

READ = Path("data/asked/read.json")
SHOWN = 5  # of what is listed
PASSES = 3  # of dvc repro after one that answers came into; who goes on answering has to call once more


def main(after: str = "") -> None:
    """after   "repro" where that has just ended: nothing is said then where the data set plays the labeller, and what came
    while it ran is read. DVC looks at labels/ when the stage that reads it has ended, so to it all is up to date.
    """
    if after and vars(params.read("labels.from"))["from"] == "dataset":
        return
    for note in journal.restore():
        print(note)
    for _ in range(PASSES if after else 0):
        if not late():
            break
        print("labels/ has changed since it was read: dvc repro goes on with what is new", flush=True)
        for command in (["--force", "--single-item", "collect_answers"], []):
            dvc_repro.run(*command)
    print("\n".join(told(Labelling())))


def told(state: Labelling) -> list[str]:
    """One line for each thing that waits, and for each that a person should know."""
    if not paths.CLASSES.exists():
        return ["nothing is known of the texts yet: dvc repro"]
    found, lines = state.resolved(), []
    for who in journal.annotators():
        lines += journal.lines(journal.file_of(who))[1]
    waits = False
    for name in state.names:
        rows, left = state.keys_of(name), state.open_keys(name, found)
        if left:
            lines.append(f"{name} waits for {len(left):,} of {len(rows):,} answers: make label, or fill in the csv")
        elif not rows and is_next(state, name, waits):
            enough = sufficient(name)
            lines.append(
                f"{name} asks for nothing: {enough} was sufficient"
                if enough
                else f"{name} is not asked for yet: make label, or make ask"
            )
        waits |= name in state.stages and bool(left or not rows)
        lines += unread(state, name)
    lines += lacking(state, found)
    lines += disputed(state, found.conflicts)
    lines += gone(state)
    lines += late()
    lines += uncommitted()
    return lines or ["nothing waits: all that was asked for is answered"]


def is_next(state: Labelling, name: str, waits: bool) -> bool:
    """Whether a round that nobody was asked for could be asked for now; `waits`: a stage before it is not answered."""
    if name == asked.HOLDOUT:
        return any(text.held and text.source is None for text in state.texts.values())
    return not waits


def sufficient(name: str) -> str | None:
    """The stage after which the last `dvc repro` found that enough was labelled, if it did before this one."""
    try:
        budget = rounds.load_budget(name)
    except Refused:
        return None
    return budget["ended_after"] if budget["ended_because"] == "sufficient" else None


def unread(state: Labelling, name: str) -> list[str]:
    """Labels that were written into a round's file, which counts for nothing until they are read."""
    given = {key for who in journal.annotators() for key in journal.current(journal.history(who))}
    filled = sum(1 for row in asked.read(name) if row.label and row.key not in given)
    file = asked.file_of(name)
    return [f"{file} holds {filled:,} labels that were not read yet: make answers FILE={file}"] if filled else []


def lacking(state: Labelling, found) -> list[str]:
    """Rounds that hold fewer rows than params ask for."""
    lines, pool = [], sum(not text.held for text in state.texts.values())
    clusters = int(state.buckets.max()) + 1 if paths.CLUSTERS.exists() else 0
    for stage in state.stages if clusters else []:
        rows = [row for row in asked.read(stage) if row.key in state.texts and not row.found]
        usable = sum(found.labels.get(row.key) != CANNOT_SAY for row in rows)
        first = stage == state.stages[0]
        amount = state.settings.select_stage1.n if first else state.settings.rounds[stage].m
        wanted = rounds.wanted(amount, clusters, pool)
        if rows and usable < wanted:
            lines.append(
                f"{stage} holds {usable:,} rows, {'n' if first else 'm'} asks for {wanted:,}: make ask adds {wanted - usable:,}"
            )
    held = sum(found.labels.get(key) != CANNOT_SAY for key in state.keys_of(asked.HOLDOUT))
    wanted = state.settings.prepare.holdout_rows
    if held and held < wanted:
        lines.append(f"holdout holds {held:,} rows, holdout_rows asks for {wanted:,}: make ask adds {wanted - held:,}")
    return lines


def disputed(state: Labelling, conflicts: dict[str, dict[str, str]]) -> list[str]:
    """Texts of which people say different things."""
    if not conflicts:
        return []
    lines = [f"{len(conflicts):,} texts have different answers, and count for nothing until {journal.DECIDED} answers them:"]
    for key, by in list(conflicts.items())[:SHOWN]:
        said = ", ".join(f"{who} {label}" for who, label in sorted(by.items()))
        lines.append(f"  {key}  {said}  {state.texts[key].text[:60]!r}")
    lines += [f"  and {len(conflicts) - SHOWN:,} more: make doubts lists all"] if len(conflicts) > SHOWN else []
    return [*lines, f"  make label WHO={journal.DECIDED}, or make answers WHO={journal.DECIDED} FILE=... with key and label"]


def gone(state: Labelling) -> list[str]:
    """What was asked for and is not asked for any more."""
    lines = []
    for name in asked.written():
        missing = len(asked.keys(name)) - len(state.keys_of(name))
        if name not in state.names and name != asked.RANDOM:
            lines.append(f"{asked.file_of(name)} is no round of params.yaml: nobody waits for it, and its answers stay")
        elif missing:
            lines.append(f"{asked.file_of(name)}: {missing:,} of its texts are not in the data set now; their answers stay")
    return lines


def late() -> list[str]:
    """Whether the last `dvc repro` saw all that lies in labels/: an answer that came while it ran is in no out of it."""
    try:
        seen = artifacts.load_json(READ)["sha256"]
    except (Refused, KeyError, TypeError):
        return []
    return [] if seen == journal.digest() else ["labels/ has changed since it was read: make repro goes on with what is new"]


def uncommitted() -> list[str]:
    """Answers that git does not keep yet."""
    try:
        done = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=all", "--", "labels"],  # noqa: S607
            capture_output=True,
            text=True,
        )
    except OSError:
        return []
    files = [line[3:].strip('"') for line in done.stdout.splitlines()]
    if done.returncode or not files:
        return []
    return [f"not committed: {', '.join(files[:SHOWN])}: git add labels && git commit -m answers"]
