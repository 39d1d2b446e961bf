"""``tidegate demo`` as a newcomer runs it: filled at once, going on by itself, and ending when told."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.acceptance.processes import gone
from tests.acceptance.server import END_SECONDS, LISTENS, STOP_SECONDS, command, environment, tidegate

START_SECONDS = 120.0
"""A day of history takes two seconds, and the start of the server as long; on a busy machine, more."""

NEW_EVENT_SECONDS = 60.0


class Demo:
    """A running demo."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self.output = output

    @property
    def said(self) -> str:
        return self.output.read_text()

    def get(self, path: str) -> Any:
        (port,) = LISTENS.findall(self.said)
        with urlopen(f"http://127.0.0.1:{port}/api/v2/{path}", timeout=30) as answer:
            return json.load(answer)

    def newest(self) -> int:
        """Give the id of the newest event."""
        found: int = self.get("events?limit=1&body=false")["items"][0]["id"]
        return found

    def interrupt(self) -> int:
        """Press Ctrl-C; give the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS)


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[Demo]:
    """Run a demo in ``folder`` until it is done with."""
    output = folder / "said.txt"
    # Whoever has a server of his own on this machine must find it untouched.
    variables = {
        "TIDEGATE_DATABASE": f"sqlite:///{folder}/own.db",
        "TIDEGATE_HOST": "0.0.0.0",
        "OPENLINEAGE_DISABLED": "true",
    }
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [*command(), "demo", "--port", "0", *options],
            cwd=folder, env=environment() | variables, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
            process_group=0,
        )  # fmt: skip
    try:
        until = time.monotonic() + START_SECONDS
        while "Open http" not in output.read_text():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < until, output.read_text()
            time.sleep(0.1)
        yield Demo(process, output)
    finally:
        process.kill()
        process.wait()
        assert gone(process.pid, END_SECONDS)


@pytest.mark.slow
def test_a_newcomer_sees_the_failure_and_the_shop_going_on(tmp_path: Path) -> None:
    with demo(tmp_path, "--days", "2") as running:
        assert "Making 2 days of history in tidegate-demo.db" in running.said
        assert re.search(
            r"It is 0[78]:\d\d in the shop \(.+/.+\), and payments have not been loaded\.", running.said
        )
        alerts = running.get("alerts?limit=50")["items"]
        assert {each["name"] for each in alerts if each["cause"] is None} == {
            "payments.load_files",
            "shop.raw.supplier_prices",
        }
        assert len([each for each in alerts if each["cause"] is not None]) >= 6
        first, until = running.newest(), time.monotonic() + NEW_EVENT_SECONDS
        while running.newest() == first:
            assert time.monotonic() < until, "nothing happens in the shop"
            time.sleep(0.5)
        assert running.get("rejected")["items"]
        again = tidegate("demo", "--port", "0", folder=tmp_path)
        assert again.returncode == 1
        assert "A demo is running on tidegate-demo.db" in again.stderr
        assert running.interrupt() == 0
        assert "Traceback" not in running.said
    assert not (tmp_path / "own.db").exists()
    with demo(tmp_path) as running:
        assert "Going on with tidegate-demo.db" in running.said
        assert running.newest() > first
        assert running.interrupt() == 0


def test_the_database_of_somebody_else_is_not_reset(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "tidegate.db"
    path.write_bytes(sqlite_template.read_bytes())
    done = tidegate("demo", "--database", path, "--reset", "--port", "0", folder=tmp_path)
    assert done.returncode == 2
    assert "is not the database of a demo, and is left as it is" in done.stderr
    assert path.read_bytes() == sqlite_template.read_bytes()


def test_a_port_that_is_taken_is_told_before_any_history_is_made(tmp_path: Path) -> None:
    from collector.serve import listen

    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        done = tidegate("demo", "--port", port, folder=tmp_path)
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
    assert not (tmp_path / "tidegate-demo.db").exists()
