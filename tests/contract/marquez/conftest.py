"""The application as a backend for Marquez's clients: events in, its API out."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from collector.ingest.files import events_in, ingest
from collector.storage.engine import Database
from collector.wiring import Services, projector
from tests.integration.api.conftest import client as client
from tests.integration.api.conftest import database as database
from tests.integration.api.conftest import limited as limited
from tests.integration.api.conftest import services as services
from tests.integration.api.conftest import writing as writing

Send = Callable[..., None]
Ask = Callable[..., Any]


@pytest.fixture
def send(database: Database, services: Services) -> Send:
    """Take events, and project them."""

    def send(*events: object) -> None:
        lines = "\n".join(json.dumps(event) for event in events).encode()
        summary = ingest(database, events_in(io.BytesIO(lines), "events", services.settings.max_body_bytes))
        assert not summary.refused, summary
        projector(database, services.settings).drain()

    return send


@pytest.fixture
def ask(client: FlaskClient) -> Ask:
    """Give the JSON of ``/api/v1`` and a path, whose names come encoded."""

    def ask(path: str, *names: str, status: int = 200, **parameters: Any) -> Any:
        encoded = path.format(*(quote(name, safe="") for name in names))
        response = client.get(f"/api/v1{encoded}", query_string=parameters or None)
        assert response.status_code == status, response.text
        assert response.mimetype == "application/json"
        return response.json

    return ask
