"""A dispatcher killed between the sending and the writing down, and what is never written down at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import select

from collector.storage.tables import metadata
from tests.integration.outbound.conftest import Office
from tests.receivers import LOOPBACK, Connection, HttpReceiver, SmtpReceiver, answer, repeat

ROOT = Path(__file__).parents[3]

PROGRAM = """
import sys
from collector.outbound.dispatcher import Dispatcher
from collector.settings import Settings
from collector.storage.engine import Database
from collector.telemetry import configure_logging
configure_logging("json", "debug")
database = Database(sys.argv[1])
settings = Settings(outbound_allow="127.0.0.0/8", outbound_timeout=5.0, secret_files="/")
dispatcher = Dispatcher(database, "another", settings, clock=lambda: int(sys.argv[2]))
while dispatcher.step():
    pass
"""


def dispatch(office: Office, **environment: str) -> subprocess.Popen[str]:
    """Send what is due in a process of its own, with these variables."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, office.database.url, str(office.now)],
        env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_what_was_sent_by_one_who_died_comes_again_with_the_same_id(office: Office) -> None:
    running: list[subprocess.Popen[str]] = []

    def kill(_connection: Connection) -> None:
        # It has the message, and the sender still waits for an answer.
        running[0].kill()
        running[0].wait()

    with HttpReceiver(kill, answer(200)) as receiver:
        office.target("hook", url=receiver.url)
        office.put("hook", "a")
        running.append(dispatch(office))
        assert running[0].wait(30) == -signal.SIGKILL
        running[0].communicate()
        assert office.states("a") == ["pending"]
        assert office.step(34) == 0
        assert office.step(2) == 1

    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "a"
    assert first.body == second.body
    assert office.states("a") == ["delivered"]
    assert [(tried.attempt, tried.outcome) for tried in office.tried("a")] == [
        (1, "unknown"),
        (2, "delivered"),
    ]


SECRETS = {
    "HOOK_SECRET": "whsec_TWZLUTlyOEdLWXFyVHdqVVBEOElMUFpJbzJMYUxhU3c=",
    "HOOK_TOKEN": "Bearer t0ken-of-the-hook",
    "PAGER_KEY": "R0UT1NGK3YR0UT1NGK3Y",
    "MAIL_PASSWORD": "p4ssw0rd of the mail",
}


def test_secrets_are_in_no_table_and_no_log(office: Office, tmp_path: Path) -> None:
    """Even if whoever gets them repeats them."""
    no_login = {"AUTH": [f"535 not {SECRETS['MAIL_PASSWORD']}"]}
    with HttpReceiver(repeat) as receiver, SmtpReceiver(no_login) as mail:
        base = f"{LOOPBACK}:{receiver.port}"
        (tmp_path / "chat").write_text(f"json://anna:ch4tp4ss@{base}/chat/T0KENofCHAT\n")
        (tmp_path / "hook").write_text(f"http://anna:h00kp4ss@{base}/T0KENofHOOK?key=K3Y4567")
        secret = {"HOOK_REFUSED": f"http://anna:h00kp4ss@{base}:notaport/T0KENofHOOK"}
        hook: dict[str, Any] = {
            "secrets": ["env:HOOK_SECRET"],
            "headers": {"authorization": "env:HOOK_TOKEN"},
        }
        office.target("hook", url=f"file:{tmp_path / 'hook'}", **hook)
        office.target("bad-hook", url="env:HOOK_REFUSED", **hook)
        office.target("pager", "pagerduty", routing_key="env:PAGER_KEY", url=f"http://{base}")
        office.target("chat", "apprise", url=f"file:{tmp_path / 'chat'}")
        login = {"username": "anna", "password": "env:MAIL_PASSWORD", "security": "none", "port": mail.port}
        office.target("mail", "email", host=LOOPBACK, to="a@b.test", **login, **{"from": "c@d.test"})
        targets = ("hook", "bad-hook", "pager", "chat", "mail")
        for target in targets:
            office.put(target, target)
        process = dispatch(office, **SECRETS, **secret)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said

    assert len(receiver.received) == 3
    assert "AUTH" in mail.commands
    with office.database.read() as conn:
        kept = repr([conn.execute(select(table)).all() for table in metadata.sorted_tables])
    assert [len(office.tried(target)) for target in targets] == [1] * 5
    assert office.states(*targets) == ["pending", "dead", "pending", "pending", "dead"]
    assert "answered 535: not …" in kept
    assert '"outcome": "refused"' in said
    parts = ("ch4tp4ss", "h00kp4ss", "T0KENofCHAT", "T0KENofHOOK", "K3Y4567", "t0ken-of-the-hook")
    for secret_part in (*SECRETS.values(), *parts):
        assert secret_part not in kept
        assert secret_part not in said
