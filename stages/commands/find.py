"""`make find WORDS="refund chargeback" [STAGE=stage1] [MOST=20]`: add rows that contain one of the words to a round.

LIKE="the parcel came late" instead adds the rows most like a text, CLASS=refund those that the newest model takes most surely for a
class. This is the best start for rare classes. The rows count beside those that a strategy chose.
"""

import re

from stages.commands import waiting
from stages.core.base.errors import Refused
from stages.core.people import finding
from stages.core.people.labelling import begin
from stages.core.people.records import asked


def main(words: str = "", like: str = "", of_class: str = "", stage: str = "", most: str = "") -> None:
    given = {way: what for way, what in zip(finding.WAYS, (words, like, of_class)) if what}
    if len(given) != 1:
        which = " and ".join(f"{way.upper()}=" for way in given) or "none"
        raise Refused(
            f"make find takes one of WORDS=, LIKE= and CLASS=, given: {which}; such as make find WORDS='refund chargeback'"
        )
    if not re.fullmatch(r"[1-9][0-9]{0,4}|", most):
        raise Refused(f"MOST={most}: possible: a number from 1 to 99999, the most rows to add")
    state = begin()
    stage = finding.stage_for(state, stage)
    [(way, what)] = given.items()
    found, of = finding.best(state, way, what, finding.unasked(state), int(most or finding.MOST))
    asked.add(stage, state.rows(found, found))
    print(f"{asked.file_of(stage)}: {len(found):,} rows added, of {of}")
    waiting.main()
