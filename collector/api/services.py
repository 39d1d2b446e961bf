"""What the API needs from whoever puts the program together, and the way to it inside a request."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol, cast

from flask import current_app
from sqlalchemy import Connection

from collector.auth import Authenticator
from collector.settings import Settings
from collector.storage.engine import Database

EXTENSION = "tidegate"


class Services(Protocol):
    """The parts of the running program that requests use."""

    @property
    def database(self) -> Database:
        """The database, migrated."""

    @property
    def settings(self) -> Settings:
        """The settings that the program was started with."""

    @property
    def authenticator(self) -> Authenticator:
        """Tells from a request's headers who is asking."""


def services() -> Services:
    """Give the services of the application that handles this request."""
    return cast(Services, current_app.extensions[EXTENSION])


def reading() -> AbstractContextManager[Connection]:
    """Open a transaction that reads, no longer than the settings allow."""
    return services().database.read(services().settings.query_timeout)
