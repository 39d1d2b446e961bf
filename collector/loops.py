"""What a server does beside answering requests. Kept from ``collector.wiring``, which every command imports."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from collector.api.rule_documents import read_rules
from collector.engine.folder import Folder
from collector.engine.runner import Engine
from collector.errors import ConfigurationError
from collector.outbound import forwarding
from collector.outbound.dispatcher import Dispatcher
from collector.outbound.secrets import Secrets
from collector.outbound.senders import EXPECTED
from collector.settings import Settings
from collector.storage.engine import Database
from collector.storage.leases import holder
from collector.telemetry import DispatcherMetrics
from collector.times import now_us
from collector.wiring import projector

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND


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
        expected=EXPECTED,
        backends=forwarding.targets(settings),
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
