"""Puts the program together from the settings; everything else takes what it needs as an argument."""

from __future__ import annotations

import gc
from dataclasses import dataclass

from collector.auth import Authenticator
from collector.errors import ConfigurationError
from collector.ingest.projector import Projector
from collector.settings import Settings
from collector.storage import keys, migrate
from collector.storage.engine import Database
from collector.storage.leases import holder
from collector.telemetry import ProjectorMetrics


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running program that requests use. One each process."""

    settings: Settings
    database: Database
    authenticator: Authenticator

    def close(self) -> None:
        """Close the connections to the database."""
        self.database.close()


def services(settings: Settings) -> Services:
    """Make the services of this process. The database must be migrated, see ``prepare``."""
    database = Database(settings.database, pool_size=settings.request_threads + 2)
    return Services(settings, database, Authenticator(database))


def relax_gc() -> None:
    """Let this process look for garbage cycles a hundred times less often.

    An event is a few hundred short-lived objects without cycles, and the caches hold many long-lived ones: with
    Python's usual thresholds a quarter of the projector's time went into looking through them in vain.
    """
    gc.set_threshold(70_000, 20, 100)


def projector(database: Database, settings: Settings) -> Projector:
    """Make the projector of this process."""
    relax_gc()
    return Projector(database, holder=holder(), batch=settings.project_batch, observer=ProjectorMetrics())


def prepare(settings: Settings) -> None:
    """See to it that the database has the tables of this version.

    A SQLite file is created and upgraded: it belongs to this program alone. On PostgreSQL that is for the
    operator to decide, who may have other servers running; raises ``ConfigurationError`` with the command.
    """
    url = settings.database
    found, needed = migrate.current(url), migrate.head()
    if found == needed:
        return
    if url.startswith("sqlite"):
        migrate.upgrade(url)
        return
    state = f"is at revision {found}" if found else "has no tables of Tidegate"
    raise ConfigurationError(
        f"The database {state}, this version needs {needed}. Run: tidegate db upgrade --database URL"
    )


def has_keys(database: Database) -> bool:
    """Tell whether any API key is good."""
    with database.read() as conn:
        return any(key.revoked_at is None for key in keys.every(conn))
