"""Commands: real processes, what they are given, and what their end means."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from collector.outbound.command import NOT_ALLOWED, send
from collector.outbound.guard import Guard
from collector.outbound.http import Http
from collector.outbound.sending import Context, Kind, Outcome, Parcel, Result, Unusable
from collector.settings import PREFIX, Settings
from tests.exchanges import FIRING, KEY, firing
from tests.parcels import parcel
from triggers.rules import Target

GUARD = Guard.of("")


def run(
    *command: str, said: Parcel | None = None, allowed: bool = True, limit: float = 10.0, **options: Any
) -> Outcome:
    context = Context(GUARD, Http(GUARD, limit), limit, allow_commands=allowed)
    return send(Target("it", "command", {"command": [*command], **options}), said or firing({}), context)


def python(code: str, *args: str, **how: Any) -> Outcome:
    return run(sys.executable, "-c", code, *args, **how)


def shell(script: str, **how: Any) -> Outcome:
    return run("/bin/sh", "-c", script, **how)


def output(outcome: Outcome) -> str:
    assert outcome.result is Result.DELIVERED, outcome
    assert outcome.answer is not None
    return str(outcome.answer["output"])


def test_nothing_runs_unless_the_settings_allow_it(tmp_path: Path) -> None:
    assert Settings().allow_commands is False
    outcome = shell(f"touch {tmp_path}/ran", allowed=False)
    assert (outcome.result, outcome.error) == (Result.REFUSED, NOT_ALLOWED)
    assert not (tmp_path / "ran").exists()


def test_a_command_reads_the_firing_and_gets_its_arguments_as_they_are() -> None:
    said = firing({"args": ["$HOME; rm -rf /", "a b", 3, {"x": True}]})
    code = "import json, sys; print(json.dumps([json.load(sys.stdin), sys.argv[1:]]))"
    read, args = json.loads(output(python(code, "first", said=said)))
    assert read == said.body
    assert args == ["first", "$HOME; rm -rf /", "a b", "3", '{"x": true}']


def test_its_environment_has_the_firing_and_little_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_DATABASE", "postgresql://user:password@host/db")
    monkeypatch.setenv("SHOP_REGION", "eu")
    monkeypatch.setenv("SHOP_SECRET", "s3cret")
    said = replace(firing({}), attempt=3)
    found = json.loads(
        output(
            python(
                "import json, os; print(json.dumps(dict(os.environ)))", said=said, env=["SHOP_REGION", "NONE"]
            )
        )
    )
    ours = {name: value for name, value in found.items() if name.startswith((PREFIX, "OPEN", "SHOP"))}
    assert ours == {
        "OPENLINEAGE_PARENT_ID": f"tidegate/nightly/{FIRING}",
        "TIDEGATE_FIRING": FIRING,
        "TIDEGATE_TRIGGER": "nightly",
        "TIDEGATE_KEY": "2026-11-22",
        "TIDEGATE_IDEMPOTENCY_KEY": KEY,
        "TIDEGATE_ATTEMPT": "3",
        "SHOP_REGION": "eu",
    }
    assert found["PATH"] == os.environ["PATH"]
    # A command may call Tidegate itself, which takes variables with its prefix for settings.
    assert Settings.load(found).database == Settings().database


@pytest.mark.parametrize(
    ("status", "result"),
    [(0, Result.DELIVERED), (75, Result.RETRY), (1, Result.REFUSED), (127, Result.REFUSED)],
)
def test_the_exit_status_says_what_became_of_it(status: int, result: Result) -> None:
    outcome = shell(f"echo out; echo err >&2; exit {status}")
    assert outcome.result is result
    said = outcome.answer["output"] if outcome.answer else outcome.error
    assert "out\nerr" in (said or "")
    assert status == 0 or f"exit status {status}" in (outcome.error or "")


def test_of_a_command_that_says_much_the_end_is_kept() -> None:
    said = output(python("print('x' * 10_000_000); print('done')"))
    assert said.endswith("done")
    assert len(said) <= 2048


def test_a_command_need_not_read_what_it_gets() -> None:
    said = firing({})
    big = replace(said, body={**said.body, "firing": {**said.body["firing"], "inputs": ["x" * 1_000_000]}})
    assert shell("exit 0", said=big).result is Result.DELIVERED


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that was killed, and nobody has waited for yet, is there by its number only.
    return not Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")


@pytest.mark.parametrize("limits", [{"timeout": "1s"}, {"limit": 1.0}, {"limit": 1.0, "timeout": "1h"}])
def test_a_command_that_takes_too_long_is_killed_with_what_it_started(
    tmp_path: Path, limits: dict[str, Any]
) -> None:
    began = time.monotonic()
    outcome = shell(f"trap '' TERM; echo begun; sleep 60 & echo $! > {tmp_path}/pid; wait", **limits)
    assert time.monotonic() - began < 5
    assert outcome.result is Result.UNKNOWN
    assert outcome.error == "killed after 1 s: begun"
    child = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 5
    while alive(child):
        assert time.monotonic() < until, "its child lives on"
        time.sleep(0.01)


def test_what_goes_on_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    outcome = shell(f"(sleep 1; touch {tmp_path}/later) & echo begun", limit=30.0)
    assert output(outcome) == "begun"
    assert time.monotonic() - began < 1
    until = time.monotonic() + 10
    while not (tmp_path / "later").exists():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_nobody_knows_how_far_a_command_came_that_was_killed() -> None:
    outcome = shell("echo begun; kill -9 $$")
    assert (outcome.result, outcome.error) == (Result.UNKNOWN, "ended by signal 9: begun")


@pytest.mark.parametrize("command", [("/nowhere/program",), ("/etc/passwd",), ("/bin/sh", "a\0b")])
def test_what_cannot_be_run_is_refused(command: tuple[str, ...]) -> None:
    outcome = run(*command)
    assert outcome.result is Result.REFUSED
    assert f"{command[0]} cannot be run" in (outcome.error or "")


@pytest.mark.parametrize("command", [None, [], "rm -rf /", [["sh"]]])
def test_a_command_is_a_list_of_texts(command: Any) -> None:
    context = Context(GUARD, Http(GUARD, 1.0), 1.0, allow_commands=True)
    with pytest.raises(Unusable, match="has no command"):
        send(Target("it", "command", {"command": command}), firing({}), context)


def test_a_test_runs_nothing(tmp_path: Path) -> None:
    (script := tmp_path / "script").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    script.chmod(0o755)
    assert run(str(script), said=parcel(kind=Kind.TEST)).result is Result.DELIVERED
    assert run(str(tmp_path / "other"), said=parcel(kind=Kind.TEST)).result is Result.REFUSED
    with pytest.raises(Unusable, match="only starts work"):
        run(str(script), said=parcel())
    assert not (tmp_path / "ran").exists()
