"""The line of an error that says most."""

from __future__ import annotations

import pytest

from collector.web.rendering import gist


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            'Traceback (most recent call last):\n  File "x", line 1\nValueError: no such file\n',
            "ValueError: no such file",
        ),
        (
            "psycopg.errors.UndefinedTable: no table\nLINE 1: SELECT\n   ^",
            "psycopg.errors.UndefinedTable: no table",
        ),
        ("ERROR: invalid input syntax\nCONTEXT: COPY payments, line 8842", "ERROR: invalid input syntax"),
        ("invalid input\nCONTEXT: line 7", "invalid input"),
        (
            "java.lang.IllegalStateException: closed\n\tat a.b.C.d(C.java:1)\n\tat a.b.E",
            "java.lang.IllegalStateException: closed",
        ),
        ("disk full", "disk full"),
        ("---", "---"),
        ("", ""),
    ],
)
def test_the_line_that_says_most(error: str, line: str) -> None:
    assert gist(error) == line
