"""The house: rooms of stages/core, each importing only from those before it, as docs/architecture.md draws them."""

import re
from collections import Counter
from pathlib import Path

import networkx
import pytest

from tests.pipeline.test_wiring import imported
from tests.support.project import ROOT

CORE = ROOT / "stages/core"
# In an order in which each imports only from those before it.
ROOMS = [
    *("base", "task", "sources", "people/records", "encoding", "engines", "space", "rows", "learners", "strategies", "arms"),
    *("prediction", "reporting", "new_texts", "takeaway", "report_page", "settings", "people"),
]


def room_of(path: str) -> str | None:
    """The room of a file of stages/core; a room within a room counts for itself only where it is named above."""
    within = Path(path).parent.as_posix().removeprefix("stages/core/")
    return next((room for room in sorted(ROOMS, key=len, reverse=True) if f"{within}/".startswith(f"{room}/")), None)


def rooms_used() -> networkx.DiGraph:
    """An edge leads from a room to each that it imports from."""
    graph = networkx.DiGraph()
    graph.add_nodes_from(ROOMS)
    for file in CORE.rglob("*.py"):
        path = file.relative_to(ROOT).as_posix()
        for other in imported(path):
            used = room_of(other)
            if used and used != room_of(path) and (ROOT / other).stat().st_size:  # an empty __init__.py is no use
                graph.add_edge(room_of(path), used)
    return graph


def test_every_file_of_core_is_in_a_room():
    files = [file.relative_to(ROOT).as_posix() for file in CORE.rglob("*.py") if file != CORE / "__init__.py"]
    assert [path for path in files if not room_of(path)] == []
    assert {room_of(path) for path in files} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_rooms_before_it(room):
    assert [used for used in rooms_used().successors(room) if ROOMS.index(used) > ROOMS.index(room)] == []


def test_core_imports_no_stage_and_no_command():
    for file in CORE.rglob("*.py"):
        path = file.relative_to(ROOT).as_posix()
        above = [other for other in imported(path) if not other.startswith("stages/core/") and other != "stages/__init__.py"]
        assert above == [], path


def test_nothing_imports_the_door():
    assert [file for file in (ROOT / "stages").rglob("*.py") if "stages.__main__" in file.read_text(encoding="utf-8")] == []


def test_no_two_modules_have_one_name():
    """But for strategies, learners and engines, which are named as in params.yaml."""
    chosen = ("strategies", "learners", "engines", "tools")
    files = [file for file in (ROOT / "stages").rglob("[!_]*.py") if file.parent.name not in chosen]
    assert [name for name, times in Counter(file.stem for file in files).items() if times > 1] == []


def test_the_picture_of_the_house_shows_who_uses_whom():
    """What follows from other arrows is left out of it."""
    picture = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").split("```mermaid\n")[2].split("```")[0]
    drawn = set(re.findall(r"^ *(\S+) --> (\S+)$", picture, re.MULTILINE))
    names = {room: room.replace("/", "_") for room in ROOMS}
    expected = networkx.transitive_reduction(rooms_used()).edges
    assert drawn == {(names[room], names[used]) for room, used in expected}
