"""The README taken apart: its fenced blocks, which of them are run, and the answers that it shows.

A block after ``<!-- run -->`` is run, all of them in order in one folder beside one server; one after
``<!-- run alone -->`` in an empty folder without a server. A block that follows at once is the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

FENCE = re.compile(
    r"(?:^<!-- (?P<mark>run|run alone) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; ``line`` is where it begins. ``answer`` is None if the README shows none."""

    line: int
    language: str
    text: str
    mark: str
    answer: str | None


def blocks() -> list[Block]:
    """Give the blocks of the README, without those that are answers."""
    found: list[Block] = []
    matches = list(FENCE.finditer(README))
    answers: set[int] = set()
    for match, following in zip(matches, [*matches[1:], None], strict=True):
        if match.start() in answers:
            continue
        answer = None
        if match["mark"] and following and following.start() == match.end() + 1:
            answers.add(following.start())
            answer = following["text"]
        line = README.count("\n", 0, match.start()) + 1
        found.append(Block(line, match["language"], match["text"], match["mark"] or "", answer))
    return found


def between(name: str) -> str:
    """Give what stands between ``<!-- name -->`` and ``<!-- /name -->``."""
    found = re.search(rf"^<!-- {name} -->\n(.*?)^<!-- /{name} -->$", README, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no part {name}"
    return found[1]


def missing(shown: str, real: str) -> str | None:
    """Give the first piece of an answer in the README that the real one lacks; None if they agree.

    ``…`` in the README stands for anything; layout does not matter.
    """
    first, *middle = (_bare(piece) for piece in shown.split("…"))
    rest = _bare(real)
    if not middle:
        return None if rest == first else first or "the end"
    if not rest.startswith(first):
        return first
    rest, last = rest.removeprefix(first), middle.pop()
    for piece in middle:
        if piece not in rest:
            return piece
        rest = rest.partition(piece)[2] if piece else rest
    return None if rest.endswith(last) else last


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", text)
