"""Puts the program together from the settings; everything else takes what it needs as an argument."""

from __future__ import annotations

import gc
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from collector.api.rule_documents import read_rules
from collector.auth import Authenticator
from collector.engine.folder import Folder
from collector.engine.runner import Engine
from collector.errors import ConfigurationError
from collector.ingest.projector import Projector
from collector.outbound.dispatcher import Dispatcher
from collector.outbound.secrets import Secrets
from collector.settings import Settings
from collector.storage import keys, migrate
from collector.storage.engine import Database
from collector.storage.leases import holder
from collector.telemetry import DispatcherMetrics, ProjectorMetrics
from collector.times import now_us

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND


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


class Runner(Protocol):
    """What goes on until it is told to stop."""

    def run(self, stop: threading.Event) -> None: ...


def engine(database: Database, settings: Settings) -> Engine:
    """Make the engine of this process."""
    return Engine(
        database,
        holder=holder(),
        settle=round(settings.settle * SECOND),
        lag=round(settings.lag_alert * SECOND),
        keep=settings.evaluation_days * DAY,
    )


def rule_folder(database: Database, settings: Settings) -> Folder:
    """Make what follows the folder of rule files. Raises ``ConfigurationError`` if there is none."""
    path = Path(settings.rules)
    if not path.is_dir():
        raise ConfigurationError(f"There is no folder {path} with rules.")
    return Folder(database, path, now_us, partial(read_rules, secrets=Secrets.of(settings)))


def loops(database: Database, settings: Settings) -> dict[str, Runner]:
    """Make what goes on beside the answering of requests, by name, as the settings will have it."""
    found: dict[str, Runner] = {}
    if settings.projector:
        found["projector"] = projector(database, settings)
    if settings.rules:
        found["rules"] = rule_folder(database, settings)
    if settings.engine:
        found["engine"] = engine(database, settings)
    if settings.dispatcher:
        found["dispatcher"] = Dispatcher(database, holder(), settings, observer=DispatcherMetrics())
    return found


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
