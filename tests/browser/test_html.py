"""Every page is HTML as the standard has it."""

from __future__ import annotations

from pathlib import Path
from urllib.request import urlopen

from tests.acceptance.server import Server
from tests.browser import validator
from tests.browser.places import PLACES, Api


def test_every_page_is_valid_html(demo: Server, api: Api, tmp_path: Path) -> None:
    pages = {}
    for name, place in PLACES.items():
        with urlopen(demo.url + place(api)) as answer:
            pages[name] = answer.read().decode()
    assert validator.errors(pages, tmp_path) == []
