"""The overview: what stands on it when nothing has come, when all is well, and when it is not."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from collector.storage import keys
from collector.storage.engine import Database
from collector.times import now_us
from tests.catalog import HOUR, NOON
from tests.integration.api.conftest import Writing
from tests.integration.web.conftest import Look, Send
from tests.statements import counted
from tests.watched import Watched, print_of

MOST_STATEMENTS = 60


@pytest.fixture
def busy(writing: Writing) -> None:
    """Have a failed run that makes two datasets late, and events of it."""
    with writing() as catalog:
        load = catalog.job("load")
        catalog.run(load, "r1", NOON, state="FAIL", error="Traceback\nValueError: no <such> file\nHINT: look")
        catalog.event({"producer": "https://github.com/apache/airflow/x"}, now_us(), entity=load)
        watched, cause = Watched(catalog.conn), print_of("failed_run", "load")
        watched.expect("daily")
        watched.alert("failed_run", "load", type_="job", affects=2, severity="critical")
        for name in ("a", "b"):
            catalog.dataset(name)
            watched.stands("daily", name)
            watched.alert("daily", name, cause=cause, owner="finance")


@pytest.mark.parametrize("tool", ["airflow", "spark", "dbt", "flink", "python", "curl"])
def test_an_empty_server_shows_how_to_send_the_first_event(look: Look, tool: str) -> None:
    page = look("/", **{"for": tool})
    assert "No event has come yet." in page
    assert "http://localhost" in page
    assert "KEY" not in page
    assert "no event received yet" in page
    assert "tidegate demo" in page
    assert 'data-live="2"' in page


def test_with_keys_the_settings_have_a_place_for_one(
    look: Look, send: Send, client: FlaskClient, writing: Writing
) -> None:
    with writing() as catalog:
        key = keys.create(catalog.conn, "look", ("read",), (), NOON)[0]
    assert client.get("/").location == "/login?next=/"
    send("/login", key=key)
    page = look("/", **{"for": "dbt"})
    assert "OPENLINEAGE_API_KEY=KEY" in page
    assert "Send a test event" not in page


def test_a_test_event_shows_up(look: Look, send: Send) -> None:
    assert send("/test-event").status_code == 303
    page = look("/")
    assert "Received: a run of tidegate.test_event" in page
    assert "First event: " in page
    assert "Nothing is expected of any dataset yet." in page


def test_a_form_of_somebody_else_sends_nothing(client: FlaskClient) -> None:
    assert client.post("/test-event", data={"csrf": "0"}).status_code == 403


@pytest.mark.usefixtures("busy")
def test_what_is_wrong_comes_first(look: Look) -> None:
    page = look("/")
    assert "load failed and makes 2 datasets late." in page
    assert "ValueError: no &lt;such&gt; file" in page
    assert "Owners: finance" in page
    assert page.index('id="cause-1"') < page.index("Next deadlines")
    assert 'href="/alerts/1"' in page
    assert "airflow" in page
    assert 'href="/api/v2/status"' in page
    assert "Point a tool here" not in page
    assert "Point a tool here" in look("/", **{"for": "curl"})


@pytest.mark.usefixtures("busy")
def test_it_asks_the_same_number_of_questions_however_much_there_is(
    look: Look, database: Database, writing: Writing
) -> None:
    def asked() -> int:
        with counted(database) as statements:
            look("/")
        return len(statements)

    few = asked()
    with writing() as catalog:
        watched, cause = Watched(catalog.conn), print_of("failed_run", "load")
        for number in range(50):
            catalog.dataset(f"d{number}")
            watched.stands("daily", f"d{number}", next_look_at=now_us() + HOUR)
            watched.alert("daily", f"d{number}", cause=cause)
    assert asked() == few <= MOST_STATEMENTS


def test_all_is_well(look: Look, writing: Writing) -> None:
    with writing() as catalog:
        catalog.event({}, now_us(), entity=catalog.job("load"))
        watched = Watched(catalog.conn)
        watched.expect("daily")
        for name in ("a", "b"):
            catalog.dataset(name)
            watched.stands("daily", name, "fresh")
    page = look("/")
    assert "All 2 expectations are met." in page
    assert "No run has failed lately." in page
