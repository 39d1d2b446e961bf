"""Log lines and metrics."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from collector import telemetry


@pytest.fixture
def clean_logging() -> Iterator[None]:
    """Put back what the configuration of logging changes for the whole process."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("clean_logging")
def test_json_lines_of_our_own_and_of_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure_logging("json", "info")
    telemetry.configure_logging("json", "info")  # again: no line twice
    structlog.get_logger("ours").info("started", port=5000, api_key="tg_secret")
    structlog.get_logger("ours").debug("unseen")
    logging.getLogger("theirs").warning("careful %s", "now")
    try:
        raise ZeroDivisionError("x")
    except ZeroDivisionError:
        structlog.get_logger("ours").exception("failed")
    first, second, third = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert first.pop("timestamp").endswith("Z")
    assert first == {"event": "started", "port": 5000, "api_key": "…", "level": "info", "logger": "ours"}
    assert (second["event"], second["level"], second["logger"]) == ("careful now", "warning", "theirs")
    assert "ZeroDivisionError: x" in third["exception"]


@pytest.mark.usefixtures("clean_logging")
def test_console_lines(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure_logging("console", "warning")
    structlog.get_logger("ours").info("unseen")
    structlog.get_logger("ours").warning("seen", number=3)
    (line,) = capsys.readouterr().err.splitlines()
    assert "seen" in line
    assert "number=3" in line


@pytest.mark.usefixtures("clean_logging")
def test_what_went_wrong_is_told_without_the_values_of_variables(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure_logging("console", "warning")

    def fail(key: str) -> int:
        return len(key) // 0

    try:
        fail("tg_" + "secret")
    except ZeroDivisionError:
        structlog.get_logger("ours").exception("failed")
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "tg_secret" not in said


@pytest.mark.usefixtures("clean_logging")
def test_what_events_say_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure_logging("console", "warning")
    try:
        raise ValueError("no table \x1b[2J\u202e")
    except ValueError:
        structlog.get_logger("ours").exception("failed", path="/\n\x1b[2J")
    said = capsys.readouterr().err
    assert r"no table \x1b[2J\u202e" in said
    assert "\x1b" not in said
    assert said.count("path=") == 1
    assert "\n\x1b" not in said


def test_metrics_in_one_process() -> None:
    telemetry.ProjectorMetrics().projected(3, 0.01)
    telemetry.EVENTS_ACCEPTED.labels(kind="run").inc()
    text = telemetry.exposition().decode()
    for name in (
        'tidegate_events_accepted_total{kind="run"}',
        "tidegate_events_duplicate_total",
        "tidegate_events_rejected_total",
        "tidegate_commit_events_bucket",
        "tidegate_commit_seconds_bucket",
        "tidegate_project_seconds_bucket",
        "tidegate_projected_total",
        "tidegate_parked_total",
    ):
        assert f"\n{name}" in text


def test_metrics_of_several_processes_add_up(tmp_path: Path) -> None:
    program = (
        "from collector import telemetry; telemetry.PROJECTED.inc(2); print(telemetry.exposition().decode())"
    )
    folder = Path(__file__).parents[3]
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={telemetry.MULTIPROCESS: str(tmp_path), "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert "\ntidegate_projected_total 2.0\n" in outputs[0]
    assert "\ntidegate_projected_total 4.0\n" in outputs[1]
