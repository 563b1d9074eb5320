"""A study in a real browser: opened, answered by keyboard, closed, read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_rig import Browser, Served, screenshots
from selenium.webdriver.common.keys import Keys
from study_rig import NOW, StudyWorld, always, conduct, make

from edge.study.plan import Method
from edge.study.study import Study

SIZES = [(1280, 900), (360, 760)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[StudyWorld]:
    built = StudyWorld(tmp_path)
    yield built
    built.close()


@pytest.fixture
def served(rig: StudyWorld) -> Iterator[Served]:
    with Served(rig.world.live_app()) as server:
        yield server


def press(browser: Browser, *keys: str) -> None:
    browser.driver.switch_to.active_element.send_keys(*keys)


def visible(browser: Browser, element_id: str) -> bool:
    script = "const node = document.getElementById(arguments[0]); return !!node?.offsetParent"
    return bool(browser.run(script, element_id))


def no_wider_than_the_window(browser: Browser) -> bool:
    return bool(browser.run("return document.documentElement.scrollWidth <= innerWidth"))


def as_staff(browser: Browser, rig: StudyWorld, url: str, path: str) -> None:
    browser.open(url + "participate")
    browser.log_in(url, rig.world.cookie("tess"))
    browser.driver.get(url + path)


def enter(browser: Browser, url: str, study: Study) -> None:
    """Take part, with nothing but the keyboard, up to the instructions."""
    browser.run("document.getElementById('code').focus()")
    press(browser, study.book.standing().invitation.lower(), Keys.ENTER)
    browser.wait(lambda: visible(browser, "step-consent"), "consent")
    assert browser.run("return document.activeElement.id") == "consent-title"
    press(browser, Keys.TAB)
    press(browser, Keys.SPACE, Keys.TAB)
    press(browser, Keys.SPACE, Keys.TAB)
    press(browser, Keys.ENTER)
    browser.wait(lambda: visible(browser, "step-own"), "a code of one's own")
    press(browser, Keys.TAB)
    press(browser, Keys.ENTER)
    browser.wait(lambda: visible(browser, "begin"), "the instructions")


def asked(browser: Browser, number: int) -> None:
    """Wait until a question is shown."""
    browser.wait(
        lambda: (
            visible(browser, "trial")
            and browser.text("progress-text").startswith(f"Question {number} ")
            and browser.data("stage", "state") == "shown"
        ),
        f"question {number}",
    )


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
def test_a_study_by_keyboard_from_the_code_to_the_last_question(
    rig: StudyWorld, served: Served, browser: Browser, size: tuple[int, int], tmp_path: Path
) -> None:
    study = rig.open_study(count=4, objective=True, ask_confidence=False)
    browser.open(served.url + "participate", *size)
    browser.wait(lambda: visible(browser, "code"), "the door")
    enter(browser, served.url, study)
    assert no_wider_than_the_window(browser)
    press(browser, Keys.TAB)
    browser.run("document.getElementById('begin').focus()")
    press(browser, Keys.ENTER)
    for number in range(1, 8):
        asked(browser, number)
        assert browser.run("return document.activeElement.id") == "question"
        assert no_wider_than_the_window(browser)
        loaded = "return [...document.querySelectorAll('#pair img')].every((i) => i.naturalWidth)"
        assert browser.run(loaded)
        if number == 1:
            browser.photograph(screenshots(tmp_path) / f"study-question-{size[0]}.png")
        answer_next(browser, study, number, "2" if number % 2 else "1")
    for number in range(8, 12):
        asked(browser, number)
        answer_next(browser, study, number, "4")
    browser.wait(lambda: visible(browser, "thanks"), "thanks")
    ((_, answers),) = study.book.everything()
    assert [answer.choice for answer in answers[:3]] == ["right", "left", "right"]
    assert [answer.choice for answer in answers[7:]] == ["4"] * 4
    assert all(answer.rt_ms < 60_000 for answer in answers)
    assert browser.problems() == []


def answer_next(browser: Browser, study: Study, number: int, key: str) -> None:
    """Press until it was taken: the page begins to listen a frame after it shows."""

    def taken() -> bool:
        ((_, answers),) = study.book.everything()
        if len(answers) < number:
            press(browser, key)
        return len(answers) >= number

    browser.wait(taken, f"an answer to question {number}")


def test_how_sure_one_is_is_asked_after_the_choice_and_may_be_skipped(
    rig: StudyWorld, served: Served, browser: Browser
) -> None:
    study = rig.open_study(count=4)
    browser.open(served.url + "participate")
    enter(browser, served.url, study)
    browser.run("document.getElementById('begin').click()")
    asked(browser, 1)
    answer_next(browser, study, 1, "1")
    browser.wait(lambda: visible(browser, "sure"), "how sure")

    def said() -> bool:
        ((_, answers),) = study.book.everything()
        if answers[0].confidence is None:
            press(browser, "4")
        return answers[0].confidence is not None

    browser.wait(said, "a confidence")
    asked(browser, 2)
    answer_next(browser, study, 2, "2")
    browser.wait(lambda: visible(browser, "sure"), "how sure")

    def skipped() -> bool:
        browser.run("document.getElementById('skip-sure').click()")
        return browser.text("progress-text").startswith("Question 3 ")

    browser.wait(skipped, "the next question")
    ((_, answers),) = study.book.everything()
    assert [answer.confidence for answer in answers] == [4, None]


def test_an_answer_that_does_not_arrive_is_sent_again(
    rig: StudyWorld, served: Served, browser: Browser
) -> None:
    study = rig.open_study(count=4, ask_confidence=False)
    browser.open(served.url + "participate")
    enter(browser, served.url, study)
    browser.run("document.getElementById('begin').click()")
    asked(browser, 1)
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd(
        "Network.emulateNetworkConditions", {"offline": True, **conditions}
    )
    try:
        browser.wait(
            lambda: press(browser, "1") or visible(browser, "again"), "that it did not arrive"
        )
    finally:
        browser.driver.execute_cdp_cmd(
            "Network.emulateNetworkConditions", {"offline": False, **conditions}
        )
    assert "did not reach the device" in browser.text("said")
    press(browser, Keys.ENTER)
    asked(browser, 2)
    ((_, answers),) = study.book.everything()
    assert [answer.choice for answer in answers] == ["left"]


def test_withdrawing_in_the_middle_asks_once_and_deletes(
    rig: StudyWorld, served: Served, browser: Browser
) -> None:
    study = rig.open_study(count=4, ask_confidence=False)
    browser.open(served.url + "participate", 360, 760)
    enter(browser, served.url, study)
    browser.run("document.getElementById('begin').click()")
    asked(browser, 1)
    answer_next(browser, study, 1, "1")
    browser.run("document.getElementById('withdraw').click()")
    browser.wait(lambda: browser.run("return !!document.querySelector('dialog[open]')"), "dialog")
    assert study.book.standing().participants == 1
    browser.run("document.querySelector('dialog .primary').click()")
    browser.wait(lambda: browser.text("thanks-title") == "You withdrew", "that it is done")
    assert study.book.everything() == ()
    assert rig.world.store.read("SELECT * FROM sessions") == []


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
def test_staff_open_and_close_and_read_it(
    rig: StudyWorld, served: Served, browser: Browser, size: tuple[int, int], tmp_path: Path
) -> None:
    study = make(rig.studies, count=4, objective=True)
    as_staff(browser, rig, served.url, f"study/{study.id}")
    browser.size(*size)
    browser.run("document.getElementById('open').click()")
    browser.wait(lambda: visible(browser, "invitation"), "the invitation")
    assert browser.text("invitation") == study.book.standing().invitation
    conduct(study, 5, always(Method.GRAD_CAM))
    browser.run("document.getElementById('close').click()")
    browser.wait(lambda: browser.run("return !!document.querySelector('dialog[open]')"), "dialog")
    browser.run("document.querySelector('dialog .primary').click()")
    browser.wait(lambda: visible(browser, "results-title"), "results")
    assert no_wider_than_the_window(browser)
    assert "20 of 20 answers" in browser.text("main")
    browser.photograph(screenshots(tmp_path) / f"study-results-{size[0]}.png")
    browser.driver.get(served.url + "study")
    browser.wait(lambda: visible(browser, "studies-title"), "all studies")
    assert no_wider_than_the_window(browser)
    assert browser.problems() == []


def test_a_closed_study_thanks_whoever_still_answers(
    rig: StudyWorld, served: Served, browser: Browser
) -> None:
    study = rig.open_study(count=4, ask_confidence=False)
    browser.open(served.url + "participate")
    enter(browser, served.url, study)
    browser.run("document.getElementById('begin').click()")
    asked(browser, 1)
    study.book.close(NOW)
    browser.wait(lambda: press(browser, "1") or visible(browser, "again"), "that it is closed")
    assert "what you said is kept" in browser.text("said")
    press(browser, Keys.ENTER)
    browser.wait(lambda: visible(browser, "thanks"), "thanks")
    assert "closed" in browser.text("thanks-text")
