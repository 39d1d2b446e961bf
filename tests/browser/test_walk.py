"""A newcomer's walk: from ``tidegate demo`` to the cause of what is late, and to its silence, by clicking alone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.processes import gone
from tests.acceptance.server import command, environment
from tests.browser.conftest import DAYS, Look
from tests.browser.visits import Visit

SECONDS = 120.0
LISTENS = re.compile(r"Open (http://\S+)")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[str]:
    """Run the demo as its README says, in an empty folder, with few days of history; give the address it tells."""
    output = tmp_path / "output.txt"
    with output.open("wb") as written:
        demo = subprocess.Popen(
            [*command(), "demo", "--port", "0", "--days", str(DAYS)],
            cwd=tmp_path, env=environment(), stdout=written, stderr=written, process_group=0,
        )  # fmt: skip
    try:
        until = time.monotonic() + SECONDS
        while not (told := LISTENS.search(output.read_text())):
            assert demo.poll() is None, output.read_text()
            assert time.monotonic() < until, output.read_text()
            time.sleep(0.1)
        yield told[1]
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0, output.read_text()
        assert "Traceback" not in output.read_text()
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
            demo.wait()
        assert gone(demo.pid, 10)


def test_from_the_demo_to_the_cause_of_the_late_table_and_to_its_silence(look: Look, shop: str) -> None:
    visit = look(shop.rstrip("/"))
    page = visit.page
    visit.go("/")
    assert "late" in page.get_by_role("heading", level=1).inner_text()

    _follow(visit, "Freshness")
    row = page.get_by_role("row").filter(has_text="shop.finance.revenue_daily").first
    assert "waiting on upstream" in row.inner_text()
    row.get_by_role("link", name="Why").click()
    _arrive(visit, "/why")
    assert "payments.load_files failed" in page.inner_text("main")

    page.get_by_role("link", name="The run that failed").click()
    _arrive(visit, "/run")
    assert "invalid input syntax for type numeric" in page.inner_text("main")
    page.go_back()

    page.get_by_role("link", name="The alert of the cause").click()
    _arrive(visit, "/alerts/")
    assert "shop.finance.revenue_daily" in page.inner_text("main")
    page.get_by_role("main").get_by_role("link", name="Lineage").first.click()
    _arrive(visit, "/lineage")
    assert page.locator("svg.graph a").count() > 3
    page.go_back()

    page.get_by_role("main").get_by_role("link", name="Silence", exact=True).first.click()
    _arrive(visit, "/silences/new")
    page.get_by_role("button", name="Silence", exact=True).click()
    page.wait_for_url(lambda url: "/new" not in url)
    assert "Silent until" in page.get_by_role("status").inner_text()

    _follow(visit, "Alerts")
    _until_it_says(visit, "nobody is told")
    visit.sound()


def _follow(visit: Visit, section: str) -> None:
    visit.page.get_by_role("navigation", name="Sections").get_by_role("link", name=section).click()
    visit.page.wait_for_load_state("load")


def _arrive(visit: Visit, path: str) -> None:
    visit.page.wait_for_url(lambda url: urlsplit(url).path.startswith(path))


def _until_it_says(visit: Visit, text: str) -> None:
    # The engine puts the silence to work; the page keeps itself up to date, and here is too slow for that.
    until = time.monotonic() + 30
    while text not in visit.page.inner_text("main"):
        assert time.monotonic() < until, visit.page.inner_text("main")
        time.sleep(0.3)
        visit.page.reload()
