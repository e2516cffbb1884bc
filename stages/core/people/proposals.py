"""Which rows a round should ask people for, beyond those that it already asks for."""

from collections.abc import Callable, Collection

import numpy as np

from stages.core.arms import bucketed
from stages.core.base import artifacts, keys, params
from stages.core.base.errors import Refused
from stages.core.people.labelling import Labelling
from stages.core.people.records import asked
from stages.core.people.records.journal import CANNOT_SAY
from stages.core.rows import labels, rounds

BUCKETS = "cluster"  # the DVC stage that every choice starts from
Run = Callable[[str], None]  # runs `dvc repro` of a stage


def first_target(state: Labelling, stage: str) -> str:
    """The DVC stage to run first: the selection of the next round, which runs everything before it; or the buckets, if data/ does
    not tell yet which round that is. One `dvc repro` then does the work of two.

    stage   the only round that is wanted, or ""
    """
    names = [stage] if stage else state.stages
    next_round = next((name for name in names if not asked.file_of(name).exists()), rounds.FIRST)
    try:
        known = next_round in state.stages[1:] and ready(state, next_round)
    except Refused:  # data/ is empty, or was made of other texts
        known = False
    return selecting(next_round) if known else BUCKETS


def selecting(stage: str) -> str:
    """The DVC stage that selects a round's rows."""
    return "select_stage1" if stage == rounds.FIRST else f"select_stageN@{stage}"


def ready(state: Labelling, stage: str) -> bool:
    """Whether all rounds before this one are answered, so that the models exist that choose its rows."""
    resolved = state.resolved()
    while stage != rounds.FIRST:
        stage = state.settings.rounds[stage].after
        if not asked.file_of(stage).exists() or state.open_keys(stage, resolved):
            return False
    return True


def missing(state: Labelling, name: str, repro: Run) -> list[str]:
    """Keys that a round should ask for beyond those in its file."""
    if name == asked.HOLDOUT:
        return _of_holdout(state)
    return _of_random(state) if name == asked.RANDOM else _of_stage(state, name, repro)


def _of_holdout(state: Labelling) -> list[str]:
    """The whole holdout at first; later, rows of the pool drawn at random that share no group with a row asked before."""
    already = state.keys_of(asked.HOLDOUT)
    if not already:  # if every row has a label, the holdout is the data set's own
        return [text.key for text in state.texts.values() if text.in_holdout] if state.needs_holdout() else []
    known = state.resolved().labels
    wanted = state.settings.prepare.holdout_rows - sum(known.get(key) != CANNOT_SAY for key in already)
    seen = asked.keys_in(asked.written()) | known.keys()
    groups = {text.group for text in state.texts.values() if text.key in seen and text.group}
    drawn = sorted(
        (key for key in state.pool_keys() if key not in seen and state.texts[key].group not in groups),
        key=lambda key: keys.chance(key, state.settings.prepare.holdout_seed),
    )
    return drawn[: max(0, wanted)]


def _of_random(state: Labelling) -> list[str]:
    """As many rows as the bucketed arm has at the last stage asked for, in the random order of the first seed."""
    reached = [stage for stage in state.settings.random_at if asked.file_of(stage).exists()]
    wanted = max((rounds.load_budget(stage)["labels"] for stage in reached), default=0)
    key_of_row, already = state.pool_keys(), set(state.keys_of(asked.RANDOM))
    [order, *_] = rounds.random_orders(state.settings.seeds, len(key_of_row))
    return [key for key in (key_of_row[row] for row in order) if key not in already][: max(0, wanted - len(already))]


def _of_stage(state: Labelling, stage: str, repro: Run) -> list[str]:
    """The strategy's choice at first; later, as many more rows as n or m asks for. The next best stand in for near-duplicates."""
    key_of_row, settings = state.pool_keys(), state.settings
    after = None if stage == rounds.FIRST else settings.rounds[stage].after
    rows = [row for row in asked.read(stage) if row.key in state.texts and not state.texts[row.key].in_holdout]
    if after:
        choice = bucketed.Choice(stage, settings.select_stageN.by, settings.rounds[stage].m, f"rounds.{stage}.m", after)
    else:
        choice = bucketed.Choice(stage, settings.select_stage1.pick, settings.select_stage1.n, "select_stage1.n")
    usable = len(state.usable(stage, state.resolved()))
    wanted = rounds.wanted(choice.amount, int(state.buckets.max()) + 1, len(key_of_row)) - usable
    if rows and wanted <= 0:
        return []
    repro(selecting(stage))
    before, already = _labelled_before(state, after), [state.texts[row.key].row for row in rows]

    def more(closed: Collection[int], wanted: int) -> list[int]:
        """The next best rows, none of `closed`; fewer if the pool has fewer."""
        held = np.array(sorted({*already, *closed}.difference(before) if after else {*already, *closed, *before}), np.int64)
        wanted = min(wanted, len(key_of_row) - len({*before, *held})) if closed else wanted
        if not wanted:
            return []
        shape = len(settings.seeds), len(key_of_row)
        scores = artifacts.load(rounds.folder(stage) / "scores.npy", np.float32, shape, nan=True) if after else None
        read = params.read("select_stage1", "strategies", "seeds", "train", "embed")
        picked = bucketed.rows_to_add(choice, read, scores, bucketed.Held(held, labels.answers()[held]), wanted)
        return bucketed.without_repeats(picked).tolist()

    budget = rounds.load_budget(stage)
    if not rows and budget["ended_after"]:
        print(f"{stage}: nothing to ask, {budget['ended_after']} was {budget['ended_because']}")
        return []
    chosen = rounds.load_labelled(stage, settings.seeds, len(key_of_row))[0]
    best = more([], wanted) if rows else chosen[~np.isin(chosen, before)].tolist()
    picked = state.alike.apart(best, {*before.tolist(), *already}, more) if state.alike else best
    if left_out := len(set(best).difference(picked)):
        print(f"{stage}: {left_out:,} near-duplicates are left out, and other rows are in their place (labels.alike)")
    return [key_of_row[row] for row in picked]


def _labelled_before(state: Labelling, after: str | None) -> np.ndarray:
    """int64 [rows]: the rows with a label before a round; `after`: the stage before it, or None."""
    rows = len(state.pool_keys())
    return rounds.load_labelled(after, state.settings.seeds, rows)[0] if after else rounds.load_asked("prelabelled", rows)
