"""`make repro` says at the end what took how long."""

import json
from pathlib import Path

from stages.commands import repro


def test_only_what_ran_in_this_run_counts_and_stages_that_ran_twice_are_summed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert repro.ran_since(0) == {}
    Path(".gleaner").mkdir()
    lines = [("embed", 50, 99), ("embed", 2.5, 101), ("map", 30, 102), ("embed", 3, 103)]
    rows = [json.dumps(dict(zip(("stage", "seconds", "ended"), line))) for line in lines]
    repro.TIMES.write_text("\n".join(rows) + "\n")
    assert repro.ran_since(100) == {"map": 30, "embed": 5.5}


def test_the_slowest_stages_are_named_and_the_others_summed():
    assert repro.took(12, {"map": 6.4, "embed": 3.2}) == "Took 12 s: map 6 s, embed 3 s, DVC 2 s"
    seconds = {name: 10.0 - i for i, name in enumerate("abcdefg")}
    assert repro.took(60, seconds) == "Took 60 s: a 10 s, b 9 s, c 8 s, d 7 s, e 6 s, 2 others 9 s, DVC 11 s"
