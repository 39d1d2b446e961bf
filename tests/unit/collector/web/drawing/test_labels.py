"""Names as text: nothing in them may hide, and what is cut must still tell one name from another."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.web.drawing.labels import cells, cut, ninetieth, shown, width_of


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("analytics.fct_orders", "analytics.fct_orders"),
        ("", ""),
        ("größe/订单/заказы", "größe/订单/заказы"),
        ("exe\u202etxt.sql", "exe⟨U+202E⟩txt.sql"),
        ("a\u2066b\u2069", "a⟨U+2066⟩b⟨U+2069⟩"),
        ("or\u200bders", "or⟨U+200B⟩ders"),
        ("or\ufeffders\u00ad", "or⟨U+FEFF⟩ders⟨U+00AD⟩"),
        ("a\u3164", "a⟨U+3164⟩"),
        ("a\u2028b", "a⟨U+2028⟩b"),
        ("nul\x00 tab\t bell\x07", "nul\ufffd tab\ufffd bell\ufffd"),
        ("\ufffe\uffff\ud800", "\ufffd\ufffd\ufffd"),
        ("</text><script>", "</text><script>"),
        ("مبيعات", "مبيعات"),
    ],
)
def test_what_hides_in_a_name_is_made_visible(name: str, seen: str) -> None:
    assert shown(name) == seen


@given(st.text())
def test_a_shown_name_may_stand_in_xml_and_stays_as_it_is(name: str) -> None:
    seen = shown(name)
    escaped = seen.replace("&", "&amp;").replace("<", "&lt;").replace("]]>", "]]&gt;")
    document = ElementTree.fromstring(f"<t>{escaped}</t>".encode())  # noqa: S314  # written just above
    assert (document.text or "") == seen
    assert shown(seen) == seen


@pytest.mark.parametrize(
    ("text", "count"), [("orders", 6), ("订单", 4), ("e\u0301", 1), ("a\u200bb", 2), ("😀", 2), ("ﾊﾝｶｸ", 4)]
)
def test_cells_are_counted_as_a_terminal_does(text: str, count: int) -> None:
    assert cells(text) == count


@pytest.mark.parametrize(
    ("name", "limit", "seen"),
    [
        ("raw.orders", 25, "raw.orders"),
        ("s3://landing/payments/dt=2026-11-23", 25, "…payments/dt=2026-11-23"),
        ("ingest.orders_hourly", 18, "…orders_hourly"),
        ("a_name_without_any_separator", 12, "…y_separator"),
        ("shop.x", 5, "…op.x"),
        ("データ.注文.明細", 10, "…注文.明細"),
        ("e\u0301" * 30, 10, "…" + "e\u0301" * 9),
    ],
)
def test_a_name_is_cut_from_the_left_and_at_a_separator_if_that_leaves_enough(
    name: str, limit: int, seen: str
) -> None:
    assert cut(name, limit) == seen


@given(st.text(max_size=200), st.integers(2, 60))
def test_a_cut_name_has_room_and_ends_as_the_name_does(name: str, limit: int) -> None:
    label = cut(name, limit)
    assert cells(label) <= limit
    assert shown(name).endswith(label.removeprefix("…"))


def test_a_name_of_megabytes_is_cut_without_reading_it_all() -> None:
    assert cut("x" * 5_000_000 + ".orders", 10) == "…orders"
    assert len(cut("e" + "\u0301" * 5_000_000, 10)) <= 45


def test_the_width_is_one_that_common_fonts_do_not_exceed() -> None:
    assert width_of(25) >= 25 * 12 * 0.602
    assert width_of(25, 11) < width_of(25)


def test_the_ninetieth_percentile_leaves_out_the_one_long_name_in_ten() -> None:
    assert ninetieth([*range(1, 10), 1000]) == 9
    assert ninetieth([7]) == 7
    assert ninetieth([]) == 0
