"""What holds alerts back, and which alerts a matcher picks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.triggers.wrong import MINUTE, clock, late
from triggers.alerts import Matcher, Severity, unique
from triggers.silences import Muted, Silence, Window, muted, newest

ORDERS = late(
    "shop.orders",
    owner="team:shop",
    tags=frozenset({"tier:1", "domain:shop"}),
    labels=(("partition", "2026-11-21"),),
)


def silence(id_: str = "s1", label: str = "name", value: str = "shop.orders", **other: int) -> Silence:
    times = {"starts": clock(0), "ends": clock(60), "updated_at": clock(0)} | other
    return Silence(id_, (Matcher(label, value),), author="anna", reason="load is running", **times)


@pytest.mark.parametrize(
    ("matcher", "picks"),
    [
        (Matcher("name", "shop.orders"), True),
        (Matcher("name", "shop"), False),
        (Matcher("name", "shopxorders"), False),
        (Matcher("name", r"shop\..*", regex=True), True),
        (Matcher("name", "shop", regex=True), False),
        (Matcher("name", "shop.orders", negative=True), False),
        (Matcher("name", "other", negative=True), True),
        (Matcher("tag", "tier:1"), True),
        (Matcher("tag", "tier:2"), False),
        (Matcher("tag", "tier:1", negative=True), False),
        (Matcher("severity", "warning"), True),
        (Matcher("owner", "team:shop"), True),
        (Matcher("partition", "2026-11-21"), True),
        (Matcher("type", "dataset"), True),
        (Matcher("namespace", "w"), True),
        (Matcher("node", "dataset:w:shop.orders"), True),
        (Matcher("misspelt", ""), False),
        (Matcher("misspelt", ".*", regex=True), False),
    ],
)
def test_matchers(matcher: Matcher, picks: bool) -> None:
    assert matcher.matches(ORDERS) == picks


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'\\(' is no pattern"):
        Matcher("name", "(", regex=True)


def test_an_alert_stays_the_same_whatever_becomes_of_it() -> None:
    worse = replace(ORDERS, severity=Severity.CRITICAL, owner=None, starts=clock(9), text="Later still.")
    assert worse.fingerprint == ORDERS.fingerprint
    others = [replace(ORDERS, rule="rows"), replace(ORDERS, name="x"), replace(ORDERS, labels=())]
    assert len({alert.fingerprint for alert in (ORDERS, *others)}) == 4


def test_of_the_same_alerts_one_counts_whatever_their_order() -> None:
    over, longer = replace(ORDERS, ends=clock(5)), replace(ORDERS, starts=clock(-5))
    assert list(unique([over, ORDERS, longer]).values()) == [longer]
    assert list(unique([longer, ORDERS, over, over]).values()) == [longer]


def test_silences_hold_back_from_their_start_to_before_their_end() -> None:
    held = [minute for minute in (-1, 0, 59, 60) if muted(ORDERS, [], [silence()], clock(minute))]
    assert held == [0, 59]
    assert muted(ORDERS, [], [silence(value="other")], clock(5)) is None


def test_windows_come_before_silences_and_may_cover_everything() -> None:
    window = Window("upgrade", (), clock(0), clock(60), "anna", "warehouse upgrade")
    assert muted(ORDERS, [window], [silence()], clock(5)) == Muted("window", "upgrade")
    assert muted(ORDERS, [window], [silence("b"), silence("a", ends=clock(90))], clock(70)) == Muted(
        "silence", "a"
    )


def test_a_silence_says_what_it_matches_who_made_it_and_why() -> None:
    with pytest.raises(ValueError, match="everything"):
        replace(silence(), matchers=())
    with pytest.raises(ValueError, match="an author and a reason"):
        replace(silence(), reason=" ")
    with pytest.raises(ValueError, match="s1 ends before it starts"):
        silence(ends=clock(-1))


def test_an_expired_silence_keeps_its_words() -> None:
    assert silence().expired(clock(30)) == silence(ends=clock(30), updated_at=clock(30))
    assert silence().expired(clock(90)) == silence()
    never = silence(starts=clock(40)).expired(clock(30))
    assert not any(never.covers(ORDERS, clock(minute)) for minute in range(60))


def test_times_of_a_silence_change_in_place_and_its_matchers_do_not() -> None:
    longer = replace(silence(), id="s2", ends=clock(120))
    assert silence().changed(longer, clock(10)) == (
        replace(silence(), ends=clock(120), updated_at=clock(10)),
    )
    other = silence("s2", value="other")
    assert silence().changed(other, clock(10)) == (
        silence(ends=clock(10), updated_at=clock(10)),
        replace(other, starts=clock(10), updated_at=clock(10)),
    )


def test_the_last_word_on_a_silence_counts_and_old_ones_are_forgotten() -> None:
    ended = silence().expired(clock(30))
    assert newest([ended, silence()], clock(40), 60 * MINUTE) == {"s1": ended}
    assert newest([silence(), ended], clock(40), 60 * MINUTE) == {"s1": ended}
    assert newest([silence(), ended], clock(91), 60 * MINUTE) == {}
