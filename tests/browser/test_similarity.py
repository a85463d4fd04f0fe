"""A person answers thirty questions in a real browser; the server is killed half-way, and nothing is lost."""

import re

import pytest

from core.labs.similarity.answers.record import stored
from core.worlds.listed.catalogue import load_world
from tests.serving import served

pytestmark = pytest.mark.browser

HALF = 15
ANSWERING = "similarity?s_view=Answer+questions+yourself"
CHOICES = ("AB", "AC", "BC")


def answer(page, first: int, last: int) -> None:
    """Answer by the keys 1 to 3 in turn; each answer is counted before the next one."""
    for number in range(first, last + 1):
        page.keyboard.press(str((number - 1) % 3 + 1))
        page.get_by_text(re.compile(rf"^{number} answers? by me")).wait_for()


def test_thirty_answers_outlive_a_kill(visit, tmp_path):
    path, world = tmp_path / "similarity" / "grid-answers.csv", load_world("grid")
    with served(tmp_path) as (url, server):
        page = visit(f"{url}/{ANSWERING}")
        page.get_by_text("0 answers by me").wait_for()
        answer(page, 1, HALF)
        server.kill()
        server.wait(20)
    assert len(stored(path, world)) == HALF
    with served(tmp_path) as (url, _):
        page = visit(f"{url}/{ANSWERING}")
        page.get_by_text(f"{HALF} answers by me").wait_for()
        answer(page, HALF + 1, 2 * HALF)
        page.wait_for_selector(".st-key-s_map .main-svg")
    kept = stored(path, world)
    assert [one.query for one in kept] == list(range(1, 2 * HALF + 1))
    assert [one.choice for one in kept] == [CHOICES[number % 3] for number in range(2 * HALF)]
    assert len({one.trajectories for one in kept}) == 2 * HALF
    assert all(one.milliseconds > 0 for one in kept)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_arm_is_drawn_and_plays(site, visit, theme):
    page = visit(site.page("similarity", s_view="Answer+questions+yourself", s_asked_world="Robot+arm"), theme=theme)
    page.wait_for_selector(".st-key-s_three canvas")
    page.get_by_text("▶ Play").click()
    page.get_by_text("Waypoint 21").wait_for()
