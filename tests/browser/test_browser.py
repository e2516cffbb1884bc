"""The labelling page in a real Chromium, with keys and clicks. The tests are skipped if there is no browser."""

import json

import pytest

from stages.core.people.label_errors import Doubt
from stages.core.people.labelling import Labelling
from stages.core.people.labelling_page.background import Background, Choosing
from stages.core.people.labelling_page.desk import Desk
from stages.core.people.records import asked
from tests.people.conftest import asked_first, first, unlabelled  # noqa: F401  (fixtures)
from tests.support.browser import Window, chromium, served
from tests.support.page import ALIKE, KEYS, LIKE, TEXTS, alike_on_paper, ask_for, lines_of, on_paper, predict
from tests.support.project import Project

GUIDE = "# When is it positive?\n\nWhere the author would go again.\n\n- <img src=x onerror=alert(1)>\n- Irony counts as meant."
ARROW_RIGHT, ARROW_DOWN, ENTER, ESCAPE, BACKSPACE = "\ue014", "\ue015", "\ue007", "\ue00c", "\ue003"
ALT, SHIFT, TAB = "\ue00a", "\ue008", "\ue004"
MANY = tuple(f"{animal} {number}" for animal in ("cat", "zebra", "owl") for number in ("one", "two", "three", "four"))

# For each element with text of its own: its name, the lightness of its background, and the contrast between the two.
CONTRASTS = """
  const parts = (colour) => { const [r, g, b, a] = colour.match(/[\\d.]+/g).map(Number); return [[r, g, b], a ?? 1]; };
  const over = (top, share, below) => top.map((value, i) => share * value + (1 - share) * below[i]);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    if (!e) return [255, 255, 255];
    const [rgb, share] = parts(getComputedStyle(e).backgroundColor);
    return share === 1 ? rgb : over(rgb, share, ground(e.parentElement));
  };
  const own = (e) => [...e.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  return [...document.querySelectorAll("body *")].filter((e) => own(e) && e.checkVisibility()).map((e) => {
    const [below, style] = [ground(e), getComputedStyle(e)];
    const words = over(parts(style.color)[0], Number(style.opacity), below);
    const [one, other] = [light(words), light(below)].sort((a, b) => b - a);
    const name = e.id ? `#${e.id}` : e.closest("article") ? "article" : e.tagName.toLowerCase();
    return [name, light(below), (one + 0.05) / (other + 0.05)];
  });
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def driver():
    one = chromium()
    yield one
    one.quit()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def next_rows(say) -> None:
    say("labels/stage2.csv: 2 rows are asked for")
    ask_for("stage2", KEYS[4:])


@pytest.fixture
def desk() -> Desk:
    return Desk(Choosing(next_rows))


@pytest.fixture
def address(folder, desk):
    on_paper(folder, guide=GUIDE)
    predict("stage2", [-1, -1, -1, -1, 0, 1])
    with served(desk) as address:
        yield address


@pytest.fixture
def window(driver, address) -> Window:
    driver.set_window_size(1200, 900)
    driver.get("data:,")
    window = Window(driver).open(address)
    window.complaints()  # drops those of other tests
    return window


def given(who: str = "anna") -> list[str]:
    return [label for _, label in lines_of(who)]


def test_a_round_is_answered_with_keys_only_and_the_next_follows(window):
    for number, (key, label) in enumerate(zip("2102", ("pos", "neg", "?", "pos"))):
        assert window.text(".text") == TEXTS[number]
        assert window.text("#count").startswith(f"stage1: {number} of 4 answered, {4 - number} left")
        window.press(key)
        assert given()[-1] == label
    window.until(lambda: window.text(".text") == TEXTS[4])
    assert window.text("#count").startswith("stage2: 0 of 2 answered")
    assert [key for key, _ in lines_of("anna")] == KEYS[:4]
    assert window.complaints() == []


def test_a_text_is_shown_and_never_run(window):
    window.press("1", "1")
    assert window.text(".text") == "</script><script>document.title='run'</script>"
    assert (window.driver.title, len(window.find("script"))) == ("2 left - Gleaner", 1)
    assert "<img src=x onerror=alert(1)>" in window.text("#guide-text li")
    assert window.find("img") == []


def test_z_undoes_step_by_step_even_after_a_reload(window, address):
    window.press("2", "1", "z")
    assert (window.text(".text"), window.text("#message")) == (TEXTS[1], "Undone: this text has no answer again.")
    window.press("2")
    window.open(address)
    assert window.text(".text") == TEXTS[2]
    window.press("z", "z")
    assert window.text(".text") == TEXTS[0]
    assert given() == ["pos", "neg", "", "pos", "", ""]
    window.press("z")
    assert window.text("#message").startswith("Nothing to undo in this window")


def test_earlier_answers_can_be_searched_changed_and_undone(window):
    window.press("1", "1")
    window.click("#open-earlier")
    window.until(lambda: len(window.find("#list button")) == 2)
    window.press(*"plot")
    window.until(lambda: window.text("#list button span") == TEXTS[1])
    window.press("2")  # in the search this is text and not an answer
    assert given() == ["neg", "neg"]
    window.press(BACKSPACE)
    window.until(lambda: len(window.find("#list button")) == 1)
    window.click("#list button")
    window.until(lambda: window.text(".text") == TEXTS[1])
    assert "your answer: neg" in window.text("article")
    window.press("2")
    assert lines_of("anna")[-1] == [KEYS[1], "pos"]
    assert window.text(".text") == TEXTS[2]
    window.press("z")
    assert lines_of("anna")[-1] == [KEYS[1], "neg"]
    window.press(ESCAPE)
    window.until(lambda: window.text(".text") == TEXTS[2])


def test_rows_side_by_side_take_one_key_each(window):
    window.click("footer summary")
    window.find("#at-once")[0].send_keys(BACKSPACE, "3", ENTER)
    window.until(lambda: len(window.find("article")) == 2)
    window.click("h1")
    window.press(ARROW_RIGHT, "2")
    assert lines_of("anna") == [[KEYS[1], "pos"]]
    assert window.find("article.answered")[0].text.startswith(TEXTS[1])
    window.press("1")
    window.until(lambda: window.text(".text") == f"{TEXTS[2]} | {TEXTS[3]}")
    window.press("1", "2")
    assert [[key, label] for key, label in lines_of("anna")][1:] == [[KEYS[0], "neg"], [KEYS[2], "neg"], [KEYS[3], "pos"]]


def test_the_guess_is_hidden_until_the_answer_unless_switched_on_with_a_warning(window):
    window.press(*"1111")
    window.until(lambda: window.text(".text") == TEXTS[4])
    assert "guess" not in window.text("main")
    window.press("2")
    assert window.text("#message") == "Saved: pos. The model guessed neg."
    window.click("footer summary")
    assert "this biases you" in window.text("footer")
    window.click("#guess")
    window.until(lambda: "the model's guess: pos" in window.text("article"))


def test_a_programs_guess_names_its_source_and_no_name_of_a_program_is_markup(window, folder):
    source = "<img src=x onerror=alert(1)>gpt"
    lines = [{"text": text, "label": "neg", "sure": 0.93, "from": source} for text in TEXTS]
    (folder / "gpt.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    Project(folder).change({"labels": {"guesses": "gpt.jsonl"}})
    assert "gpt" not in window.text("main")
    window.press("2")
    assert window.text("#message") == f"Saved: pos. {source}: neg, 93% sure."
    window.press("z")
    assert window.text("#message") == "Undone: this text has no answer again."
    window.click("footer summary")
    window.click("#guess")
    window.until(lambda: f"{source}: neg, 93% sure" in window.text("article .chip"))
    assert (window.find("img"), window.complaints()) == ([], [])


def test_doubts_are_checked_one_by_one(window, desk):
    window.press("1", "2")
    found = [Doubt(KEYS[1], "pos", 0.02, "neg"), Doubt(KEYS[0], "neg", 0.1, "pos")]
    desk.doubting = Background(lambda: found)
    window.click("#doubts")
    window.until(lambda: window.text(".text") == TEXTS[1])
    assert (window.text("#count"), window.text("#message")) == ("doubts: 0 of 2 checked", "")
    assert window.text("#back") == "Esc leave for later"
    assert "your answer: pos" in window.text("article")
    assert "neg" not in window.text("article")  # the model's class is shown after the answer
    window.press("1")
    assert lines_of("anna")[-1] == [KEYS[1], "neg"]
    assert window.text("#message") == "Saved: neg. The model guessed the same."
    assert (window.text(".text"), window.text("#count")) == (TEXTS[0], "doubts: 1 of 2 checked")
    window.press("z")
    assert (window.text(".text"), lines_of("anna")[-1]) == (TEXTS[1], [KEYS[1], "pos"])
    window.press(ESCAPE)  # left for later
    assert window.text(".text") == TEXTS[0]
    window.press("1")
    assert lines_of("anna")[-1] == [KEYS[0], "neg"]
    assert window.text("#message") == "You have checked all doubts."
    assert (window.text(".text"), window.text("#count")[:6]) == (TEXTS[2], "stage1")
    window.click("#doubts")
    window.until(lambda: window.text(".text") == TEXTS[1])  # the other was confirmed by the same answer twice
    window.click("#doubts")
    assert window.text(".text") == TEXTS[2]
    assert window.complaints() == []


def test_a_class_typed_in_full_comes_before_those_that_contain_it(folder, driver):
    on_paper(folder, ("lost or stolen card", *MANY, "card lost", "card", "Carded"))
    with served(Desk(Choosing(next_rows))) as address:
        driver.get("data:,")
        window = Window(driver).open(address)
        window.press(*"card")
        assert window.text("#classes button span") == "card | card lost | Carded | lost or stolen card"
        window.press(ENTER)
        assert given() == ["card"]


def test_the_page_says_why_there_are_no_doubts(window, desk):
    window.press("1")
    window.click("#doubts")
    window.until(lambda: "label more first" in window.text("#wait"))
    window.press("2")
    assert given() == ["neg"]
    window.press(ESCAPE)
    assert window.text(".text") == TEXTS[1]
    desk.doubting = Background(list)
    window.click("#doubts")
    window.until(lambda: window.text("#message") == "No answer is doubtful.")
    assert window.text(".text") == TEXTS[1]


def test_typing_filters_a_long_list_of_classes(folder, driver):
    on_paper(folder, MANY)
    with served(Desk(Choosing(next_rows))) as address:
        driver.get("data:,")
        window = Window(driver).open(address)
        window.press("9")
        assert given() == ["owl one"]
        window.press(*"owl f", ENTER)
        assert given()[-1] == "owl four"
        window.press(*"ze")  # z undoes while nothing is typed
        assert given()[-1] == ""
        window.press(ESCAPE, *"ebra", "3")
        assert given()[-1] == "zebra three"
        assert window.find("#narrow")[0].get_attribute("value") == ""


def test_one_key_makes_an_answer_count_for_all_texts_like_it_and_z_takes_all_back(folder, driver):
    alike_on_paper(folder)
    with served(Desk(Choosing(next_rows))) as address:
        driver.get("data:,")
        window = Window(driver).open(address)
        window.complaints()  # drops those of other tests
        assert (window.text(".text"), window.text("summary")) == (ALIKE[0], "and 2 texts like it | How this page works")
        window.press("+")
        assert window.find(".all")[0].get_attribute("aria-pressed") == "true"
        assert window.text("#message") == "Your answer will count for 3 texts."
        window.press("2")
        assert (lines_of("anna"), window.text("#message")) == ([[key, "pos"] for key in LIKE[:3]], "Saved: pos, for 3 texts.")
        assert window.text("#count").startswith("stage1: 3 of 5 answered, 2 left")
        assert (window.text(".text"), window.text("article li")) == (ALIKE[4], "")
        window.press("z")
        assert lines_of("anna")[3:] == [[key, ""] for key in LIKE[:3]]
        assert window.text("#count").startswith("stage1: 0 of 3 answered, 3 left")
        window.press("+", "+", "0")  # for this text only
        assert lines_of("anna")[6:] == [[LIKE[0], "?"]]

        window.click("article summary")
        assert window.text("article li") == ALIKE[5]  # with its markup as text
        window.click(".all")
        assert window.text("article li") == ALIKE[5]  # still open
        window.press("1")
        assert lines_of("anna")[7:] == [[LIKE[4], "neg"], [LIKE[5], "neg"]]
        window.press("+")  # this text is like no other
        assert (window.find(".all"), window.find("img"), window.complaints()) == ([], [], [])


def test_side_by_side_and_above_nine_classes_all_are_answered_too(folder, driver):
    alike_on_paper(folder, "auto", MANY)
    with served(Desk(Choosing(next_rows))) as address:
        driver.get("data:,")
        window = Window(driver).open(address)
        window.click("footer summary")
        window.find("#at-once")[0].send_keys(BACKSPACE, "3", ENTER)
        window.until(lambda: len(window.find("article")) == 3)
        window.click("h1")
        window.press(*"owl f", ENTER)  # all by themselves
        assert lines_of("anna") == [[key, "owl four"] for key in LIKE[:3]]
        window.press("+", *"cat tw", ENTER)
        assert lines_of("anna")[3:] == [[LIKE[4], "cat two"]]
        assert window.text(".all") == "+ answer all 3 at once"  # none at the text that was answered alone
        window.press("z")
        assert (lines_of("anna")[4:], len(window.find(".all"))) == ([[LIKE[4], ""]], 2)
        window.press("z")
        assert lines_of("anna")[5:] == [[key, ""] for key in LIKE[:3]]
        window.press(*"x+")
        assert window.find("#narrow")[0].get_attribute("value") == "x+"


def test_an_answer_that_cannot_be_saved_is_reported_and_its_row_stays(window, folder):
    file = folder / "labels/answers/anna.csv"
    file.mkdir(parents=True)  # even root cannot write into a folder
    window.press("1")
    assert "labels/answers/anna.csv cannot be" in window.text("#alert")
    assert window.text(".text") == TEXTS[0]
    file.rmdir()
    window.press("1")
    assert (given(), window.text("#alert"), window.text(".text")) == (["neg"], "", TEXTS[1])


def hold(driver, modifier: str, key: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(driver).key_down(modifier).send_keys(key).key_up(modifier).perform()


def test_rows_are_found_and_added_by_keys_alone_in_three_ways(first, driver):  # noqa: F811
    first.answer_all("holdout")
    first.change(
        {"train": {"names": "auto"}, "labels": {"describe": {"neg": "bad poor awful dull", "pos": "good fine great lovely"}}}
    )
    first.call("name_classes")
    with served(Desk(Choosing(next_rows))) as address:
        driver.get("data:,")
        window = Window(driver).open(address)
        window.complaints()
        before = window.text(".text")
        window.press("f", *"zzz", ENTER)
        window.until(lambda: window.text("#find-says") == "0 of 0 unasked rows with zzz")
        window.press(BACKSPACE, BACKSPACE, BACKSPACE, *"awful", ENTER)
        window.until(lambda: window.text("#find-says").endswith("unasked rows with awful"))
        hits = window.text("#hits li").split(" | ")
        assert (window.text("#look-does"), all("awful" in text for text in hits)) == (f"add {len(hits)} to the round", True)
        window.find("#hits input")[-1].click()  # this one is not wanted
        assert window.text("#look-does") == f"add {len(hits) - 1} to the round"
        hits.pop()
        assert [row for row in asked.read("stage1") if row.found] == []
        window.press(ENTER)
        window.until(lambda: window.text("#message") == f"{len(hits)} rows are added to stage1: they come next.")
        assert window.text(".text") == hits[0] != before
        assert window.text(".about").endswith("found by hand (awful)")
        assert window.text("#count").startswith(f"stage1: 0 of {12 + len(hits)} answered")

        window.press("m")  # more like this: the text itself is asked for already
        window.until(lambda: "unasked rows by likeness to" in window.text("#find-says"))
        assert window.find("#what")[0].get_attribute("value") == hits[0]
        window.press(ESCAPE, "1", "m")  # closed without adding
        window.until(lambda: "unasked rows by likeness to" in window.text("#find-says"))
        liked = window.text("#hits li").split(" | ")
        assert (len(liked), window.text("#hits li").count(hits[1])) == (20, 0)
        window.press(ENTER)
        window.until(lambda: window.text("#message") == "20 rows are added to stage1: they come next.")
        assert asked.read("stage1")[-1].found == f"like: {hits[1][:40]}{'…' * (len(hits[1]) > 40)}"

        window.press("f")
        hold(driver, SHIFT, TAB)
        window.press(ARROW_DOWN, TAB, *"poss", ENTER)
        window.until(
            lambda: window.text("#find-says").startswith("CLASS=poss: no such class; possible: neg, pos; did you mean pos?")
        )
        window.press(BACKSPACE, ENTER)
        window.until(lambda: "by how sure the model of the classes' names is of pos" in window.text("#find-says"))
        window.press(ENTER)
        window.until(lambda: asked.read("stage1")[-1].found == "class: pos")  # the message is that of before
        window.until(lambda: not driver.execute_script("return document.body.hasAttribute('aria-busy')"))  # keys count again
        assert window.text("#message") == "20 rows are added to stage1: they come next."
        assert not {row.key for row in asked.read("stage1")} & set(asked.keys("holdout"))
        window.press("f", *"film", ENTER)  # the way stays; what was typed is replaced
        window.until(lambda: "CLASS=film" in window.text("#find-says"))
        assert Labelling().answers_of("anna").keys() - set(asked.keys("holdout")) == {asked.read("stage1")[12].key}
        assert [each for each in window.complaints() if "409 (Conflict)" not in each] == []  # the two refusals


def test_above_nine_classes_alt_opens_the_search_and_texts_found_never_run(folder, driver):
    on_paper(folder, MANY)
    with served(Desk(Choosing(next_rows))) as address:
        driver.get("data:,")
        window = Window(driver).open(address)
        asked.drop("stage1", {KEYS[2]})
        window.press("f")
        assert window.find("#narrow")[0].get_attribute("value") == "f"
        hold(driver, ALT, "f")
        window.press(*"run music", ENTER)
        window.until(lambda: window.text("#look-does") == "add 2 to the round")
        assert set(window.text("#hits li").split(" | ")) == {TEXTS[2], TEXTS[5]}
        first_window = driver.current_window_handle
        driver.switch_to.new_window("tab")
        Window(driver).open(address, "bob")
        driver.switch_to.window(first_window)
        window.press(ENTER)
        window.until(lambda: window.text("#message") == "2 rows are added to stage1: they come next.")
        assert driver.title != "run"
        [other] = set(driver.window_handles) - {first_window}
        driver.switch_to.window(other)
        window.press("1")  # bob's row; then the other of the two, since anna has one
        window.until(lambda: "found by hand" in window.text(".about"))
        driver.close()
        driver.switch_to.window(first_window)
        hold(driver, ALT, "m")
        window.until(lambda: "dvc repro" in window.text("#find-says"))  # this project has no vectors
        window.press(ESCAPE)
        assert window.text("#alert") == ""


def test_two_windows_of_two_annotators_get_different_rows(window, address, driver):
    own = driver.current_window_handle
    driver.switch_to.new_window("tab")
    second = driver.current_window_handle
    Window(driver).open(address, "bob")
    assert window.text(".text") == TEXTS[1]
    window.press("1")
    driver.switch_to.window(own)
    assert window.text(".text") == TEXTS[0]
    window.press("2")
    assert (lines_of("anna"), lines_of("bob")) == ([[KEYS[0], "pos"]], [[KEYS[1], "neg"]])
    driver.switch_to.window(second)
    driver.close()
    driver.switch_to.window(own)


def test_a_row_given_away_while_the_window_was_hidden_is_replaced(window, desk, driver):
    assert window.text(".text") == TEXTS[0]
    desk.held.clear()  # as after two minutes
    desk.show("bob", "another window")
    driver.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
    window.until(lambda: window.text(".text") == TEXTS[1])


def test_a_key_held_down_answers_once(window, driver):
    down = {"type": "keyDown", "key": "1", "code": "Digit1", "text": "1", "windowsVirtualKeyCode": 49}
    driver.execute_cdp_cmd("Input.dispatchKeyEvent", down)
    for _ in range(3):
        driver.execute_cdp_cmd("Input.dispatchKeyEvent", {**down, "autoRepeat": True})
    driver.execute_cdp_cmd("Input.dispatchKeyEvent", {**down, "type": "keyUp"})
    window.until(lambda: window.text(".text") == TEXTS[1])
    assert given() == ["neg"]


@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_is_cut_off_at_any_width_and_everything_has_an_accessible_name(window, driver, width):
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    wide = driver.execute_script("return document.documentElement.scrollWidth")
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wide == width
    nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    shown = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")]
    assert [role for role, name in shown if role in ("button", "checkbox", "textbox", "progressbar", "article") and not name] == []
    assert ("article", "text") in shown
    assert driver.switch_to.active_element.tag_name == "article"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_in_light_and_dark(window, driver, scheme):
    window.press("1")
    window.click("footer summary")
    still = {"name": "prefers-reduced-motion", "value": "reduce"}  # else colours are measured during their transition
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [still, {"name": "prefers-color-scheme", "value": scheme}]})
    found = driver.execute_script(CONTRASTS)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert {"article", "span", "kbd", "#count"} <= {name for name, _, _ in found}
    assert {ground < 0.5 for name, ground, _ in found if name == "article"} == {scheme == "dark"}
    assert [each for each in found if each[2] < 4.5] == []  # WCAG 2.2, for text of this size


def test_with_a_wrong_token_it_says_what_to_do(driver, address):
    driver.get(address.replace("the-token", "another"))
    assert "open the address that make label printed last" in driver.find_element("css selector", "body").text
