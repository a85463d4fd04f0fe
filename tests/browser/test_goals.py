"""The Goals page in a real browser: an episode step by step, a clip to take away, a board changed by hand."""

import pytest

pytestmark = pytest.mark.browser


def test_an_episode_is_stepped_through_and_taken_away(site, visit):
    page = visit(site.page("goals"))
    page.get_by_role("radio", name="Watch and change").click()
    page.get_by_text("Step 0 of 40").wait_for()
    page.get_by_role("button", name="Next", exact=True).click()
    page.get_by_text("Step 1 of 40").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="MP4").click()
    with open(download.value.path(), "rb") as file:
        assert file.read(12)[4:8] == b"ftyp"
    page.get_by_role("button", name="Make the change").click()
    page.get_by_text("on the changed board it goes").wait_for()
