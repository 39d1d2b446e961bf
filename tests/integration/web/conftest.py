"""The pages on a real database with a catalog made by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.integration.api.conftest import client, database, limited, services, writing

__all__ = ["client", "database", "limited", "services", "writing"]

Look = Callable[..., str]
Send = Callable[..., TestResponse]

TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@pytest.fixture
def dialect() -> str:
    """Pages ask the API, which is tested on each kind of database: one is enough for what they make of it."""
    return "sqlite"


@pytest.fixture
def look(client: FlaskClient) -> Look:
    """Give the HTML of a page, with parameters."""

    def look(path: str, **parameters: Any) -> str:
        response = client.get(path, query_string=parameters)
        assert response.status_code == 200, response.text
        return response.text

    return look


@pytest.fixture
def send(client: FlaskClient) -> Send:
    """Send a form as a browser does that has loaded a page of ours before."""

    def send(path: str, **fields: Any) -> TestResponse:
        found = TOKEN.search(client.get("/login", follow_redirects=True).text)
        assert found, "no form on the page"
        return client.post(path, data={"csrf": found[1], **fields})

    return send
