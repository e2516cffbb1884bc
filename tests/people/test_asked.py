"""The tables of rounds survive every spreadsheet, and none of their cells is a formula."""

import csv
import io
from pathlib import Path

import pytest

from stages.core.base import formulas, keys
from stages.core.base.errors import Refused
from stages.core.people.records import asked, spreadsheets
from stages.core.people.records.asked import Row

TEXTS = ["a fine film", "=1+1", 'it\'s "good", really;\nyes\ttoo', "Füße, größer als – «ça»", "-", "@me", "'=quoted"]
ROWS = [Row(keys.key(text), text, f"g{i}", str(i)) for i, text in enumerate(TEXTS)]
FILE = Path("labels/stage1.csv")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_table_begins_with_a_byte_order_mark_and_has_an_empty_label_for_each_row():
    asked.add("stage1", ROWS)
    assert FILE.read_bytes().startswith(b"\xef\xbb\xbfkey,text,group,bucket,number,label\n")
    _, *rows = cells(FILE.read_text(encoding="utf-8-sig"))
    assert [row[0] for row in rows] == [row.key for row in ROWS]
    assert {row[-1] for row in rows} == {""}


def test_no_cell_is_a_formula_and_each_is_read_as_it_was():
    asked.add("stage1", ROWS)
    for row in cells(FILE.read_text(encoding="utf-8-sig")):
        assert [cell for cell in row if cell != "-" and cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    read = asked.read("stage1")
    assert [row.key for row in read] == [row.key for row in ROWS]
    assert [formulas.unguarded(row.text) for row in read] == TEXTS


def test_found_rows_name_the_words():
    asked.add("stage1", [*ROWS, Row(keys.key("new"), "new", found="new words")])
    assert FILE.read_text(encoding="utf-8-sig").splitlines()[0] == "key,text,group,bucket,found,number,label"
    assert [row.found for row in asked.read("stage1")] == [""] * len(ROWS) + ["new words"]


def test_added_rows_leave_what_a_person_saved_as_it_is():
    asked.add("stage1", ROWS[:2])
    header, *rows = cells(FILE.read_text(encoding="utf-8-sig"))
    mine = [[*header, "notes", ""], *([*row[:-1], "pos", note, "x"] for row, note in zip(rows[::-1], ["=SUM(1;2)", "-"]))]
    saved(mine, ";")
    asked.add("stage1", ROWS[2:4])
    assert cells(FILE.read_text(encoding="utf-8-sig"))[:3] == mine
    assert [row.key for row in asked.read("stage1")] == [row.key for row in ROWS[:4]]
    assert [row.number for row in asked.read("stage1")] == ["1", "2", "3", "4"]
    asked.drop("stage1", {row.key for row in ROWS[1:3]})  # the second has a label by now
    assert [row.key for row in asked.read("stage1")] == [ROWS[place].key for place in (0, 1, 3)]
    saved([[cell if cell != "pos" else "" for cell in line] for line in cells(FILE.read_text(encoding="utf-8-sig"))], ";")
    asked.drop("stage1", {ROWS[1].key})  # and a note still
    assert len(asked.read("stage1")) == 3
    asked.add("stage1", ROWS[4:5])
    assert [row.number for row in asked.read("stage1")] == ["1", "2", "4", "5"]


def test_rows_of_an_older_file_get_numbers_in_their_order():
    saved([["key", "label"], [ROWS[1].key, ""], [ROWS[0].key, "pos"]])
    asked.add("stage1", ROWS[2:3])
    assert [(row.key, row.number) for row in asked.read("stage1")] == [
        (ROWS[place].key, str(n)) for n, place in enumerate((1, 0, 2), 1)
    ]


def test_a_file_whose_rows_are_all_dropped_is_deleted():
    asked.add("stage1", ROWS)
    asked.drop("stage1", {row.key for row in ROWS})
    assert not FILE.exists()


@pytest.mark.parametrize("letter", ["x", "ß", "😀"])
def test_a_text_longer_than_a_cell_is_cut_and_ends_in_dots(letter):
    cell = spreadsheets.cell("=" + letter * 40_000)
    assert len(cell.encode("utf-16-le")) / 2 in (32_766, 32_767)  # as Excel counts; no half of a pair is left
    assert cell.startswith("'=")
    assert cell.endswith(f"{letter}…")
    assert spreadsheets.cell(letter * 16_383) == letter * 16_383


def saved(rows: list[list[str]], delimiter=",", end="\r\n", encoding="utf-8", quoting=csv.QUOTE_MINIMAL) -> None:
    FILE.parent.mkdir(exist_ok=True)
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    FILE.write_bytes(text.getvalue().encode(encoding))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables_saved_by_spreadsheets_are_read(delimiter, encoding, end):
    asked.add("stage1", ROWS)
    header, *rows = cells(FILE.read_text(encoding="utf-8-sig"))
    order = [5, 1, 0, 4, 3, 2]
    filled = [[*row[:-1], "pos"] for row in reversed(rows)]
    saved([[row[place] for place in order] for row in [header, *filled]], delimiter, end, encoding, csv.QUOTE_ALL)
    read = asked.read("stage1")
    assert [(row.key, row.label) for row in read] == [(row.key, "pos") for row in ROWS]  # in their old order
    assert [formulas.unguarded(row.text) for row in (read[0], read[3])] == [TEXTS[0], TEXTS[3]]


def test_case_and_blanks_in_the_header_do_not_matter():
    FILE.parent.mkdir()
    FILE.write_text(f" Key ,LABEL\n{ROWS[0].key}, pos \n")
    assert asked.read("stage1") == [Row(ROWS[0].key, label="pos")]


def test_of_two_columns_of_one_name_none_is_taken_in_silence():
    FILE.parent.mkdir()
    FILE.write_text(f"key,label,Label,note,Note\n{ROWS[0].key},pos,neg,a,b\n")
    with pytest.raises(Refused, match=r"^labels/stage1.csv: 2 columns have one name \(label, Label\); rename one$"):
        asked.read("stage1")
    FILE.write_text(f"key,label,note,Note\n{ROWS[0].key},pos,a,b\n")  # nobody reads these two
    assert asked.read("stage1") == [Row(ROWS[0].key, label="pos")]


def test_a_changed_key_is_refused_with_its_row():
    asked.add("stage1", ROWS)
    FILE.write_text(FILE.read_text(encoding="utf-8-sig").replace(ROWS[1].key, "1.2E+24"))
    with pytest.raises(Refused, match=r"^labels/stage1.csv, row 2: key = '1.2E\+24', possible: t and 24 hexadecimal digits"):
        asked.keys("stage1")


def test_a_table_without_keys_is_refused_with_its_columns():
    FILE.parent.mkdir()
    FILE.write_text("text,label\na,pos\n")
    with pytest.raises(Refused, match=r"^labels/stage1.csv has columns text, label, possible: key, text, group"):
        asked.keys("stage1")


def test_a_file_that_is_no_table_is_refused():
    FILE.parent.mkdir()
    FILE.write_text(f'key,text\n{ROWS[0].key},"half\n')
    with pytest.raises(Refused, match=r"^labels/stage1.csv cannot be read as a table: "):
        asked.keys("stage1")


def test_other_tables_in_the_folder_are_ignored():
    asked.add("stage1", ROWS)
    asked.add("holdout", ROWS[:1])
    for name in ("notes", "stage1 (copy)", "stage"):
        (FILE.parent / f"{name}.csv").write_text("of a person\n")
    assert asked.written() == ["holdout", "stage1"]


def test_without_a_table_nothing_was_asked():
    assert asked.read("stage1") == []
    assert asked.written() == []
