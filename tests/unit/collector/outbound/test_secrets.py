"""Secrets are read where they are, told by their place, and never shown."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog

from collector import telemetry
from collector.outbound.secrets import SecretMissing, resolve
from collector.redaction import hide, redact


def test_options_get_the_values_of_what_they_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("of the file\n")
    monkeypatch.setenv("HOOK_KEY", "of the variable")
    options = {
        "url": "https://a.test",
        "secrets": ["env:HOOK_KEY", f"file:{tmp_path / 'key'}"],
        "headers": {"authorization": "env:HOOK_KEY"},
        "port": 25,
    }

    assert resolve(options) == {
        "url": "https://a.test",
        "secrets": ["of the variable", "of the file"],
        "headers": {"authorization": "of the variable"},
        "port": 25,
    }
    (tmp_path / "key").write_text("changed")
    assert resolve(options)["secrets"][1] == "changed"


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe secret")
    monkeypatch.setenv("EMPTY", "")
    for reference, said in (
        ("env:NOT_THERE", "env:NOT_THERE is not set."),
        ("env:EMPTY", "env:EMPTY is empty."),
        (f"file:{tmp_path / 'none'}", f"file:{tmp_path / 'none'} cannot be read: No such file or directory."),
        (f"file:{tmp_path / 'bytes'}", f"file:{tmp_path / 'bytes'} is no text."),
    ):
        with pytest.raises(SecretMissing) as caught:
            resolve({"password": reference})
        assert str(caught.value) == said
        assert "secret" not in repr(caught.value.__cause__)


def test_no_form_of_a_secret_is_shown() -> None:
    secret = 'p4ss/w"örd & more'
    hide(secret)
    for form in (
        secret, quote(secret), quote(secret, safe=""), json.dumps(secret), repr(secret),
        base64.b64encode(secret.encode()).decode(),
    ):  # fmt: skip
        shown = redact(f"before {form} after")
        assert "…" in shown, form
        assert "w" not in shown.replace("before", "").replace("after", ""), form


def test_of_an_address_the_tokens_are_hidden_and_the_words_are_not() -> None:
    hide("https://anna:s3cret@hooks.chat.test/services/T0AAAA/B0BBBB/abcdefghijklmnop?key=K3y4567")
    hide("slack://TokenA123/TokenB456/TokenC789")

    for token in ("s3cret", "T0AAAA", "B0BBBB", "abcdefghijklmnop", "K3y4567", "TokenA123", "TokenC789"):
        assert redact(f"cannot post {token} there") == "cannot post … there", token
    assert redact("hooks.chat.test has no such services") == "hooks.chat.test has no such services"


def test_log_lines_of_libraries_are_without_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    hide("L0ng-Secret-Of-Logs")
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    try:
        telemetry.configure_logging("json", "debug")
        logging.getLogger("some.library").debug("POST https://a.test/%s", "L0ng-Secret-Of-Logs")
        try:
            raise OSError("no L0ng-Secret-Of-Logs today")
        except OSError:
            structlog.get_logger("ours").exception("failed", url="x://L0ng-Secret-Of-Logs")
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
        structlog.reset_defaults()
    written = capsys.readouterr().err
    assert written.count("\n") == 2
    assert "POST https://a.test/…" in written
    assert "L0ng-Secret-Of-Logs" not in written
