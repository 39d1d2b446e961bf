"""What the README tells its reader to run works, and answers as it says."""

from __future__ import annotations

import re
import shutil
import tomllib
from http.client import HTTPResponse
from pathlib import Path
from urllib.request import urlopen

import pytest

from collector.settings import Settings
from tests.docs.conftest import Reader
from tests.docs.readme import README, Block, between, blocks, missing

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="the README's examples use curl")


def follow(reader: Reader, block: Block) -> None:
    ended = reader.run(block.language, block.text)
    place = f"README.md:{block.line}\n{block.text}"
    assert ended.returncode == 0, f"{place}\n{ended.stdout}{ended.stderr}"
    if block.answer is not None:
        lacking = missing(block.answer, ended.stdout)
        assert lacking is None, f"{place}\nanswers\n{ended.stdout}\nwhich lacks\n{lacking}"


def fetch(url: str) -> HTTPResponse:
    answer = urlopen(url, timeout=10)  # http, and our own
    assert isinstance(answer, HTTPResponse)
    return answer


@needs_curl
@pytest.mark.slow
def test_the_readme_can_be_followed_from_top_to_bottom(served: Reader) -> None:
    story = [block for block in blocks() if block.mark == "run"]
    assert len(story) > 10
    for block in story:
        follow(served, block)
    # The same server tells what the README lists; asking another would take as long as all of the above.
    with fetch(f"{served.url}/metrics") as answer:
        exposed = set(re.findall(r"^# TYPE (tidegate_\w+ \w+)$", answer.read().decode(), re.MULTILINE))
    listed = re.findall(r"^\| `(tidegate_\w+)` \| (\w+) \|", between("metrics"), re.MULTILINE)
    assert {f"{name} {kind}" for name, kind in listed} == exposed


@needs_curl
@pytest.mark.parametrize(
    "block",
    [block for block in blocks() if block.mark == "run alone"],
    ids=lambda block: f"line {block.line}",
)
def test_an_example_without_a_server_can_be_followed(reader: Reader, block: Block) -> None:
    follow(reader, block)


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/metrics", "/api/docs", "/api/openapi.json"])
def test_addresses_for_everybody_answer(served: Reader, path: str) -> None:
    assert f"`{path}`" in README
    with fetch(served.url + path) as answer:
        assert answer.status == 200


def test_the_example_of_a_settings_file_is_understood(tmp_path: Path) -> None:
    texts = [block.text for block in blocks() if block.language == "toml"]
    assert texts
    for text in texts:
        file = tmp_path / "tidegate.toml"
        file.write_text(text)
        settings = Settings.load({}, file)
        assert {name: getattr(settings, name) for name in tomllib.loads(text)} == tomllib.loads(text)
