"""Instants: what is read, what is refused, and that both ways of reading agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.times import iso
from lineage.instants import DAY, EARLIEST, LATEST, parse_duration, parse_instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(*parts: int) -> int:
    return (datetime(*parts, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "instant", "naive"),
    [
        ("2026-11-22T05:00:02Z", us(2026, 11, 22, 5, 0, 2), False),
        ("2026-11-22t05:00:02.5z", us(2026, 11, 22, 5, 0, 2, 500_000), False),
        ("2026-11-22 05:00:02+00:00", us(2026, 11, 22, 5, 0, 2), False),
        ("2026-11-22T05:00:02+02:00", us(2026, 11, 22, 3, 0, 2), False),
        ("2026-11-22T05:00:02-0230", us(2026, 11, 22, 7, 30, 2), False),
        ("2026-11-22T05:00:02+02", us(2026, 11, 22, 3, 0, 2), False),
        ("2026-11-22T05:00:02", us(2026, 11, 22, 5, 0, 2), True),
        ("2026-11-22T05:00", us(2026, 11, 22, 5), True),
        ("2026-11-22", us(2026, 11, 22), True),
        ("20261122T050002Z", us(2026, 11, 22, 5, 0, 2), False),
        ("2026-11-22T05:00:02.1Z", us(2026, 11, 22, 5, 0, 2, 100_000), False),
        ("2026-11-22T05:00:02,25Z", us(2026, 11, 22, 5, 0, 2, 250_000), False),
        ("2026-11-22T05:00:02.123456789Z", us(2026, 11, 22, 5, 0, 2, 123_456), False),
        ("2026-11-22T05:00:02.999999999999999Z", us(2026, 11, 22, 5, 0, 2, 999_999), False),
        ("2026-11-22T24:00:00Z", us(2026, 11, 23), False),
        ("2026-11-22T24:00:00.000+02:00", us(2026, 11, 22, 22), False),
        ("2016-12-31T23:59:60Z", us(2016, 12, 31, 23, 59, 59, 999_999), False),
        ("2016-12-31T23:59:60.5Z", us(2016, 12, 31, 23, 59, 59, 999_999), False),
        ("0001-01-01T00:00:00Z", EARLIEST, False),
        ("9999-12-31T23:59:59.999999Z", LATEST, False),
    ],
)
def test_reads(text: str, instant: int, naive: bool) -> None:
    assert parse_instant(text) == (instant, naive)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1732251602",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "-2026-11-22T05:00:02Z",
        "0001-01-01T00:00:00+02:00",
        "9999-12-31T23:59:59-02:00",
        "9999-12-31T24:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-22T25:00:00Z",
        "2026-11-22T24:00:01Z",
        "2026-11-22T05:60:00Z",
        "2026-11-22T05:00:61Z",
        "2026-11-22T05:00:02+24:00",
        "2026-11-22x05:00:02Z",
        "2026-11-22T05:00:02Z\n",
        "2026-11-22T05:00:02\0",
        " 2026-11-22T05:00:02Z",
        "\uff12\uff10\uff12\uff16-11-22T05:00:02Z",
        "\ud800",
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_instant(text)


@given(
    st.integers(EARLIEST + DAY, LATEST - DAY),
    st.integers(-23 * 60, 23 * 60),
)
def test_what_was_written_is_read(instant: int, offset: int) -> None:
    moment = EPOCH + timedelta(microseconds=instant)
    aware = moment.astimezone(timezone(timedelta(minutes=offset)))
    expected = (aware - EPOCH) // timedelta(microseconds=1)
    for text in (aware.isoformat(), aware.isoformat(sep=" "), aware.isoformat().replace("T", "t")):
        assert parse_instant(text) == (expected, False)
    written = iso(expected)
    assert written is not None
    assert parse_instant(written) == (expected, False)


@given(
    st.text(max_size=40)
    | st.from_regex(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d([.,]\d+)?([zZ]|[+-]\d\d:?\d\d)?")
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        instant, _naive = parse_instant(text)
    except ValueError:
        return
    assert EARLIEST <= instant <= LATEST
    assert iso(instant)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("P7D", 604_800), ("P2W", 1_209_600), ("PT12H", 43_200), ("P1DT6H30M15S", 109_815), ("PT0S", 0)],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds * 1_000_000


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "7D", "P1M", "P1Y", "P1DT", "-P1D", "P1.5D", "P1W2D", "P40000D", "P٣D"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|hundred"):
        parse_duration(text)
