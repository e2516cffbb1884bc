"""`make ask`: write the rows that people should label next to labels/STAGE.csv; the holdout's come first.

    make ask                         the next round, and what earlier rounds lack
    make ask STAGE=stage2            this round only
    make ask STAGE=stage2 AGAIN=1    replace its unanswered rows by a new choice; its answers stay
    make ask FORMAT=label-studio     also write the unanswered rows to tasks/, for a tool: label-studio, argilla, prodigy, doccano;
                                     PREDICT=1 adds the model's guesses, with which people tend to agree

Rows are added and never taken away. Once its file exists, a round is what the file says.
"""

from stages.commands import waiting
from stages.core.base.errors import Refused, choices
from stages.core.people import dvc_repro, proposals, tasks
from stages.core.people.labelling import Labelling, begin
from stages.core.people.proposals import Run
from stages.core.people.records import asked, journal
from stages.core.people.tools.formats import TOOLS

CSV = "csv"
FORMATS = (CSV, *TOOLS)


def main(stage: str = "", again: str = "", form: str = CSV, predict: str = "", repro: Run = dvc_repro.run) -> None:
    if form not in FORMATS:
        raise Refused(f"FORMAT={form}: no such format; {choices(form, FORMATS)}")
    if predict and form == CSV:
        raise Refused(f"PREDICT={predict} with FORMAT=csv: a table shows no guess; {choices('', TOOLS)}")
    state = begin()
    if stage and stage not in state.round_names:
        raise Refused(f"STAGE={stage}: no such round; {choices(stage, state.round_names)}")
    if again:
        drop_unanswered(state, stage)
    added, later = [], []
    repro = Once(repro)
    repro(proposals.first_target(state, stage))
    for name in [stage] if stage else state.round_names:
        state = Labelling()
        if name in state.stages and not proposals.ready(state, name):
            later.append(name)
            continue
        before = asked.read(name)
        new = proposals.missing(state, name, repro)
        if new:
            asked.add(name, state.rows(new))
            more = f" more than the {len(before):,} before" if before else ""
            print(f"{asked.file_of(name)}: asks for {len(new):,} rows{more}")
            added.append(name)
            if name == asked.HOLDOUT and before:
                repro(proposals.BUCKETS)  # these rows have left the pool
    if later:
        print(f"{', '.join(later)}: after the rounds before are answered")
    if added and state.guide:
        print(f"guidelines: {state.settings.labels.guide}")
    if not added:
        print("nothing is added: every row wanted now is asked for")
    if form != CSV:
        tasks.write(TOOLS[form], [stage] if stage else None, bool(predict))
    waiting.main()


class Once:
    """`dvc repro` of a stage, unless that was just done: DVC takes seconds to find that nothing has changed."""

    def __init__(self, repro: Run):
        self.repro, self.done = repro, dict[str, str]()

    def __call__(self, target: str) -> None:
        digest = journal.digest()
        if self.done.get(target) != digest:
            self.repro(target)
            self.done |= {target: digest, proposals.BUCKETS: digest}  # every selection needs the buckets


def drop_unanswered(state: Labelling, stage: str) -> None:
    """Take the unanswered rows out of a round's file; delete the file if none is left."""
    file = asked.file_of(stage)
    if not stage or not file.exists():
        raise Refused(f"AGAIN=1 with STAGE={stage}: nothing was asked there; possible: {', '.join(asked.written()) or 'none yet'}")
    if stage == asked.HOLDOUT:
        raise Refused("AGAIN=1 with STAGE=holdout: its rows were drawn at random and stay; answer ? if a text cannot be labelled")
    rows, unanswered = asked.read(stage), set(state.open_keys(stage))
    if filled := sum(1 for row in rows if row.key in unanswered and row.label):
        raise Refused(f"AGAIN=1: {file} holds {filled:,} labels that were not read yet: make answers FILE={file} first")
    asked.drop(stage, unanswered)
    kept = len(asked.read(stage))
    print(f"{file}: {len(rows) - kept:,} unanswered rows are replaced, {kept:,} stay")
