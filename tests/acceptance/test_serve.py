"""Starting and stopping: what an operator sees who does it, or who does it wrong."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

from tests.acceptance.connection import Connection
from tests.acceptance.processes import gone
from tests.acceptance.server import END_SECONDS, STOP_SECONDS, Server, running, tidegate
from tests.postgres import PostgresServer


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = tidegate("serve", "--port", port, folder=tmp_path)
    assert ended.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_server_on_the_port_does_not_start(tmp_path: Path) -> None:
    with running(f"sqlite:///{tmp_path / 'tidegate.db'}") as server:
        ended = tidegate("serve", "--port", server.port, folder=tmp_path)
    assert ended.returncode == 1


def test_postgresql_is_not_migrated_unasked(tmp_path: Path, postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database("blank")
    (tmp_path / "tidegate.toml").write_text(f"database = {url!r}\n")
    ended = tidegate("serve", "--port", 0, folder=tmp_path)
    assert ended.returncode == 2
    assert "tidegate db upgrade" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_ctrl_c_ends_all_in_order(tmp_path: Path) -> None:
    server = Server(f"sqlite:///{tmp_path / 'tidegate.db'}")
    try:
        server.start()
        pid = server.pid
        # A terminal sends it to every process of the group.
        os.killpg(pid, signal.SIGINT)
        assert os.waitstatus_to_exitcode(_wait(pid, STOP_SECONDS)) == 0
        assert gone(pid, END_SECONDS)
        assert "Traceback" not in server.output
    finally:
        server.close()


def test_a_dead_worker_is_replaced(tmp_path: Path) -> None:
    with running(f"sqlite:///{tmp_path / 'tidegate.db'}") as server:
        (before,) = server.workers()
        os.kill(before, signal.SIGKILL)
        # The connection waits in the queue of the socket, which the parent holds.
        with Connection(server.port, timeout=30) as connection:
            assert connection.send("GET", "/livez").status == 200
        assert before not in server.workers()
        assert "worker died" in server.output


def _wait(pid: int, seconds: float) -> int:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return status
        time.sleep(0.05)
    raise AssertionError("the server does not end")
