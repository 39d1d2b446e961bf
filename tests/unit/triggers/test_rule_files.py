"""Several rule files as one, and the file that would write rules."""

from __future__ import annotations

from typing import Any

import pytest

from triggers.documents import Row
from triggers.errors import dotted
from triggers.rule_files import document_of, rows_of

CHAT = {"kind": "apprise", "url": "env:CHAT"}
AIRFLOW = {"kind": "airflow", "url": "https://airflow"}


def expectation(id_: str = "x", **keys: Any) -> dict[str, Any]:
    return {"id": id_, "dataset": {"name": "orders"}, "due": {"at": "07:00"}} | keys


def trigger(id_: str = "t", **keys: Any) -> dict[str, Any]:
    return {"id": id_, "when": {"dataset": {"name": "orders"}}} | keys


def wrong(*documents: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(place.document, dotted(place.path), reason) for place, reason, _ in rows_of(documents)[1]]


def read(*documents: dict[str, Any]) -> list[Row]:
    rows, faults = rows_of(documents)
    assert faults == []
    return rows


def test_a_row_needs_no_other() -> None:
    document: dict[str, Any] = {
        "timezone": "Europe/Berlin",
        "calendars": {"de": {"weekend": ["sun"]}, "unused": {}},
        "expectations": [
            expectation("a", due={"at": "07:00", "calendar": "de"}),
            expectation("b", timezone="UTC"),
            {"id": "c", "dataset": {"tag": "t"}, "max_age": {"late": "1h", "within": {"calendar": "de"}}},
        ],
        "alerting": {"routes": [{"to": ["owner"], "digest": {"at": "09:00", "calendar": "de"}}]},
    }
    de = {"id": "de", "weekend": ["sun"]}
    a, b, c, alerting = read(document)
    assert a.body["timezone"] == "Europe/Berlin"
    assert a.body["due"] == {"at": "07:00", "calendar": de}
    assert b.body["timezone"] == "UTC"
    assert c.body["max_age"]["within"] == {"calendar": de}
    assert alerting.body["routes"][0]["digest"]["calendar"] == de
    assert document["expectations"][0]["due"]["calendar"] == "de"  # what was given is as it was


def test_written_again_it_reads_the_same() -> None:
    weekly = {"id": "w", "weekly": {}, "reason": "r", "by": "b"}
    documents: list[dict[str, Any]] = [
        {
            "timezone": "Europe/Berlin",
            "calendars": {"de": {"weekend": ["sun"]}},
            "targets": {"chat": CHAT},
            "expectations": [expectation("a", due={"at": "07:00", "calendar": "de"})],
            "alerting": {"routes": [{"to": ["chat"], "digest": {"at": "09:00", "calendar": "de"}}]},
        },
        {"expectations": [expectation("b")], "windows": [weekly]},
    ]
    rows = read(*documents)
    document = document_of(rows)
    assert document["timezone"] == "Europe/Berlin"
    assert document["expectations"][1]["timezone"] == document["windows"][0]["timezone"] == "UTC"
    assert "timezone" not in document["expectations"][0]
    assert set(read(document)[0].body) == set(rows[0].body)
    assert sorted(map(repr, read(document))) == sorted(map(repr, rows))


def test_triggers_are_written_again_as_they_were() -> None:
    by_seven = {"at": "07:00", "calendar": "de", "then": "alert"}
    do = [{"start": "airflow", "dag": "d", "conf": {"day": "{{ key }}"}}]
    documents: list[dict[str, Any]] = [
        {
            "timezone": "Europe/Berlin",
            "calendars": {"de": {"weekend": ["sun"]}},
            "targets": {"airflow": AIRFLOW},
            "triggers": [trigger("a", deadline=by_seven, do=do), trigger("b", timezone="UTC")],
        },
        {"triggers": [trigger("c", do=do)]},
    ]
    rows = read(*documents)
    a = next(row.body for row in rows if row.id == "a")
    assert a["timezone"] == "Europe/Berlin"
    assert a["deadline"]["calendar"] == {"id": "de", "weekend": ["sun"]}
    document = document_of(rows)
    assert document["triggers"] == [
        *documents[0]["triggers"],
        trigger("c", do=do, timezone="UTC"),
    ]
    assert document["calendars"] == {"de": {"weekend": ["sun"]}}
    assert sorted(map(repr, read(document))) == sorted(map(repr, rows))


def test_an_id_is_one_of_its_kind() -> None:
    rows = read({"expectations": [expectation("a")], "triggers": [trigger("a")], "targets": {"a": CHAT}})
    assert {(row.kind, row.id) for row in rows} >= {("expectation", "a"), ("trigger", "a"), ("target", "a")}


def test_what_is_wrong_elsewhere_is_told_there_alone() -> None:
    document: dict[str, Any] = {
        "targets": {"chat": CHAT | {"url": "slack://token"}},
        "expectations": [expectation("x", due={"at": "7"})],
        "triggers": [
            trigger(
                when={"dataset": {"name": "orders"}, "require": {"expectation": ["x"]}},
                do=[{"notify": "chat"}],
            )
        ],
        "alerting": {"routes": [{"to": ["chat"]}]},
    }
    assert [path for _, path, _ in wrong(document)] == [".targets.chat.url", ".expectations[0].due.at"]


def test_calendars_of_several_files_may_share_a_name() -> None:
    due = {"at": "07:00", "calendar": "de"}
    rows = read(
        {"calendars": {"de": {"weekend": ["sun"]}}, "expectations": [expectation("a", due=due)]},
        {"calendars": {"de": {}}, "expectations": [expectation("b", due=due), expectation("c", due=due)]},
    )
    document = document_of(rows)
    assert document["calendars"] == {"de": {"weekend": ["sun"]}, "de-2": {}}
    assert [each["due"]["calendar"] for each in document["expectations"]] == ["de", "de-2", "de-2"]


def test_nothing_is_written_as_nothing() -> None:
    assert read() == []
    assert read({"version": 1}) == [Row("alerting", "", {"timezone": "UTC"})]
    assert document_of([]) == document_of(read({"version": 1})) == {"version": 1, "timezone": "UTC"}


@pytest.mark.parametrize(
    ("documents", "faults"),
    [
        (
            [{"timezone": "x", "expectations": [expectation(timezone="y")]}],
            [(0, ".timezone", "unknown time zone: 'x'")],
        ),
        (
            [
                {
                    "calendars": {"de": {"weekend": ["x"]}},
                    "expectations": [expectation(due={"at": "7", "calendar": "de"})],
                }
            ],
            [(0, ".calendars.de.weekend", "no days of the week: 'x'; write mon-fri or sat,sun")],
        ),
        (
            [{"expectations": [expectation(), expectation("y", due={"at": "07:00", "calendar": "de"})]}],
            [(0, ".expectations[1].due.calendar", "there is no calendar 'de' in this file")],
        ),
        (
            [{"expectations": [expectation(), expectation("y"), expectation()]}],
            [(0, ".expectations[2]", "'x' is there already")],
        ),
        (
            [{"expectations": [expectation()]}, {"expectations": [expectation()], "windows": []}],
            [(1, ".expectations[0]", "'x' is there already")],
        ),
        (
            [{"targets": {"chat": CHAT}}, {"targets": {"chat": CHAT}}],
            [(1, ".targets.chat", "'chat' is there already")],
        ),
        (
            [{"triggers": [trigger(), trigger("u", do=[{"start": "x"}])]}, {"triggers": [trigger()]}],
            [
                (1, ".triggers[0]", "'t' is there already"),
                (0, ".triggers[1].do[0].start", "there is no target 'x'"),
            ],
        ),
        (
            [
                {"triggers": [trigger(do=[{"start": "airflow", "dag": "d", "job_id": 1}])]},
                {"targets": {"airflow": AIRFLOW}},
            ],
            [(0, ".triggers[0].do[0].job_id", "the kind airflow takes dag, conf, note, asset, extra")],
        ),
        (
            [{"triggers": [trigger(deadline={"at": "07:00", "calendar": "de", "then": "drop"})]}],
            [(0, ".triggers[0].deadline.calendar", "there is no calendar 'de' in this file")],
        ),
        ([{"alerting": {}}, {"alerting": {}}], [(1, ".alerting", "there is one already")]),
        (
            [
                {
                    "alerting": {
                        "routes": [{"to": ["owner", "chat", "nobody"]}],
                        "owner_map": {"a": "b", "c": "env:C"},
                    }
                }
            ],
            [
                (0, ".alerting.routes[0].to[1]", "there is no target 'chat'"),
                (0, ".alerting.owner_map.a", "there is no target 'b'"),
            ],
        ),
        (
            [{"targets": {"owner": CHAT}, "windows": [{"id": "w", "reason": "r", "by": "b"}]}],
            [
                (0, ".targets.owner", "'owner' means something else in routes; give the target another name"),
                (0, ".windows[0]", "a window is open once (from, to) or every week (weekly)"),
            ],
        ),
    ],
)
def test_all_that_is_wrong_is_told(
    documents: list[dict[str, Any]], faults: list[tuple[int, str, str]]
) -> None:
    assert wrong(*documents) == faults


def test_targets_may_stand_in_another_file() -> None:
    assert wrong({"alerting": {"routes": [{"to": ["chat"]}]}}, {"targets": {"chat": CHAT}}) == []


def test_of_two_alike_the_other_is_told_of() -> None:
    _, (fault,) = rows_of([{"expectations": [expectation()]}, {"expectations": [expectation()]}])
    assert fault.other is not None
    assert (fault.other.document, fault.other.path) == (0, ("expectations", 0))
