"""A virtual environment for each tool: their dependencies go neither with ours nor with each other's."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

SHOP = HERE / "shop"
"""What the tools run, each in its own environment; none of it can be imported here."""

INSTALL_SECONDS = 1800.0
"""It takes a minute or two, where the packages come fast."""

STEERING = ("PYTHON", "VIRTUAL_ENV", "PREFECT_", "AIRFLOW_", "DAGSTER_")
"""Variables of the caller's shell that have no say in a tool."""


def environment(tool: str) -> Path:
    """Give the virtual environment of a tool with what its pins name, made the first time; two at once make one."""
    pins = HERE / f"{tool}.txt"
    mark = hashlib.sha256(f"{sys.version_info[:2]}".encode() + pins.read_bytes()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidegate-targets"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"{tool}-{mark}"
    complete = folder / "complete"
    with (cache / f"{tool}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _run(sys.executable, "-m", "venv", folder)
            _run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--requirement", pins)
            complete.touch()
    return folder


def variables(folder: Path, home: Path, **ours: object) -> dict[str, str]:
    """Give the environment of a program of a tool, whose state lies in ``home``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(STEERING)}
    path = f"{folder / 'bin'}{os.pathsep}{kept.get('PATH', os.defpath)}"
    fixed = {"PATH": path, "HOME": str(home), "NO_PROXY": "127.0.0.1", "DO_NOT_TRACK": "1"}
    return {**kept, **fixed, **{name: str(value) for name, value in ours.items()}}


def _run(*command: object) -> None:
    line = [str(part) for part in command]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    assert done.returncode == 0, f"{' '.join(line)}:\n{done.stdout}{done.stderr}"
