"""The rules of the shop: times of its day, and what people have changed is kept."""

from __future__ import annotations

from collector.demo.opening import merged
from collector.demo.rules import rules
from collector.demo.story import Story
from triggers.documents import Row

STORY = Story(1_795_340_000_000_000)


def body(rows: list[Row], id_: str) -> Row:
    (found,) = [row for row in rows if row.id == id_]
    return found


def test_deadlines_lie_around_the_first_look() -> None:
    rows = rules(STORY, "http://127.0.0.1:5299")
    assert STORY.clock(0) == "07:30"
    assert body(rows, "payments-landed").body["due"]["at"] == "06:40"
    assert body(rows, "revenue-report").body["due"]["at"] == "08:15"
    assert body(rows, "finance-chat").body["url"] == "http://127.0.0.1:5299/finance-chat"


def test_what_people_have_changed_stays_but_for_where_to_send_to() -> None:
    known = rules(STORY, "http://127.0.0.1:5298")
    mine = Row("expectation", "mine", {"dataset": {"name": "orders"}, "max_age": "1h"})
    known = [row for row in known if row.id != "stock"] + [mine]
    found = merged(known, rules(STORY, "http://127.0.0.1:5299"), all_=False)
    assert [row.id for row in found] == [row.id for row in known]
    assert body(found, "flows").body["url"] == "http://127.0.0.1:5299/flows"


def test_another_morning_brings_all_rules_of_the_demo_back_and_keeps_others() -> None:
    mine = Row("expectation", "mine", {"dataset": {"name": "orders"}, "max_age": "1h"})
    later = Story(STORY.anchor + 20 * 3_600_000_000)
    known = [*rules(STORY, "http://127.0.0.1:5298"), mine]
    found = merged(known, rules(later, "http://127.0.0.1:5299"), all_=True)
    assert {row.id for row in found} == {row.id for row in known}
    assert [row for row in found if row.id != "mine"] == rules(later, "http://127.0.0.1:5299")
