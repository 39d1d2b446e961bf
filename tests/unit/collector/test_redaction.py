"""Addresses as people may see them."""

from __future__ import annotations

import pytest

from collector.redaction import without_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sqlite:///tidegate.db", "sqlite:///tidegate.db"),
        ("postgresql://db:5432/tidegate", "postgresql://db:5432/tidegate"),
        ("postgresql://anna@db/tidegate", "postgresql://anna@db/tidegate"),
        ("postgresql://anna:s3cret@db:5432/tidegate", "postgresql://anna:***@db:5432/tidegate"),
        ("postgresql://anna:p@ss:w@rd@db/tidegate", "postgresql://anna:***@db/tidegate"),
        ("postgresql+psycopg://:only@db", "postgresql+psycopg://:***@db"),
        ("postgresql://anna:a/b?c@db/x", "postgresql://anna:***@db/x"),
        (
            "postgresql:///x?host=db&password=s3cret&user=anna",
            "postgresql:///x?host=db&password=***&user=anna",
        ),
        ("postgresql://db/x?sslpassword=s3cret", "postgresql://db/x?sslpassword=***"),
        (
            "http://a:b@one:5000, https://c:d@two/p?api_key=e",
            "http://a:***@one:5000, https://c:***@two/p?api_key=***",
        ),
        ("10.0.0.0/8, chat.internal", "10.0.0.0/8, chat.internal"),
    ],
)
def test_passwords_are_left_out(text: str, shown: str) -> None:
    assert without_passwords(text) == shown
