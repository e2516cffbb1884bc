"""`make label [WHO=anna] [PORT=8642]`: a page in the browser, on this computer only, where people label.

If no row is open, the next rows are chosen first. Every answer is in labels/answers/ANNOTATOR.csv before the next row shows, so you
may close the page or kill this process at any time. If the page is already running, it opens again, for another annotator too.
"""

from stages.commands import ask, waiting
from stages.core.base import paths
from stages.core.people.labelling import begin
from stages.core.people.labelling_page import process
from stages.core.people.records import journal


def main(who: str = "", port: str = "") -> None:
    who = who or journal.myself()
    journal.file_of(who)
    wanted = process.port_number(port)
    state = begin()
    if not process.take_lock():
        process.show(process.running(wanted), who, "The page is already running")
        return
    if paths.CLASSES.exists() and (who == journal.DECIDED or state.open_round()):
        waiting.main()
    else:
        ask.main()
    process.serve(process.listening(wanted), who)
    waiting.main()
