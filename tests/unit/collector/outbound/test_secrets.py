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
from collector.errors import ConfigurationError
from collector.outbound.secrets import SecretForbidden, SecretMissing, Secrets
from collector.redaction import hide, redact
from collector.settings import Settings


def secrets(env: str = "*", files: Path | str = "") -> Secrets:
    return Secrets.of(Settings(secret_env=env, secret_files=str(files)))


def test_options_get_the_values_of_what_they_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("of the file\n")
    monkeypatch.setenv("HOOK_KEY", "of the variable")
    options = {
        "url": "https://a.test",
        "secrets": ["env:HOOK_KEY", f"file:{tmp_path / 'key'}"],
        "headers": {"authorization": "env:HOOK_KEY"},
        "port": 25,
    }

    assert secrets(files=tmp_path).resolve(options) == {
        "url": "https://a.test",
        "secrets": ["of the variable", "of the file"],
        "headers": {"authorization": "of the variable"},
        "port": 25,
    }
    (tmp_path / "key").write_text("changed")
    assert secrets(files=tmp_path).resolve(options)["secrets"][1] == "changed"


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
            secrets(files=tmp_path).resolve({"password": reference})
        assert str(caught.value) == said
        assert "secret" not in repr(caught.value.__cause__)


@pytest.mark.parametrize(
    ("setting", "name", "allowed"),
    [
        ("*", "CHAT_URL", True),
        ("*", "TIDEGATE_DATABASE", False),
        ("*", "PGPASSWORD", False),
        ("*", "OPENLINEAGE_API_KEY", False),
        ("PG*, T*, *_API_KEY", "PGPASSWORD", False),
        ("PG*, T*, *_API_KEY", "TIDEGATE_DATABASE", False),
        ("PG*, T*, *_API_KEY", "OPENLINEAGE_API_KEY", False),
        ("ALERT_*, PGP_KEY", "PGP_KEY", True),
        ("ALERT_*, PGP_KEY", "ALERT_CHAT", True),
        ("ALERT_*, PGP_KEY", "AWS_SECRET_ACCESS_KEY", False),
        ("ALERT_*", "alert_chat", False),
        ("", "CHAT_URL", False),
    ],
)
def test_only_some_variables_can_be_named(
    setting: str, name: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "the value")
    bounded = secrets(setting)
    if allowed:
        bounded.check(f"env:{name}")
        assert bounded.resolve({"url": f"env:{name}"}) == {"url": "the value"}
        return
    said = f"Rules may not refer to env:{name}; the setting secret_env can allow it."
    with pytest.raises(SecretForbidden) as caught:
        bounded.check(f"env:{name}")
    assert str(caught.value) == said
    # Wherever it stands: every option is sent somewhere, or says where.
    with pytest.raises(SecretForbidden, match="secret_env"):
        bounded.resolve({"headers": {"x": ["plain", f"env:{name}"]}})


def test_only_files_in_some_folders_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    for folder in (outside, inside / "deep"):
        folder.mkdir(parents=True)
        (folder / "key").write_text("the value")
    # As Kubernetes mounts secrets: a link to what is current, within the folder.
    (inside / "current").symlink_to("deep")
    (inside / "link").symlink_to(outside / "key")
    (inside / "folder").symlink_to(outside)
    (inside / "round").symlink_to("round")
    (tmp_path / "way").symlink_to(inside)
    (tmp_path / "inside-too").mkdir()
    (tmp_path / "inside-too" / "key").write_text("the value")
    bounded = secrets(files=f"/nowhere, {tmp_path / 'way'}")
    for good in (inside / "deep/key", inside / "current/key", tmp_path / "way/deep/key"):
        assert bounded.resolve({"password": f"file:{good}"}) == {"password": "the value"}
    bounded.check(f"file:{inside / 'not yet there'}")

    monkeypatch.chdir(inside)
    for bad in (
        outside / "key", inside / "../outside/key", inside / "link", inside / "folder/key", inside / "round",
        tmp_path / "inside-too/key", "/etc/passwd", "/proc/self/environ", "/a\0b",
    ):  # fmt: skip
        said = f"Rules may not refer to file:{bad}; the setting secret_files can allow its folder."
        with pytest.raises(SecretForbidden) as caught:
            bounded.check(f"file:{bad}")
        assert str(caught.value) == said
        with pytest.raises(SecretForbidden):
            bounded.resolve({"password": f"file:{bad}"})
    with pytest.raises(SecretForbidden, match=r"^file:deep/key must be a whole path, from / on\.$"):
        bounded.check("file:deep/key")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"secret_env": "A B"}, "secret_env: 'A B' is no pattern of names such as ALERT_*."),
        ({"secret_env": "env:A"}, "secret_env: 'env:A' is no pattern of names such as ALERT_*."),
        ({"secret_files": "secrets"}, "secret_files: secrets is no folder from / on."),
    ],
)
def test_bounds_that_mean_nothing_are_refused(settings: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Secrets.of(Settings().override(**settings))
    assert caught.value.detail == said


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
