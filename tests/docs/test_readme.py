"""How the README is taken apart, and how its answers are compared."""

from __future__ import annotations

import pytest

from tests.docs.readme import blocks, missing


@pytest.mark.parametrize(
    ("shown", "real"),
    [
        ("a b\n", "ab"),
        ('{"id": …}', '{"id":1}'),
        ('{"id": …}', '{"id":{"x":{}}}'),
        ("a … b … c", "a 1 b b 2 c"),
        ("a …", "a and more"),
        ("… z", "zz z"),
        ("… aa", "aaa"),
        ("", ""),
    ],
)
def test_answers_agree(shown: str, real: str) -> None:
    assert missing(shown, real) is None


@pytest.mark.parametrize(
    ("shown", "real"),
    [("a", "b"), ("a", "ab"), ("b", "ab"), ("a … c", "a b"), ("a … c", "a c b"), ("… b", "b a"), ("", "a")],
)
def test_answers_differ(shown: str, real: str) -> None:
    assert missing(shown, real) is not None


def test_examples_are_found_with_their_answers() -> None:
    marked = [block for block in blocks() if block.mark]
    assert {block.mark for block in marked} == {"run", "run alone"}
    assert any(block.answer is None for block in marked)
    assert all(block.answer for block in marked if block.answer is not None)
    assert not any(block.text in {other.answer for other in marked} for block in blocks())
