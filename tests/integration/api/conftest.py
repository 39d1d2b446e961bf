"""The application on a real database with a catalog made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from collector.app import create_app
from collector.auth import Authenticator
from collector.settings import Settings
from collector.storage.engine import Database
from collector.wiring import Services
from tests.catalog import Catalog

Get = Callable[..., Any]
Ask = Callable[..., Any]
Writing = Callable[[], AbstractContextManager[Catalog]]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Give an empty database."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def services(database: Database) -> Services:
    """Give services with the settings as they are."""
    return Services(Settings(), database, Authenticator(database, cache_seconds=0))


@pytest.fixture
def limited(services: Services) -> Callable[..., FlaskClient]:
    """Make a client of an application with other settings."""
    return lambda **settings: create_app(
        replace(services, settings=replace(services.settings, **settings))
    ).test_client()


@pytest.fixture
def client(services: Services) -> FlaskClient:
    """Give a client of the application."""
    return create_app(services).test_client()


@pytest.fixture
def get(client: FlaskClient) -> Get:
    """Give the JSON of ``/api/v2`` and a path, with parameters."""

    def get(path: str, **parameters: Any) -> Any:
        response = client.get(f"/api/v2{path}", query_string=parameters)
        assert response.status_code == 200, response.text
        return response.json

    return get


@pytest.fixture
def writing(database: Database) -> Writing:
    """Open a transaction in which rows are written."""

    @contextmanager
    def writing() -> Iterator[Catalog]:
        with database.write() as conn:
            yield Catalog(conn)

    return writing


@pytest.fixture
def ask(client: FlaskClient) -> Ask:
    """Give the JSON of ``/api/v1`` and a path, with parameters."""

    def ask(path: str, status: int = 200, **parameters: Any) -> Any:
        response = client.get(f"/api/v1{path}", query_string=parameters)
        assert response.status_code == status, response.text
        return response.json

    return ask
