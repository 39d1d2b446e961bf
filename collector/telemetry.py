"""What the program says about itself: structured log lines on standard error, and metrics.

With several processes ``serve`` sets ``PROMETHEUS_MULTIPROC_DIR`` before anything imports this module; the
metrics then live in files of that folder, and whichever process is asked adds them up.
"""

from __future__ import annotations

import io
import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.registry import Collector

from collector.redaction import redact

MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"

STEERING: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What makes a terminal do something, or turns the order of letters around."""

SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

EVENTS_ACCEPTED: Final = Counter("tidegate_events_accepted", "Events written to the log.", ["kind"])
EVENTS_DUPLICATE: Final = Counter("tidegate_events_duplicate", "Events that were in the log already.")
EVENTS_REJECTED: Final = Counter("tidegate_events_rejected", "Events that could not be recorded.")
COMMIT_EVENTS: Final = Histogram("tidegate_commit_events", "Events in one commit.", buckets=SIZES)
COMMIT_SECONDS: Final = Histogram("tidegate_commit_seconds", "Time of one commit.", buckets=SECONDS)
PROJECT_SECONDS: Final = Histogram("tidegate_project_seconds", "Time to project one batch.", buckets=SECONDS)
PROJECTED: Final = Counter("tidegate_projected", "Events projected.")
PARKED: Final = Counter("tidegate_parked", "Events put aside because they could not be projected.")
DELIVERIES: Final = Counter(
    "tidegate_deliveries", "Attempts to send something to a target.", ["kind", "outcome"]
)
DELIVERY_SECONDS: Final = Histogram(
    "tidegate_delivery_seconds", "Time of one attempt to send something.", ["kind"], buckets=SECONDS
)


class LogMetrics:
    """Counts what a log writer does."""

    def committed(self, events: Mapping[str, int], duplicates: int, rejected: int, seconds: float) -> None:
        for kind, number in events.items():
            EVENTS_ACCEPTED.labels(kind).inc(number)
        if duplicates:
            EVENTS_DUPLICATE.inc(duplicates)
        if rejected:
            EVENTS_REJECTED.inc(rejected)
        COMMIT_EVENTS.observe(sum(events.values()) + duplicates + rejected)
        COMMIT_SECONDS.observe(seconds)


class ProjectorMetrics:
    """Counts what a projector does."""

    def projected(self, events: int, seconds: float) -> None:
        PROJECTED.inc(events)
        PROJECT_SECONDS.observe(seconds)

    def parked(self, events: int) -> None:
        PARKED.inc(events)


class DispatcherMetrics:
    """Counts what a dispatcher does."""

    def attempted(self, kind: str, outcome: str, seconds: float) -> None:
        DELIVERIES.labels(kind, outcome).inc()
        DELIVERY_SECONDS.labels(kind).observe(seconds)


def exposition(extra: Iterable[Collector] = ()) -> bytes:
    """Write all metrics in the text format of Prometheus, those of ``extra``, asked for now, at the end."""
    registry = CollectorRegistry()
    if os.environ.get(MULTIPROCESS):
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types here
        own = b""
    else:
        own = generate_latest(REGISTRY)
    for collector in extra:
        registry.register(collector)
    return own + generate_latest(registry)


def configure_logging(format_: str, level: str) -> None:
    """Send all log lines, also those of libraries, to standard error: ``console`` for people, or ``json``."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor]
    if format_ == "json":
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        # Where rich is installed it would show all variables, keys and passwords among them, and take seconds to.
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_traceback)]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[_without_secrets, structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [*(old for old in root.handlers if not isinstance(old, _StandardError)), handler]
    root.setLevel(level.upper())
    # These tell of every step of a migration check, and of every request, at a level meant for people.
    for talkative in ("alembic", "apprise", "httpcore2", "httpx2", "openlineage", "urllib3"):
        logging.getLogger(talkative).setLevel(max(logging.WARNING, root.level))


def _traceback(out: TextIO, error: structlog.typing.ExcInfo) -> None:
    """Write a traceback. Errors quote what events and requests say: it must not steer the terminal."""
    text = io.StringIO()
    structlog.dev.plain_traceback(text, error)
    out.write(STEERING.sub(lambda found: ascii(found[0])[1:-1], text.getvalue()))


class _StandardError(logging.Handler):
    """Writes to what standard error is when the line comes, which tests and terminals may change."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            # Libraries put into their lines, and errors into their texts, whatever address they were given.
            sys.stderr.write(redact(self.format(record)) + "\n")
        except Exception:  # noqa: BLE001  # as the handlers of the standard library do
            self.handleError(record)


def _without_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in event.keys() & {"authorization", "x-api-key", "api_key", "key", "password"}:
        event[name] = "…"
    return event
