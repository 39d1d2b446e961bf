"""The way to the database: transactions, the queue of writers, and waking whoever waits for a change.

Everything above this module sees one ``Database`` with two kinds of transactions and does not know the
dialect, except ``upsert.py``.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from select import POLLIN, poll
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from collector.errors import ConfigurationError, DatabaseUnavailable
from collector.storage.gate import WriteGate

CHANNEL: Final = "tidegate"
"""The PostgreSQL notification channel on which every stage says that it has committed something."""

POLL_SECONDS: Final = 0.01
"""How often SQLite is asked for a change: one read of shared memory, some 5 µs."""

IDLE_POLL_SECONDS: Final = 0.05
"""How often, when there has been none for half a second: each look is later than the last by a tenth."""

SLOWER: Final = 1.1

TICK: Final = 0.001
"""Seconds in which what has arrived from PostgreSQL can be read."""

SQLITE_PRAGMAS: Final = (
    "PRAGMA busy_timeout=30000",  # first: the others may meet a lock
    "PRAGMA synchronous=FULL",  # an acknowledged event survives a power cut
    "PRAGMA cache_size=-65536",
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA foreign_keys=ON",
)

SQLITE_UNAVAILABLE: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)
"""Primary result codes that trying again, or an operator, can cure. The rest are mistakes of ours."""

SQLITE_WORDS: Final = {
    sqlite3.SQLITE_BUSY: "Another program keeps the database locked; try again later.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened.",
    sqlite3.SQLITE_READONLY: "The database file cannot be written to.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged.",
    sqlite3.SQLITE_NOTADB: "The database file is not one of SQLite's.",
}

SQLITE_STEPS: Final = 10_000
"""Virtual machine steps between two looks at the clock in a query with a time limit: under a millisecond."""

WRITING: Final = "tidegate_writing"
"""The execution option that tells a writing transaction from a reading one when it begins."""


class Database:
    """One database and its pool of connections. Safe to share between threads, not across a fork.

    ``url`` is ``sqlite:///FILE`` or ``postgresql://…``. Nothing is opened before the first transaction.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        parsed = parse_url(url)
        self.url = parsed.render_as_string(hide_password=False)
        self.dialect: Final = parsed.get_backend_name()
        self._watchers = threading.local()
        self._opened: list[_SqliteWatcher | _PostgresWatcher] = []
        self._written = threading.Condition()
        self.engine: Engine
        self._gate: WriteGate | None = None
        if self.dialect == "sqlite":
            self.path = os.path.abspath(str(parsed.database))
            self._gate = WriteGate(self.path)
            self.engine = _sqlite_engine(parsed, self._gate, pool_size)
            self._reader = self.engine
        else:
            self.path = ""
            self.engine = _postgres_engine(parsed, pool_size)
            # As SQLite does it: all statements of one reading see the same moment.
            self._reader = self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        self._writer = self.engine.execution_options(**{WRITING: True})

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that writes; it commits at the end of the block and rolls back on any exception.

        On SQLite the caller waits here for its turn, see ``WriteGate``. If the connection breaks in the
        commit, ``DatabaseUnavailable`` leaves open whether it took place: a retry must be able to bear both.
        """
        # The connection comes first: opening one may take the gate itself.
        with _translated(), self._writer.connect() as conn, self._turn(), conn.begin():
            yield conn
        with self._written:
            self._written.notify_all()

    @contextmanager
    def read(self, timeout: float | None = None) -> Iterator[Connection]:
        """Open a transaction that reads; all its statements see one moment. It must not write.

        ``timeout`` in seconds limits each statement on PostgreSQL and the whole block on SQLite; what takes
        longer ends in ``DatabaseUnavailable``.
        """
        with _translated(), self._reader.connect() as conn, conn.begin(), self._limited(conn, timeout):
            yield conn

    def notify(self, conn: Connection) -> None:
        """Wake those who wait for a change, when the writing transaction ``conn`` commits."""
        if self.dialect == "postgresql":
            conn.exec_driver_sql(f"NOTIFY {CHANNEL}")
        # On SQLite the commit itself is what the others see.

    def wait_for_change(self, timeout: float) -> bool:
        """Wait until somebody has committed something since this thread last came back from here.

        True at once on a thread's first call, so the loop "look, do, wait" loses nothing. Own commits may
        count as changes. False after ``timeout`` seconds without one.
        """
        watcher: _SqliteWatcher | _PostgresWatcher | None = getattr(self._watchers, "own", None)
        try:
            if watcher is None:
                watcher = (
                    _SqliteWatcher(self.path, self._written)
                    if self.dialect == "sqlite"
                    else _PostgresWatcher(self.url)
                )
                self._watchers.own = watcher
                self._opened.append(watcher)
                return True
            return watcher.wait(timeout)
        except (psycopg.Error, sqlite3.Error) as error:
            if watcher is not None:
                watcher.close()
                self._opened.remove(watcher)
                self._watchers.own = None
            raise DatabaseUnavailable from error

    def close(self) -> None:
        """Close all connections that are not in use."""
        while self._opened:
            self._opened.pop().close()
        self.engine.dispose()

    def _turn(self) -> AbstractContextManager[None]:
        return self._gate.hold() if self._gate else nullcontext()

    @contextmanager
    def _limited(self, conn: Connection, timeout: float | None) -> Iterator[None]:
        if timeout is None:
            yield
            return
        if self.dialect == "postgresql":
            conn.execute(
                text("SELECT set_config('statement_timeout', :ms, true)"), {"ms": str(int(timeout * 1000))}
            )
            yield
            return
        driver: Any = conn.connection.driver_connection
        deadline = time.monotonic() + timeout
        driver.set_progress_handler(lambda: int(time.monotonic() > deadline), SQLITE_STEPS)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)


def parse_url(url: str) -> URL:
    """Read a database URL and name the driver; raises ``ConfigurationError`` for what Tidegate cannot use."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        hint = "use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        raise ConfigurationError(f"The database URL cannot be read: {hint}.") from error
    backend = parsed.drivername.partition("+")[0]
    if backend == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise ConfigurationError(
                "SQLite needs a file: sqlite:///FILE; a database in memory is not durable."
            )
        return parsed.set(drivername="sqlite+pysqlite")
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigurationError(f"Databases of type {backend!r} are not supported: use sqlite or postgresql.")


def _sqlite_engine(url: URL, gate: WriteGate, pool_size: int) -> Engine:
    # Few hot connections instead of many: each has a page cache of its own.
    engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_use_lifo=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # The driver must not begin transactions by itself: it would begin them late and deferred.
        connection.isolation_level = None
        for pragma in SQLITE_PRAGMAS:
            connection.execute(pragma)
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            # The change of mode does not wait for other connections but fails, hence one at a time.
            with gate.hold():
                connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def begin(conn: Connection) -> None:
        # IMMEDIATE: a transaction that reads before it writes would fail when another has written in between.
        conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get(WRITING) else "BEGIN")

    return engine


def _postgres_engine(url: URL, pool_size: int) -> Engine:
    defaults = {"connect_timeout": "5", "application_name": "tidegate"}
    engine = create_engine(
        url.update_query_dict({name: value for name, value in defaults.items() if name not in url.query}),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "checkout")
    def check(connection: Any, _record: object, _proxy: object) -> None:
        # An idle connection has nothing to say, unless the server has closed it. A look at the socket costs
        # two microseconds, a ping a round trip.
        watch = poll()
        try:
            watch.register(connection.fileno(), POLLIN)
        except psycopg.Error as error:
            raise DisconnectionError from error
        if watch.poll(0):
            raise DisconnectionError

    return engine


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if not _curable(error):
            raise
        raise DatabaseUnavailable(_describe(error)) from error
    except (PoolTimeout, DisconnectionError) as error:
        raise DatabaseUnavailable from error


def _curable(error: DBAPIError) -> bool:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        # The low byte is the primary code, the rest tells the kind of it.
        return (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in SQLITE_UNAVAILABLE
    return isinstance(error, OperationalError | InterfaceError)


def _describe(error: DBAPIError) -> str | None:
    cause = error.orig
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or isinstance(cause, psycopg.errors.DiskFull):
        return "The disk of the database is full."
    if code == sqlite3.SQLITE_INTERRUPT or isinstance(cause, psycopg.errors.QueryCanceled):
        return "The query took longer than allowed; ask for less."
    if isinstance(cause, psycopg.errors.LockNotAvailable):
        return "A table is in use by another transaction; try again later."
    return SQLITE_WORDS.get(code)


class _SqliteWatcher:
    """Sees commits of other connections as changes of ``PRAGMA data_version`` on one of its own.

    Of those of this process it is told at once by ``written``; others are found at the next look.
    """

    def __init__(self, path: str, written: threading.Condition) -> None:
        self._written = written
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._seen = self._version()

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def wait(self, timeout: float) -> bool:
        deadline, pause = time.monotonic() + timeout, POLL_SECONDS
        while (version := self._version()) == self._seen:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._written:
                self._written.wait(min(pause, left))
            # Every loop of an idle server looks: at this pace it takes a third of the time.
            pause = min(pause * SLOWER, IDLE_POLL_SECONDS)
        self._seen = version
        return True

    def close(self) -> None:
        self._connection.close()


class _PostgresWatcher:
    """Listens on a connection of its own; notifications that come between two waits are kept by it."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url).set(drivername="postgresql")
        conninfo = parsed.render_as_string(hide_password=False)
        self._connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=5)
        self._connection.execute(f"LISTEN {CHANNEL}")

    def wait(self, timeout: float) -> bool:
        # With no time at all the driver would not even look at the socket.
        woken = list(self._connection.notifies(timeout=max(timeout, TICK), stop_after=1))
        if woken:
            # One look at the tables answers all that has come by now.
            list(self._connection.notifies(timeout=TICK))
        return bool(woken)

    def close(self) -> None:
        self._connection.close()
