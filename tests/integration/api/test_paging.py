"""Paging: complete, without repetition, whatever the names, the page size, and what comes in meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from collector.api import cursors
from collector.errors import Unprocessable
from collector.storage import tables
from tests.catalog import NOON
from tests.integration.api.conftest import Get, Writing

# Long names share their first characters, so the order within them is the id's alone.
NAMES = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
    st.text("ab", max_size=3).map(lambda end: "x" * 199 + end),
)
ENTITIES = st.sets(st.tuples(st.sampled_from(["", "a", "b"]), NAMES), max_size=25)


def every(get: Get, path: str, between: Callable[[], None] = lambda: None, **parameters: Any) -> list[Any]:
    """Read all pages; ``between`` is called after each."""
    items: list[Any] = []
    more: dict[str, str] = {}
    for _ in range(200):
        page = get(path, **parameters, **more)
        items += page["items"]
        between()
        if page["next_cursor"] is None:
            return items
        assert page["items"], "a page that is not the last has items"
        more = {"cursor": page["next_cursor"]}
    raise AssertionError("the pages do not end")


# One database serves all examples; each clears it first.
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    present=ENTITIES,
    coming=st.lists(st.tuples(st.sampled_from(["", "a", "b"]), NAMES), max_size=5),
    limit=st.integers(1, 7),
    namespace=st.sampled_from([None, "", "a"]),
)
def test_names_are_complete_and_come_once(
    get: Get, writing: Writing, present: set[Any], coming: list[Any], limit: int, namespace: str | None
) -> None:
    with writing() as catalog:
        for table in (tables.namespace, tables.dataset):
            catalog.conn.execute(delete(table))
        for item in sorted(present):
            catalog.dataset(item[1], item[0])
    queue = [item for item in dict.fromkeys(coming) if item not in present]

    def insert_one() -> None:
        if queue:
            one = queue.pop()
            with writing() as catalog:
                catalog.dataset(one[1], one[0])

    wanted: dict[str, Any] = {} if namespace is None else {"namespace": namespace}
    found = [
        (item["namespace"], item["name"])
        for item in every(get, "/datasets", insert_one, limit=limit, **wanted)
    ]
    assert len(found) == len(set(found))
    expected = {item for item in present if namespace in (None, item[0])}
    assert expected <= set(found) <= expected | set(coming)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    times=st.lists(st.sampled_from([None, 0, 1, 2]), max_size=20),
    limit=st.integers(1, 7),
    one_job=st.booleans(),
)
def test_runs_are_complete_and_come_once(
    get: Get, writing: Writing, times: list[int | None], limit: int, one_job: bool
) -> None:
    with writing() as catalog:
        for table in (tables.namespace, tables.job, tables.run):
            catalog.conn.execute(delete(table))
        load = catalog.job("load")
        for number, time in enumerate(times):
            catalog.run(load, f"r{number}", None if time is None else NOON + time)

    wanted: dict[str, Any] = {"job_namespace": "shop", "job_name": "load"} if one_job else {}
    found = [item["run_id"] for item in every(get, "/runs", limit=limit, **wanted)]
    order = [
        (time is None and one_job, -(time or 0) if one_job else 0, -number)
        for number, time in enumerate(times)
    ]
    assert found == [f"r{-number}" for _, _, number in sorted(order)]


def test_events_are_complete_though_new_ones_come(get: Get, writing: Writing) -> None:
    with writing() as catalog:
        for _ in range(20):
            catalog.event({})
    ids = iter(range(21, 100))

    def one_more() -> None:
        with writing() as catalog:
            catalog.event({}, id=(number := next(ids)), hash=number.to_bytes(16, "big"))

    assert [item["id"] for item in every(get, "/events", one_more, limit=3)] == list(range(20, 0, -1))


OTHER_KEYS: list[tuple[Any, ...]] = [
    (1,), ("a", 1), (1, "a\0", 1), (2**63, "a", 1), (1, "a", 1.5), (1, b"a", {}),
]  # fmt: skip
NONSENSE = ["", "x", "!!!", "é", "AAAA", "W10", "WzFd", "bnVsbA", "W251bGwsbnVsbCxudWxsXQ", "A" * 10_000]


@pytest.mark.parametrize("cursor", [*NONSENSE, *map(cursors.encode, OTHER_KEYS)])
def test_a_cursor_that_is_none_of_the_list_is_refused(client: FlaskClient, cursor: str) -> None:
    response = client.get("/api/v2/jobs", query_string={"cursor": cursor})
    assert response.status_code == 422
    assert response.json is not None
    assert response.json["errors"] == [{"path": "?cursor", "reason": "not a cursor of this list"}]


def test_a_cursor_is_read_back_as_it_was() -> None:
    key = (5, b"\x00\xff" * 8)
    assert cursors.decode(cursors.encode(key), cursors.BY_TIME_AND_HASH) == key
    with pytest.raises(Unprocessable):
        cursors.decode(cursors.encode(key), cursors.BY_NAME)


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "1.5", "", "1_0", "٣", "9" * 30])
def test_a_limit_out_of_bounds_is_refused(client: FlaskClient, limit: str) -> None:
    response = client.get("/api/v2/jobs", query_string={"limit": limit})
    assert response.status_code == 422
    assert response.json is not None
    assert response.json["errors"][0]["path"] == "?limit"


def test_the_limit_is_the_setting_where_that_is_less(
    limited: Callable[..., FlaskClient], writing: Writing
) -> None:
    with writing() as catalog:
        for number in range(4):
            catalog.job(f"j{number}")
    client = limited(max_page=3)
    answer = client.get("/api/v2/jobs").json
    assert answer is not None
    assert len(answer["items"]) == 3
    assert client.get("/api/v2/jobs?limit=4").status_code == 422
