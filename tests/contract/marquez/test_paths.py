"""Names with slashes in paths: through the real server, and where only the decoded path is known."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

import pytest
from flask.testing import FlaskClient

from tests.acceptance.connection import Connection
from tests.acceptance.server import Server
from tests.catalog import NOON
from tests.events import dataset, run_event
from tests.integration.api.conftest import Writing

NAMES = [
    ("s3://bucket", "dir/file"),
    ("s3://bucket", "dir/file/"),
    ("s3://bucket/", "/dir//file"),
    ("postgres://db.example.org:5432", "shop.public.orders"),
    ("a/datasets/b", "c/versions/d"),
    ("a", "b/datasets/c/versions/d"),
    ("a/jobs/b", "runs"),
    ("über:all", "größe %2F 100%?#&+x"),
    ("hdfs://nn:8020", "../../etc"),
]


def decoded(client: FlaskClient, path: str) -> Any:
    """Ask as a server does that gives the decoded path only."""
    hidden = {"RAW_URI": "", "REQUEST_URI": "", "PATH_INFO": unquote(path).encode().decode("latin-1")}
    return client.get("/", environ_overrides=hidden)


@pytest.mark.parametrize(("namespace", "name"), NAMES)
def test_the_path_as_sent_and_the_decoded_one_mean_the_same(
    client: FlaskClient, writing: Writing, namespace: str, name: str
) -> None:
    with writing() as catalog:
        catalog.dataset(name, namespace)
        catalog.job(name, namespace, first_seen_at=NOON, last_seen_at=NOON)
        catalog.job("other", "a", first_seen_at=NOON, last_seen_at=NOON)
    base = f"/api/v1/namespaces/{quote(namespace, safe='')}"
    for path, key in (
        (f"{base}/datasets/{quote(name, safe='')}", None),
        (f"{base}/datasets/{quote(name, safe='')}/versions", "versions"),
        (f"{base}/jobs/{quote(name, safe='')}", None),
        (f"{base}/jobs/{quote(name, safe='')}/runs", "runs"),
        (base, None),
    ):
        sent, guessed = client.get(path), decoded(client, path)
        assert sent.status_code == guessed.status_code == 200, (path, sent.text, guessed.text)
        assert sent.json == guessed.json
        assert sent.json is not None
        if key is not None:
            assert key in sent.json
        elif path != base:
            assert sent.json["id"] == {"namespace": namespace, "name": name}


def test_what_exists_decides_between_two_readings(client: FlaskClient, writing: Writing) -> None:
    path = "/api/v1/namespaces/a/datasets/b/versions"
    with writing() as catalog:
        catalog.dataset("b/versions", "a")
    assert decoded(client, path).json["id"]["name"] == "b/versions"
    with writing() as catalog:
        catalog.dataset("b", "a")
    assert list(decoded(client, path).json) == ["versions", "totalCount"]
    # As it was sent there is but one meaning.
    sent: Any = client.get("/api/v1/namespaces/a/datasets/b%2Fversions").json
    assert sent["id"]["name"] == "b/versions"


def test_a_path_that_a_proxy_has_decoded_is_read_too(client: FlaskClient, writing: Writing) -> None:
    with writing() as catalog:
        catalog.dataset("dir/file", "s3://bucket")
    answer = client.get("/api/v1/namespaces/s3://bucket/datasets/dir/file")
    assert answer.json is not None
    assert answer.json["id"] == {"namespace": "s3://bucket", "name": "dir/file"}


def test_through_the_server(shared_server: Server, connection: Connection) -> None:
    namespace = "marquez://paths"
    outputs = [dataset(name, namespace) for _, name in NAMES]
    connection.post(run_event("COMPLETE", job="dir/load", namespace=namespace, outputs=outputs))
    shared_server.await_projected()

    for _, name in NAMES:
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/datasets/{quote(name, safe='')}"
        assert connection.send("GET", path).json["name"] == name
        versions = connection.send("GET", f"{path}/versions/?limit=1").json
        assert versions["versions"][0]["createdByRun"]["state"] == "COMPLETED"
    job = connection.send("GET", "/api/v1/namespaces/marquez%3A%2F%2Fpaths/jobs/dir%2Fload").json
    assert sorted(ref["name"] for ref in job["outputs"]) == sorted({name for _, name in NAMES})
    # The path for events takes them still, and no question is taken for one.
    assert connection.send("GET", "/api/v1/lineage").json["errors"]
    assert connection.send("PUT", "/api/v1/lineage").status == 405
