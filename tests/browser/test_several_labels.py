"""The labelling page where a text may have several labels, in a real Chromium with keys and clicks."""

import pytest

from stages.core import task
from stages.core.people.label_errors import Doubt
from stages.core.people.labelling_page.background import Background, Choosing
from stages.core.people.labelling_page.desk import Desk
from stages.core.people.records import journal
from tests.browser.test_browser import CONTRASTS, ENTER, ESCAPE, driver, folder, next_rows  # noqa: F401  (fixtures)
from tests.support.browser import Window, served
from tests.support.page import ALIKE, KEYS, LIKE, TEXTS, alike_on_paper, lines_of, on_paper, predict

FEW = ("anger", "fear", "joy")
MANY = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire", "disappointment",
    "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy", "love", "nervousness",
    "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral",
)  # fmt: skip

pytestmark = pytest.mark.slow


def given(who: str = "anna") -> list[str]:
    return [label for _, label in lines_of(who)]


def opened(driver, address, who="anna") -> Window:  # noqa: F811
    driver.set_window_size(1200, 900)
    driver.get("data:,")
    window = Window(driver).open(address, who)
    window.complaints()  # drops those of other tests
    return window


def pressed(window: Window) -> str:
    return window.text("#classes [aria-pressed=true] span")


def test_keys_and_clicks_set_labels_and_enter_answers_with_two_one_or_none(folder, driver):  # noqa: F811
    on_paper(folder, FEW, kind=task.MULTI)
    predict("stage2", [[-1] * 3] * 4 + [[0, 1, 1], [0, 1, 0]])
    desk = Desk(Choosing(next_rows))
    with served(desk) as address:
        window = opened(driver, address)
        assert (window.text("#answer"), pressed(window)) == ("Enter Answer: none of these", "")
        window.press("3")
        window.click("#classes [data-label=fear]")
        assert (window.text("#answer"), pressed(window), given()) == ("Enter Answer: fear, joy", "fear | joy", [])
        assert window.text("#message") == "fear is set."
        assert driver.switch_to.active_element.get_attribute("data-label") == "fear"  # redrawn, and still in focus
        window.press(ENTER)
        assert lines_of("anna") == [[KEYS[0], "fear; joy"]]
        assert (window.text(".text"), window.text("#message"), pressed(window)) == (TEXTS[1], "Saved: fear; joy.", "")

        window.press("1", "2", "1", ENTER)  # anger is taken back before
        window.press(ENTER)
        assert given() == ["fear; joy", "fear", "-"]
        assert window.text("#message") == "Saved: none of these."
        window.press("1", "0")  # cannot say stands alone
        assert given()[3:] == ["?"]
        window.until(lambda: window.text(".text") == TEXTS[4])

        window.press("z", "z", "z")
        assert (given()[4:], window.text(".text"), pressed(window)) == (["", "", ""], TEXTS[1], "fear")
        assert window.text("#message") == "Undone: this text has no answer again; its labels are still set."
        window.press("1")
        window.click("#answer")
        assert lines_of("anna")[-1] == [KEYS[1], "anger; fear"]
        window.press("2", ENTER, ENTER)
        window.until(lambda: window.text(".text") == TEXTS[4])
        window.press("2", ENTER)
        assert window.text("#message") == "Saved: fear. The model guessed fear; joy."

        window.click("#open-earlier")
        window.press(*"joy")  # one of its labels
        window.until(lambda: window.text("#list button") == f"fear; joy\n{TEXTS[0]}")
        window.click("#list button")
        window.until(lambda: "your answer: fear; joy" in window.text("article"))
        assert pressed(window) == "fear | joy"
        window.press("3", ENTER)
        assert lines_of("anna")[-1] == [KEYS[0], "fear"]
        window.press("z")
        assert (lines_of("anna")[-1], pressed(window)) == ([KEYS[0], "fear; joy"], "fear | joy")
        window.press(ESCAPE)

        desk.doubting = Background(lambda: [Doubt(KEYS[1], "anger; fear", 0.02, "anger"), Doubt(KEYS[0], "fear; joy", 0.1, "-")])
        window.click("#doubts")
        window.until(lambda: window.text(".text") == TEXTS[1])
        assert "fear is wrong?" in window.text("article")
        window.press("2", ENTER)
        assert lines_of("anna")[-1] == [KEYS[1], "anger"]
        window.press("z")
        assert ("fear is wrong?" in window.text("article"), pressed(window)) == (True, "anger | fear")
        window.press("2", ENTER)
        window.press(ENTER)  # confirms
        assert lines_of("anna")[-1] == [KEYS[0], "fear; joy"]
        assert window.text("#message") == "You have checked all doubts."
        assert window.complaints() == []


def test_above_nine_labels_enter_sets_what_was_typed_and_then_answers(folder, driver):  # noqa: F811
    on_paper(folder, MANY, kind=task.MULTI)
    with served(Desk(Choosing(next_rows))) as address:
        window = opened(driver, address)
        window.press(*"jo", ENTER, *"surp", ENTER, "1")
        assert (pressed(window), given()) == ("admiration | joy | surprise", [])
        window.press(ENTER)
        assert given() == ["admiration; joy; surprise"]
        window.click("footer summary")
        assert "A text may have any number of labels" in window.text("#several")
        window.find("#at-once")[0].send_keys("\ue003", "2", ENTER)
        window.until(lambda: len(window.find("article")) == 1)  # the only open row of its bucket
        window.press(*"grat")
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert window.complaints() == []


def test_rows_side_by_side_keep_what_is_set_and_an_answer_counts_for_texts_like_it(folder, driver):  # noqa: F811
    alike_on_paper(folder, "auto", FEW, task.MULTI)
    with served(Desk(Choosing(next_rows))) as address:
        window = opened(driver, address)
        window.click("footer summary")
        window.find("#at-once")[0].send_keys("\ue003", "3", ENTER)
        window.until(lambda: len(window.find("article")) == 3)
        window.click("h1")
        window.press("2", "\ue014", "3")  # the second row gets joy
        window.find("#guess")[0].click()
        window.until(lambda: not window.find("body[aria-busy]"))
        window.click("h1")
        assert pressed(window) == "fear"
        window.press("\ue014")
        assert pressed(window) == "joy"
        window.press("\ue012", "1", ENTER)
        assert lines_of("anna") == [[key, "anger; fear"] for key in LIKE[:3]]
        window.press("z")
        assert lines_of("anna")[3:] == [[key, ""] for key in LIKE[:3]]
        assert (window.text("article[aria-current=true] .text"), pressed(window)) == (ALIKE[0], "anger | fear")
        assert window.complaints() == []


def test_who_decides_begins_with_what_all_say_and_sees_what_is_disputed(folder, driver):  # noqa: F811
    on_paper(folder, FEW, kind=task.MULTI)
    for who, label in (("anna", "joy; fear"), ("bob", "joy"), ("eve", "?"), ("program-x", "anger")):
        journal.append(who, [(KEYS[0], label)])
    desk = Desk(Choosing(next_rows))
    with served(desk) as address:
        window = opened(driver, address, "decided")
        assert "anna: fear; joy, bob: joy, eve: cannot say, program-x: anger" in window.text("article")
        assert "disputed: fear" in window.text("article")
        assert (pressed(window), window.text("#classes em"), window.text("#answer span")) == ("joy", "disputed", "Answer: joy")
        assert [each for each in driver.execute_script(CONTRASTS) if each[2] < 4.5] == []
        window.press("2", ENTER)
        assert given("decided") == ["fear; joy"]

        journal.append("anna", [(KEYS[1], "joy")])
        desk.doubting = Background(lambda: [Doubt(KEYS[1], "joy", 0.1, "fear; joy")])
        window.click("#doubts")
        window.until(lambda: window.text(".text") == TEXTS[1])
        assert ("fear is missing?" in window.text("article"), pressed(window)) == (True, "joy")
        window.press("2", ENTER)
        assert lines_of("decided")[-1] == [KEYS[1], "fear; joy"]
        assert window.complaints() == []
