"""Settings: where values come from, which are refused, and the table for the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.errors import ConfigurationError
from collector.settings import Settings, settings_fields, table_markdown


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, so that no settings file of the developer's is read."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults_are_those_of_the_class() -> None:
    assert Settings.load({}) == Settings()
    assert Settings().source("port") == "default"


def test_options_come_before_the_environment_and_it_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text('port = 1\nhost = "::1"\nprojector = false\nack_timeout = 2\n')
    settings = Settings.load({"TIDEGATE_PORT": "2", "TIDEGATE_ACK": "projected", "HOME": "/"}, file)
    settings = settings.override(ack="durable", host=None)
    assert (settings.port, settings.host, settings.ack, settings.projector) == (2, "::1", "durable", False)
    assert settings.ack_timeout == 2.0
    found = {name: settings.source(name) for name in ("port", "host", "ack", "queue_limit")}
    assert found == {"port": "environment", "host": "file", "ack": "option", "queue_limit": "default"}


def test_nothing_is_a_value_of_lists() -> None:
    settings = Settings.load({"TIDEGATE_SECRET_ENV": "", "TIDEGATE_OUTBOUND_ALLOW": ""})
    assert (settings.secret_env, settings.outbound_allow) == ("", "")


def test_a_file_is_found_by_variable_or_by_its_usual_name(tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text("port = 1")
    assert Settings.load({}).port == 1
    (tmp_path / "other.toml").write_text("port = 2")
    assert Settings.load({"TIDEGATE_CONFIG": "other.toml"}).port == 2


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"TIDEGATE_PROT": "1"},
            "There is no setting TIDEGATE_PROT (from the environment); did you mean TIDEGATE_PORT?",
        ),
        ({"TIDEGATE_": "1"}, "There is no setting TIDEGATE_ (from the environment)."),
        ({"TIDEGATE_SOURCES": "1"}, "There is no setting TIDEGATE_SOURCES"),
        ({"TIDEGATE_PORT": "x"}, "TIDEGATE_PORT must be a whole number, not 'x'."),
        ({"TIDEGATE_PORT": "1.5"}, "TIDEGATE_PORT must be a whole number, not '1.5'."),
        ({"TIDEGATE_PORT": "-1"}, "TIDEGATE_PORT must be at least 0, not '-1'."),
        ({"TIDEGATE_QUERY_TIMEOUT": "nan"}, "TIDEGATE_QUERY_TIMEOUT must be a number, not 'nan'."),
        ({"TIDEGATE_QUERY_TIMEOUT": "inf"}, "TIDEGATE_QUERY_TIMEOUT must be a number, not 'inf'."),
        ({"TIDEGATE_PROJECTOR": "maybe"}, "TIDEGATE_PROJECTOR must be true or false, not 'maybe'."),
        ({"TIDEGATE_ACK": "never"}, "TIDEGATE_ACK must be durable or projected, not 'never'."),
        ({"TIDEGATE_DATABASE": ""}, "TIDEGATE_DATABASE must be a text, not ''."),
        (
            {"TIDEGATE_CONFIG": "none.toml"},
            "The settings file none.toml cannot be read: No such file or directory.",
        ),
    ],
)
def test_what_is_not_understood_is_refused(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.load(environ)
    assert caught.value.detail.startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("prot = 1", "There is no setting prot (from f.toml); did you mean port?"),
        ('port = "x"', "port in f.toml must be a whole number, not 'x'."),
        ("port = true", "port in f.toml must be a whole number, not True."),
        ("port = 1.5", "port in f.toml must be a whole number, not 1.5."),
        ("host = 1", "host in f.toml must be a text, not 1."),
        ("[server]\nport = 1", "There is no setting server (from f.toml)."),
        ("port =", "The settings file f.toml is not TOML: "),
    ],
)
def test_a_file_that_is_not_understood_is_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        Settings.load({}, "f.toml")
    assert caught.value.detail.startswith(message)


@pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), (" off ", False), ("false", False)])
def test_words_for_true_and_false(text: str, value: bool) -> None:
    assert Settings.load({"TIDEGATE_INSECURE": text}).insecure is value


def test_every_default_is_a_legal_value() -> None:
    environ = {f"TIDEGATE_{item.name.upper()}": str(item.default) for item in settings_fields()}
    assert Settings.load(environ) == Settings()


def test_the_table_names_every_setting_with_its_default() -> None:
    rows = table_markdown().splitlines()[2:]
    assert len(rows) == len(settings_fields()) >= 20
    assert "| `port` | `TIDEGATE_PORT` | `5000` | port to listen on |" in rows
    assert all(row.count("|") == 5 for row in rows)
