"""Every error has the one shape, whoever raised it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import structlog
from flask import abort
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from collector.app import create_app
from collector.errors import QueueFull, TidegateError
from collector.wiring import Services

V2 = "/api/v2"

CASES: list[tuple[str, str, int, dict[str, Any]]] = [
    ("GET", "/nothing", 404, {}),
    ("GET", "/api/v2", 404, {}),
    ("GET", f"{V2}/nothing", 404, {}),
    ("GET", f"{V2}/jobs/", 404, {}),
    ("GET", f"{V2}/job?namespace=a&name=b", 404, {}),
    ("GET", f"{V2}/dataset?namespace=a&name=b", 404, {}),
    ("GET", f"{V2}/run?run_id=a", 404, {}),
    ("GET", f"{V2}/event?id=1", 404, {}),
    ("GET", f"{V2}/lineage?node=job:a:b", 404, {}),
    ("POST", f"{V2}/jobs", 405, {}),
    ("DELETE", f"{V2}/event?id=1", 405, {}),
    ("GET", f"{V2}/parked/reprocess", 405, {}),
    ("POST", "/livez", 405, {}),
    ("GET", f"{V2}/jobs?limit=0", 422, {}),
    ("GET", f"{V2}/jobs?limit=1000000", 422, {}),
    ("GET", f"{V2}/jobs?cursor=x", 422, {}),
    ("GET", f"{V2}/jobs?colour=red", 422, {}),
    ("GET", f"{V2}/job", 422, {}),
    ("GET", f"{V2}/runs?state=GONE", 422, {}),
    ("GET", f"{V2}/runs?job_name=a", 422, {}),
    ("GET", f"{V2}/runs?since=yesterday", 422, {}),
    ("GET", f"{V2}/event?id=99999999999999999999", 422, {}),
    ("GET", f"{V2}/events?dataset_name=a", 422, {}),
    ("GET", f"{V2}/lineage?node=a", 422, {}),
    ("GET", f"{V2}/lineage?node=job:a:b&depth=1000000", 422, {}),
    ("POST", f"{V2}/parked/reprocess", 400, {"data": b"{", "content_type": "application/json"}),
    ("POST", f"{V2}/parked/reprocess", 400, {"data": b"\xff", "content_type": "application/json"}),
    ("POST", f"{V2}/parked/reprocess", 422, {}),
    ("POST", f"{V2}/parked/reprocess", 422, {"json": {}}),
    ("POST", f"{V2}/parked/reprocess", 422, {"json": []}),
    ("POST", f"{V2}/parked/reprocess", 422, {"json": {"ids": [1], "all": True}}),
    ("POST", f"{V2}/parked/reprocess", 422, {"json": {"ids": ["1.5"]}}),
    ("POST", f"{V2}/rejected/reprocess", 404, {"json": {"ids": [1]}}),
]


def check(response: TestResponse, status: int) -> dict[str, Any]:
    """Check the shape; give the body."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    body = response.get_json(force=True)
    assert isinstance(body, dict)
    assert body.keys() - {"errors"} == {"type", "title", "status", "detail"}
    assert body["type"] == "about:blank"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    for error in body.get("errors", ()):
        assert error.keys() == {"path", "reason"}
        assert re.match(r"\?\w|\$", error["path"]), error
        assert error["reason"]
    return body


@pytest.mark.parametrize(("method", "path", "status", "options"), CASES, ids=lambda value: str(value)[:40])
def test_every_error_is_a_problem(
    client: FlaskClient, method: str, path: str, status: int, options: dict[str, Any]
) -> None:
    response = client.open(path, method=method, **options)
    body = check(response, status)
    if status == 422:
        assert body["errors"]
    if status == 405:
        assert "GET" in response.headers["Allow"] or "POST" in response.headers["Allow"]


def test_an_error_names_the_place(client: FlaskClient) -> None:
    response = client.get(f"{V2}/events?limit=x&kind=table&job_name=a")
    places = {error["path"] for error in check(response, 422)["errors"]}
    assert places == {"?limit", "?kind"}
    response = client.post(f"{V2}/parked/reprocess", json={"ids": [1, "x"]})
    assert [error["path"] for error in check(response, 422)["errors"]] == ["$.ids[1]"]


def test_head_and_options_work(client: FlaskClient) -> None:
    assert client.head(f"{V2}/jobs").status_code == 200
    assert "GET" in client.options(f"{V2}/jobs").headers["Allow"]


def test_what_nobody_expected_gives_a_number_and_the_log_has_it(services: Services) -> None:
    app = create_app(services)

    @app.get("/broken")
    def broken() -> str:
        secret = "password"  # noqa: F841 - the answer must not show it
        raise ZeroDivisionError("in the engine room")

    with structlog.testing.capture_logs() as lines:
        response = app.test_client().get("/broken")
    body = check(response, 500)
    assert "engine" not in response.text
    assert "Zero" not in response.text
    (number,) = re.findall(r"[0-9a-f]{32}", body["detail"])
    (line,) = (line for line in lines if line["event"] == "request.failed")
    assert line["id"] == number
    assert isinstance(line["exc_info"], ZeroDivisionError)


@pytest.mark.parametrize("status", [400, 403, 408, 413, 415, 418, 429, 500, 501, 503])
def test_errors_of_the_framework_have_the_shape_too(services: Services, status: int) -> None:
    app = create_app(services)

    @app.get("/aborted")
    def aborted() -> str:
        return abort(status)

    check(app.test_client().get("/aborted"), status)


@pytest.mark.parametrize(("error", "status"), [(QueueFull(), 503), (TidegateError("x"), 500)])
def test_our_own_errors_have_the_status_they_say(
    services: Services, error: TidegateError, status: int
) -> None:
    app = create_app(services)

    @app.get("/raised")
    def raised() -> str:
        raise error

    response = app.test_client().get("/raised")
    assert check(response, status)["detail"] == error.detail
    assert response.headers.get("Retry-After") == ("1" if status == 503 else None)
