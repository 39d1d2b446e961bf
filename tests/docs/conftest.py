"""A folder as the README's reader has it, with the command on the path, and a server in it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.docs.readme import ROOT

START_SECONDS = 60.0
"""Starting takes two seconds; on a machine that does much else, more."""

STOP_SECONDS = 30.0
RUN_SECONDS = 120.0

LISTENS = re.compile(r"listens on (http://\S+)")
ADDRESS = "http://127.0.0.1:5000"
"""Where the README's server listens; the one of the tests takes a free port."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who follows the README in ``folder``; ``url`` is the server's, if one runs there."""

    folder: Path
    url: str = ADDRESS

    def run(self, language: str, text: str) -> subprocess.CompletedProcess[str]:
        """Run a block. A shell stops at the first command that fails."""
        text = text.replace(ADDRESS, self.url)
        interpreter = (
            [sys.executable, "-W", "ignore"] if language == "python" else ["bash", "-eu", "-o", "pipefail"]
        )
        return subprocess.run(
            [*interpreter, "-c", text],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        """Give the environment after the README's ``source .venv/bin/activate``, set up for an emitter."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OPENLINEAGE_URL": self.url}


def furnish(folder: Path) -> Reader:
    """Put into an empty folder what the README's reader has there."""
    (folder / "fixtures").symlink_to(ROOT / "fixtures")
    (folder / "bin").mkdir()
    for name, arguments in (("python", ""), ("tidegate", "-m collector.cli ")):
        command = folder / "bin" / name
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments}"$@"\n')
        command.chmod(0o755)
    return Reader(folder)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Give a reader without a server."""
    return furnish(tmp_path)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Give a reader with a server that keeps its data in the reader's folder, as the README starts it."""
    folder = tmp_path_factory.mktemp("readme")
    alone = furnish(folder)
    said = folder / "server.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            ["tidegate", "serve", "--port", "0"],
            executable=folder / "bin" / "tidegate",
            cwd=folder,
            env=alone.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield Reader(folder, _url(process, said))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
            process.wait()


def _url(process: subprocess.Popen[bytes], said: Path) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if found := LISTENS.search(said.read_text()):
            try:
                urlopen(f"{found[1]}/livez", timeout=5).close()  # http, and our own
                return found[1]
            except (OSError, HTTPException):
                pass  # announced, and not yet listening
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"the server did not start:\n{said.read_text()}")
