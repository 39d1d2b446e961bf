"""What is refused, in Marquez's words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.storage.engine import Database
from tests.catalog import NOON
from tests.contract.marquez.conftest import Ask
from tests.integration.api.conftest import Writing

UUID = "01980000-0000-7000-8000-000000000001"
NO_PATH = {"code": 404, "message": "HTTP 404 Not Found"}

MISSING = [
    ("/namespaces/none", "Namespace 'none' not found."),
    ("/namespaces/none/datasets", "Namespace 'none' not found."),
    ("/namespaces/none/datasets/d", "Namespace 'none' not found."),
    ("/namespaces/none/jobs/j", "Namespace 'none' not found."),
    ("/namespaces/shop/datasets/a%2Fb", "Dataset 'a/b' not found."),
    ("/namespaces/shop/datasets/none/versions", "Dataset 'none' not found."),
    (f"/namespaces/shop/datasets/d/versions/{UUID}", f"Dataset version '{UUID}' not found."),
    ("/namespaces/shop/jobs/none", "Job 'none' not found."),
    ("/namespaces/shop/jobs/none/runs", "Job 'none' not found."),
    ("/namespaces/shop/jobs/none/versions", "Job 'none' not found."),
    (f"/namespaces/shop/jobs/j/versions/{UUID}", f"Job version '{UUID}' not found."),
    (f"/jobs/runs/{UUID}", f"Run '{UUID}' not found."),
    (f"/jobs/runs/{UUID}/facets?type=run", f"Run '{UUID}' not found."),
]

NO_SUCH_PATH = [
    "",
    "/",
    "/nothing",
    "/namespaces/shop/jobs/j/nothing",
    "/events",
    "/events/shop",
    "/schema.json",
    "/jobs/runs/not-a-uuid",
    "/jobs/runs/zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz",
    "/namespaces/shop/datasets/d/versions/1",
    "/namespaces/shop/jobs/j/versions/1",
    "/jobs?limit=abc",
    "/jobs?limit=1.5",
    "/jobs?limit=99999999999",
    "/jobs?offset=1_0",
    "/namespaces?limit=٣",
]

WRONG = [
    ("/jobs?limit=-1", {"errors": ["query param limit must be greater than or equal to 0"]}),
    ("/namespaces?offset=-1", {"errors": ["query param offset must be greater than or equal to 0"]}),
    (f"/jobs/runs/{UUID}/facets", {"errors": ["query param type must not be null"]}),
    (
        f"/jobs/runs/{UUID}/facets?type=all",
        {"code": 400, "message": "query param type must be one of [RUN, JOB, DATASET]"},
    ),
    (
        "/jobs?lastRunStates=GONE",
        {
            "code": 400,
            "message": "query param lastRunStates must be one of "
            "[NEW, RUNNING, COMPLETED, ABORTED, FAILED, OTHER]",
        },
    ),
]


@pytest.fixture(autouse=True)
def shop(writing: Writing) -> None:
    with writing() as catalog:
        catalog.job("j", last_seen_at=NOON, first_seen_at=NOON)
        catalog.dataset("d")


@pytest.mark.parametrize(("path", "message"), MISSING)
def test_what_is_not_there(ask: Ask, path: str, message: str) -> None:
    assert ask(path, status=404) == {"code": 404, "message": message}


@pytest.mark.parametrize("path", NO_SUCH_PATH)
def test_paths_that_are_none(ask: Ask, path: str) -> None:
    assert ask(path, status=404) == NO_PATH


@pytest.mark.parametrize(("path", "body"), WRONG)
def test_wrong_parameters(ask: Ask, path: str, body: Any) -> None:
    assert ask(path, status=400) == body


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1-beta/graphql",
        "/api/v2beta/search/jobs?q=a",
        "/api/v2beta/search/datasets?q=a",
        "/api/v1",
        "/api/v1/",
        "/api/v1//namespaces",
    ],
)
def test_what_marquez_has_elsewhere_is_not_there(client: FlaskClient, path: str) -> None:
    for method in ("GET", "POST"):
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.json) == (404, NO_PATH)


def test_jobs_of_a_namespace_that_is_not_there_are_none(ask: Ask) -> None:
    assert ask("/namespaces/none/jobs") == {"jobs": [], "totalCount": 0}


def test_methods(client: FlaskClient) -> None:
    refused = client.patch("/api/v1/namespaces/shop/jobs/j")
    assert (refused.status_code, refused.json) == (
        405,
        {"code": 405, "message": "HTTP 405 Method Not Allowed"},
    )
    assert "GET" in refused.headers["Allow"]
    options = client.options("/api/v1/namespaces/shop/jobs/j")
    assert options.status_code == 200
    assert "GET" in options.headers["Allow"]
    head = client.head("/api/v1/namespaces/shop/jobs/j")
    assert (head.status_code, head.data) == (200, b"")


def test_a_mistake_of_ours_tells_a_number_only(
    client: FlaskClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("collector.api.marquez.namespaces.find", broken)
    answer = client.get("/api/v1/namespaces/shop")
    assert answer.status_code == 500
    assert answer.json is not None
    assert answer.json["code"] == 500
    pattern = r"There was an error processing your request\. It has been logged \(ID [0-9a-f]{16}\)\."
    assert re.fullmatch(pattern, answer.json["message"])


@pytest.mark.parametrize("trailing", ["", "/"])
def test_a_trailing_slash_is_accepted(client: FlaskClient, trailing: str) -> None:
    for path in ("/jobs", "/namespaces/shop", "/namespaces/shop/jobs/j/runs"):
        assert client.get(f"/api/v1{path}{trailing}").status_code == 200
