"""The events of the shop: as real tools send them, the same each time, and enough to look at."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise

import pytest

from collector.demo.events import events
from collector.demo.model import DAY, HOUR, MINUTE, SECOND
from collector.demo.occasions import Sent
from collector.demo.story import PLACES, Story
from collector.ingest.check import inspect

ANCHOR = 1_795_340_000_000_000
STORY = Story(ANCHOR)
DAYS = 10

ENDS = {"COMPLETE", "FAIL"}


@pytest.fixture(scope="module")
def past() -> list[Sent]:
    return list(events(STORY, ANCHOR - DAYS * DAY, ANCHOR))


def names(sent: list[Sent]) -> set[str]:
    return {each.body["job"]["name"] for each in sent}


def states(sent: list[Sent]) -> dict[tuple[str, str], list[str]]:
    """Give the kinds of events of each run, in order; the runs of streams, which have neither end, left out."""
    found = defaultdict(list)
    for each in sent:
        if each.body["job"]["namespace"] != "flink-prod":
            found[each.body["run"]["runId"], each.body["job"]["name"]].append(each.body["eventType"])
    return found


def test_no_event_needs_a_word_of_warning(past: list[Sent]) -> None:
    assert {warning for at, body in past for warning in inspect(body, at).warnings} == set()


def test_events_come_in_order_and_after_they_happened(past: list[Sent]) -> None:
    assert all(one.at <= other.at for one, other in pairwise(past))
    assert all(inspect(body, at).event_time <= at for at, body in past)


def test_no_event_is_sent_twice(past: list[Sent]) -> None:
    assert len({json.dumps(each.body, sort_keys=True) for each in past}) == len(past)


def test_the_same_seed_tells_the_same_story_and_another_one_another(past: list[Sent]) -> None:
    assert list(events(Story(ANCHOR), ANCHOR - DAYS * DAY, ANCHOR)) == past
    assert list(events(Story(ANCHOR, seed=2), ANCHOR - DAYS * DAY, ANCHOR)) != past


def test_parts_of_the_time_give_the_same_as_all_of_it(past: list[Sent]) -> None:
    cuts = [ANCHOR - 2 * DAY, ANCHOR - DAY - 7 * MINUTE, ANCHOR - 3 * SECOND, ANCHOR]
    assert [sent for one, other in pairwise(cuts) for sent in events(STORY, one, other)] == [
        sent for sent in past if sent.at >= cuts[0]
    ]


def test_all_tools_are_at_work(past: list[Sent]) -> None:
    producers = {each.body["producer"] for each in past}
    tools = ("airflow", "dbt", "dlt-openlineage", "flink", "prefect", "spark")
    assert all(any(tool in producer for producer in producers) for tool in tools)
    assert len(names(past)) >= 50
    datasets = {
        (each["namespace"], each["name"])
        for sent in past
        for each in (*sent.body["inputs"], *sent.body["outputs"])
    }
    assert len(datasets) >= 60


def test_runs_end_but_for_what_is_under_way(past: list[Sent]) -> None:
    going_on = {name for (_, name), kinds in states(past).items() if not ENDS & set(kinds)}
    assert going_on == {
        "train_recommendations",
        "train_recommendations.execute_insert_into_hadoop_fs_relation_command.models_recommendations",
    }


def test_runs_that_are_under_way_when_somebody_begins_to_look_end_as_they_would_have() -> None:
    begin = ANCHOR - DAY
    before = states(list(events(STORY, begin - 8 * HOUR, begin)))
    under_way = {run for run, kinds in before.items() if not ENDS & set(kinds)}
    live = states(list(events(STORY, begin, begin + 2 * HOUR, live=begin)))
    assert all(ENDS & set(live[run]) for run in under_way)
    later = list(events(STORY, begin, begin + HOUR, live=begin))
    begun = {run for run, kinds in states(later).items() if kinds[0] == "START"}
    assert states(later).keys() - begun <= before.keys()


def test_while_somebody_looks_something_comes_all_the_time() -> None:
    times = [sent.at for sent in events(STORY, ANCHOR, ANCHOR + 10 * MINUTE, live=ANCHOR)]
    pauses = [other - one for one, other in pairwise([ANCHOR, *times, ANCHOR + 10 * MINUTE])]
    assert max(pauses) <= 13 * SECOND
    assert sum(pauses) / len(pauses) < 5 * SECOND


def test_payments_failed_this_morning_and_what_is_made_of_them_was_not_begun(past: list[Sent]) -> None:
    today = [sent for sent in past if sent.at > ANCHOR - 3 * HOUR]
    failed = [sent for sent in today if sent.body["eventType"] == "FAIL"]
    last = failed[-1]
    assert {sent.body["job"]["name"] for sent in failed} == {"payments", "payments.load_files"}
    assert 20 * MINUTE <= ANCHOR - last.at <= 45 * MINUTE
    (error,) = {
        sent.body["run"]["facets"]["errorMessage"]["message"]
        for sent in failed
        if "errorMessage" in sent.body["run"]["facets"]
    }
    assert "COPY payments, line 8842" in error
    assert not {"dbt-run-finance", "payments.export_revenue", "supplier-feed"} & names(today)
    assert {"dbt-run-finance", "payments.export_revenue", "supplier-feed"} <= names(past)


def test_nothing_of_it_mends_itself() -> None:
    later = list(events(STORY, ANCHOR, ANCHOR + DAY, live=ANCHOR))
    assert not {"dbt-run-finance", "supplier-feed"} & names(later)


def test_columns_came_and_types_changed(past: list[Sent]) -> None:
    def fields(table: str, sent: list[Sent]) -> list[dict[str, str]]:
        shown: list[dict[str, str]] = [
            {field["name"]: field["type"] for field in each["facets"]["schema"]["fields"]}
            for event in sent
            for each in event.body["outputs"]
            if each["name"] == table and "schema" in each["facets"]
        ]
        return shown

    customers, orders = fields("raw.customers", past), fields("raw.orders", past)
    assert "marketing_opt_in" not in customers[0]
    assert customers[-1]["marketing_opt_in"] == "boolean"
    assert orders[0]["total"] == "double precision"
    assert orders[-1]["total"] == "numeric(12,2)"


@pytest.mark.parametrize("hour", range(24))
def test_it_is_always_morning_in_the_shop(hour: int) -> None:
    assert Story(ANCHOR - ANCHOR % DAY + hour * HOUR + 3 * MINUTE).clock(0) == "07:00"


def test_days_in_the_shop_are_as_long_as_others() -> None:
    zones = {Story(ANCHOR - ANCHOR % DAY + hour * HOUR).zone for hour in range(24)}
    assert len(zones) == len(PLACES) == 24
    for hour in range(24):
        story = Story(ANCHOR - ANCHOR % DAY + hour * HOUR)
        offsets = {story.local(ANCHOR - days * DAY).utcoffset() for days in range(-30, 120)}
        assert len(offsets) == 1
