"""`make ask`: write down which rows the next round asks people for, in labels/STAGE.csv; first of all those of the holdout.

    make ask                         the next round, and what is lacking of the earlier ones
    make ask STAGE=stage2            that round alone
    make ask STAGE=stage2 AGAIN=1    its unanswered rows are proposed anew; its answers stay
    make ask FORMAT=label-studio     and write what is not answered as tasks for a tool, into tasks/: label-studio, argilla,
                                     prodigy, doccano; PREDICT=1 with the model's guesses, which lead people to agree with it

What is asked stays asked: rows are added, never taken away, and from then on the round is what its file says.
"""

import numpy as np

from stages.commands import repro as dvc
from stages.commands import tasks, waiting
from stages.commands.labelling import Labelling, Run, selects
from stages.commands.tools.recognise import TOOLS
from stages.core.arms import bucketed
from stages.core.base import artifacts, keys, params
from stages.core.base.errors import Refused, choices, run
from stages.core.people import asked, journal
from stages.core.rows import labels, rounds

BUCKETS = "cluster"
CSV = "csv"
FORMATS = (CSV, *TOOLS)


def main(stage: str = "", again: str = "", form: str = CSV, predict: str = "", repro: Run = dvc.run) -> None:
    if form not in FORMATS:
        raise Refused(f"FORMAT={form}: no such form; {choices(form, FORMATS)}")
    if predict and form == CSV:
        raise Refused(f"PREDICT={predict} with FORMAT=csv: a table shows no guess; {choices('', TOOLS)}")
    for note in journal.restore():
        print(note)
    state = Labelling()
    if stage:
        state.refuse_unless_named(stage)
    if again:
        forget_open(state, stage)
    added, later = [], []
    repro = Once(repro)
    repro(begins_with(state, stage))
    for name in [stage] if stage else state.names:
        state = Labelling()
        if name in state.stages and not ready(state, name):
            later.append(name)
            continue
        before = asked.read(name)
        new = lacking(state, name, repro)
        if new:
            asked.write(name, [*before, *state.rows(new)])
            print(f"{asked.file_of(name)}: {len(new):,} rows are asked for" + (f" more, {len(before):,} were" if before else ""))
            added.append(name)
            if name == asked.HOLDOUT and before:
                repro(BUCKETS)  # the pool has lost these rows
    if later:
        print(f"{', '.join(later)}: when the rounds before are answered")
    if added and state.guide:
        print(f"guidelines: {state.settings.labels.guide}")
    if not added:
        print("nothing is added: all that is wanted now is asked for")
    if form != CSV:
        tasks.write(TOOLS[form], [stage] if stage else None, bool(predict))
    waiting.main()


class Once:
    """`dvc repro` of a target, unless that was just made: DVC takes seconds to find that nothing has changed."""

    def __init__(self, repro: Run):
        self.repro, self.made = repro, dict[str, str]()

    def __call__(self, target: str) -> None:
        seen = journal.digest()
        if self.made.get(target) != seen:
            self.repro(target)
            self.made |= {target: seen, BUCKETS: seen}  # every choice needs them


def begins_with(state: Labelling, stage: str) -> str:
    """What is made first: the choice of the round that is next by what lies in data/ now, whose making sees to all before it;
    the buckets, where that cannot be told. One `dvc repro` where two would do the same.
    """
    some = [stage] if stage else state.stages
    next_one = next((name for name in some if not asked.file_of(name).exists()), rounds.FIRST)
    try:
        known = next_one in state.stages[1:] and ready(state, next_one)
    except Refused:  # nothing is made yet, or it is of other texts
        known = False
    return selects(next_one) if known else BUCKETS


def ready(state: Labelling, stage: str) -> bool:
    """Whether the models are there that choose a round's rows: not before the rounds before it are answered."""
    after = [state.settings.rounds[stage].after] if stage != rounds.FIRST else []
    while after and after[-1] != rounds.FIRST:
        after.append(state.settings.rounds[after[-1]].after)
    found = state.resolved()
    return all(asked.file_of(before).exists() and not state.open_keys(before, found) for before in after)


def forget_open(state: Labelling, stage: str) -> None:
    """Take the unanswered rows out of a round's file, and the file away where none is left."""
    if not stage or not asked.file_of(stage).exists():
        raise Refused(f"AGAIN=1 with STAGE={stage}: nothing was asked there; possible: {', '.join(asked.written()) or 'none yet'}")
    if stage == asked.HOLDOUT:
        raise Refused("AGAIN=1 with STAGE=holdout: its rows were drawn at random, and stay; say ? of one that cannot be answered")
    rows, unanswered = asked.read(stage), set(state.open_keys(stage))
    kept = [row for row in rows if row.key not in unanswered]
    if filled := sum(1 for row in rows if row.key in unanswered and row.label):
        file = asked.file_of(stage)
        raise Refused(f"AGAIN=1: {file} holds {filled:,} labels that were not read yet: make answers FILE={file} first")
    if kept:
        asked.write(stage, kept)
    else:
        asked.file_of(stage).unlink()
    print(f"{asked.file_of(stage)}: {len(rows) - len(kept):,} unanswered rows are proposed anew, {len(kept):,} stay")


def lacking(state: Labelling, name: str, repro: Run) -> list[str]:
    """Keys that a round should ask for beside those that it does."""
    if name == asked.HOLDOUT:
        return of_holdout(state)
    if name == asked.RANDOM:
        return of_random(state)
    return of_stage(state, name, repro)


def of_holdout(state: Labelling) -> list[str]:
    held = [text for text in state.texts.values() if text.held]
    already = state.keys_of(asked.HOLDOUT)
    if not already:  # a holdout whose rows all have labels is one of the source's own
        return [text.key for text in held] if any(text.source is None for text in held) else []
    found = state.resolved().labels
    wanted = state.settings.prepare.holdout_rows - sum(found.get(key) != journal.CANNOT_SAY for key in already)
    ever = {key for name in asked.written() for key in asked.keys(name)} | found.keys()
    groups = {text.group for text in state.texts.values() if text.key in ever and text.group}
    drawn = sorted(
        (text for text in state.texts.values() if not text.held and text.key not in ever and text.group not in groups),
        key=lambda text: keys.chance(text.key, state.settings.prepare.holdout_seed),
    )
    return [text.key for text in drawn[: max(0, wanted)]]


def of_random(state: Labelling) -> list[str]:
    """As many rows as the bucketed arm has at the largest stage that is asked for, of the first seed's random order."""
    reached = [stage for stage in state.settings.random_at if asked.file_of(stage).exists()]
    wanted = max((rounds.load_budget(stage)["labels"] for stage in reached), default=0)
    key_of, already = state.key_of_row(), set(state.keys_of(asked.RANDOM))
    [order, *_] = rounds.random_orders(state.settings.seeds, len(key_of))
    return [key for key in (key_of[row] for row in order) if key not in already][: max(0, wanted - len(already))]


def of_stage(state: Labelling, stage: str, repro: Run) -> list[str]:
    key_of, number = state.key_of_row(), {key: text.row for key, text in state.texts.items() if not text.held}
    found = state.resolved()
    first = stage == rounds.FIRST
    after = None if first else state.settings.rounds[stage].after
    rows = [row for row in asked.read(stage) if row.key in number]
    if not rows:
        repro(selects(stage))
        budget = rounds.load_budget(stage)
        if budget["ended_after"]:
            print(f"{stage}: nothing to ask, {budget['ended_after']} was {budget['ended_because']}")
            return []
        labelled = rounds.load_labelled(stage, state.settings.seeds, len(key_of))[0]
        held = set(before(state, after))
        return [key_of[row] for row in labelled if row not in held]
    by, amount, setting = (
        (state.settings.select_stage1.pick, state.settings.select_stage1.n, "select_stage1.n")
        if first
        else (state.settings.select_stageN.by, state.settings.rounds[stage].m, f"rounds.{stage}.m")
    )
    usable = [row for row in rows if not row.found and found.labels.get(row.key) != journal.CANNOT_SAY]
    short = rounds.wanted(amount, int(state.buckets.max()) + 1, len(key_of)) - len(usable)
    if short <= 0:
        return []
    repro(selects(stage))
    held = np.array([number[row.key] for row in rows], np.int64)
    held = held[~np.isin(held, before(state, after))] if not first else np.union1d(held, before(state, None))
    scores = None
    if not first:
        scores = artifacts.load(rounds.folder(stage) / "scores.npy", np.float32, (len(state.settings.seeds), len(key_of)), nan=True)
    read = params.read("select_stage1", "strategies", "seeds", "train", "embed")
    said = labels.answers()[held]
    picked = bucketed.rows_to_add(stage, by, amount, setting, read, read.strategies, after, scores, held, said, short)
    return [key_of[row] for row in bucketed.first_seen(np.concatenate(picked))]


def before(state: Labelling, after: str | None) -> np.ndarray:
    """int64 [rows]: what a round finds labelled."""
    rows = len(state.key_of_row())
    return rounds.load_labelled(after, state.settings.seeds, rows)[0] if after else rounds.load_asked("brought", rows)


if __name__ == "__main__":
    run(main)
