"""`make ask`: write down which rows the next round asks people for, in labels/STAGE.csv; first of all those of the holdout.

    make ask                         the next round, and what is lacking of the earlier ones
    make ask STAGE=stage2            that round alone
    make ask STAGE=stage2 AGAIN=1    its unanswered rows are proposed anew; its answers stay
    make ask FORMAT=label-studio     and write what is not answered as tasks for a tool, into tasks/: label-studio, argilla,
                                     prodigy, doccano; PREDICT=1 with the model's guesses, which lead people to agree with it

What is asked stays asked: rows are added, never taken away, and from then on the round is what its file says.
"""

from stages.commands import waiting
from stages.core.base.errors import Refused, choices
from stages.core.people import dvc_repro as dvc
from stages.core.people import proposals, tasks
from stages.core.people.labelling import Labelling, Run
from stages.core.people.records import asked, journal
from stages.core.people.tools.recognise import TOOLS

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
    repro(proposals.begins_with(state, stage))
    for name in [stage] if stage else state.names:
        state = Labelling()
        if name in state.stages and not proposals.ready(state, name):
            later.append(name)
            continue
        before = asked.read(name)
        new = proposals.lacking(state, name, repro)
        if new:
            asked.write(name, [*before, *state.rows(new)])
            print(f"{asked.file_of(name)}: {len(new):,} rows are asked for" + (f" more, {len(before):,} were" if before else ""))
            added.append(name)
            if name == asked.HOLDOUT and before:
                repro(proposals.BUCKETS)  # the pool has lost these rows
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
            self.made |= {target: seen, proposals.BUCKETS: seen}  # every choice needs them


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
