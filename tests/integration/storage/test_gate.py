"""The queue of writers across processes that die or fork."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from collector.errors import DatabaseUnavailable
from collector.storage.gate import WriteGate

ROOT = Path(__file__).parents[3]


def acquired(gate: WriteGate, seconds: float) -> bool:
    """Tell whether the gate can be had within some time."""
    got = threading.Event()

    def try_it() -> None:
        with gate.hold():
            got.set()

    threading.Thread(target=try_it, daemon=True).start()
    return got.wait(seconds)


def test_threads_exclude_each_other(tmp_path: Path) -> None:
    gate = WriteGate(str(tmp_path / "file"))
    with gate.hold():
        assert not acquired(gate, 0.1)
    assert acquired(gate, 10)


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    program = """
import sys, time
from collector.storage.gate import WriteGate
with WriteGate(sys.argv[1]).hold():
    print("held", flush=True)
    time.sleep(60)
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "file")],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        gate = WriteGate(str(tmp_path / "file"))
        assert not acquired(gate, 0.1)
        holder.send_signal(signal.SIGKILL)
        assert acquired(gate, 10)


def test_a_child_that_outlives_the_block_does_not_keep_the_gate(tmp_path: Path) -> None:
    gate = WriteGate(str(tmp_path / "file"))
    with gate.hold():
        # Shares the open file, as a fork by somebody else's thread would.
        copies = [os.dup(int(name)) for name in os.listdir("/proc/self/fd") if _is_lock(name, tmp_path)]
    assert copies
    assert acquired(gate, 10)
    for copy in copies:
        os.close(copy)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with (
        pytest.raises(DatabaseUnavailable, match="cannot be opened"),
        WriteGate(str(tmp_path / "no" / "file")).hold(),
    ):
        pass


def _is_lock(descriptor: str, folder: Path) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith(str(folder))
    except OSError:
        return False
