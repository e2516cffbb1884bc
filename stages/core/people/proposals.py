"""Which rows a round should ask people for, beside those that it asks for already."""

import numpy as np

from stages.core.arms import bucketed
from stages.core.base import artifacts, keys, params
from stages.core.base.errors import Refused
from stages.core.people.labelling import Labelling, Run, selects
from stages.core.people.records import asked, journal
from stages.core.rows import labels, rounds

BUCKETS = "cluster"  # the DVC stage that everything is chosen from


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
    if first:
        choice = bucketed.Choice(stage, state.settings.select_stage1.pick, state.settings.select_stage1.n, "select_stage1.n")
    else:
        amount = state.settings.rounds[stage].m
        choice = bucketed.Choice(stage, state.settings.select_stageN.by, amount, f"rounds.{stage}.m", after)
    usable = [row for row in rows if not row.found and found.labels.get(row.key) != journal.CANNOT_SAY]
    short = rounds.wanted(choice.amount, int(state.buckets.max()) + 1, len(key_of)) - len(usable)
    if short <= 0:
        return []
    repro(selects(stage))
    held = np.array([number[row.key] for row in rows], np.int64)
    held = held[~np.isin(held, before(state, after))] if not first else np.union1d(held, before(state, None))
    scores = None
    if not first:
        scores = artifacts.load(rounds.folder(stage) / "scores.npy", np.float32, (len(state.settings.seeds), len(key_of)), nan=True)
    read = params.read("select_stage1", "strategies", "seeds", "train", "embed")
    picked = bucketed.rows_to_add(choice, read, scores, bucketed.Held(held, labels.answers()[held]), short)
    return [key_of[row] for row in bucketed.first_seen(np.concatenate(picked))]


def before(state: Labelling, after: str | None) -> np.ndarray:
    """int64 [rows]: what a round finds labelled."""
    rows = len(state.key_of_row())
    return rounds.load_labelled(after, state.settings.seeds, rows)[0] if after else rounds.load_asked("prelabelled", rows)
