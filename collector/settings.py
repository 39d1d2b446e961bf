"""The settings: one list, each with its name, type, default and meaning; the README's table is made from it.

A value comes from the command line, else the environment (``TIDEGATE_PORT``), else a TOML file
(``port = 5000``), else the default. Names that do not exist are refused: a misspelt limit would be no limit.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from collector.errors import ConfigurationError
from collector.redaction import without_passwords

PREFIX: Final = "TIDEGATE_"
CONFIG: Final = "TIDEGATE_CONFIG"
"""Names the TOML file; without it, ``tidegate.toml`` in the working directory is read if it is there."""

OTHERS: Final = frozenset(
    {CONFIG, *(f"{PREFIX}{name}" for name in ("FIRING", "TRIGGER", "KEY", "IDEMPOTENCY_KEY", "ATTEMPT"))}
)
"""Variables with our prefix that are no settings: commands that triggers run are told by them what fired."""

WORDS: Final = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(
    ("false", "0", "no", "off"), False
)


def setting(
    default: object,
    help_: str,
    *,
    choices: tuple[str, ...] = (),
    least: float | None = None,
    empty: bool = False,
) -> Any:
    """Describe one setting. ``least`` is the smallest number allowed; ``empty``: an empty text is allowed."""
    about = {"help": help_, "choices": choices, "least": least, "empty": empty or default == ""}
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class Settings:
    """All settings. Build with ``Settings.load``, in tests with ``Settings(port=0)``."""

    database: str = setting(
        "sqlite:///tidegate.db", "`sqlite:///FILE` (relative to the working directory) or `postgresql://…`"
    )
    host: str = setting("127.0.0.1", "address to listen on; any other than loopback needs API keys")
    port: int = setting(5000, "port to listen on", least=0)
    insecure: bool = setting(False, "listen on any address although there are no API keys")
    ack: str = setting(
        "durable",
        "answer when an event is on disk (`durable`) or when the read API shows it (`projected`)",
        choices=("durable", "projected"),
    )
    ack_timeout: float = setting(5.0, "seconds to wait for `projected` before answering anyway", least=0)
    max_body_bytes: int = setting(32 * 1024 * 1024, "largest request body, after decompression", least=1)
    max_batch_events: int = setting(10_000, "most events in one request", least=1)
    queue_limit: int = setting(10_000, "events waiting to be written before new ones get 503", least=1)
    http_workers: int = setting(
        1, "processes that serve HTTP; more than one makes sense on PostgreSQL", least=1
    )
    request_threads: int = setting(8, "threads in each of them for everything but ingest", least=1)
    max_page: int = setting(1000, "most items on one page of a listing", least=1)
    max_depth: int = setting(100, "deepest lineage question", least=1)
    max_nodes: int = setting(5000, "most nodes in a lineage answer; more are cut off and it says so", least=1)
    query_timeout: float = setting(10.0, "seconds that one question to the database may take", least=0.001)
    session_hours: float = setting(
        168.0, "hours after which whoever logged in on the pages must do so again", least=0.01
    )
    projector: bool = setting(True, "run the projector here; `false` if another server does")
    project_batch: int = setting(
        250,
        "events projected in one transaction, four times as many when catching up; on SQLite new events "
        "wait for it, some 40 µs an event",
        least=1,
    )
    engine: bool = setting(
        True, "run the engine here, which judges freshness; `false` if another server does"
    )
    dispatcher: bool = setting(True, "send notifications from here; `false` if another server does")
    rules: str = setting("", "folder of rule files (`*.yaml`), followed as they change; empty: none")
    settle: float = setting(
        60.0,
        "seconds after a start in which nobody is told that something has not come: emitters catch up",
        least=0,
    )
    lag_alert: float = setting(
        300.0, "seconds that the oldest event may wait before the engine says that it cannot see", least=1
    )
    evaluation_days: int = setting(
        30, "days for which evaluations, ended alerts and deliveries are kept", least=1
    )
    outbound_timeout: float = setting(
        15.0, "seconds that a receiver of notifications gets to answer", least=0.001
    )
    outbound_connections: int = setting(
        8,
        "things under way to one receiver at once whose order does not matter, as what triggers do; "
        "notifications go one by one",
        least=1,
    )
    outbound_allow: str = setting(
        "",
        "hosts and networks, separated by commas, that notifications may go to although they are private: "
        "`chat.internal, 10.0.0.0/8`",
    )
    allow_commands: bool = setting(
        False,
        "run the commands that rules name, as the user of this server, with all that it may do; whoever may write "
        "rules may then do it too",
    )
    forward: str = setting(
        "",
        "other OpenLineage backends, separated by commas, that get the events of what triggers fired: "
        "`http://marquez:5000`; empty: none",
        empty=True,
    )
    secret_env: str = setting(
        "*",
        "environment variables, separated by commas, that rules may name as `env:NAME`; `*` and `?` stand for any "
        "letters, but names that begin with `TIDEGATE_`, `PG` or `OPENLINEAGE_` must be spelt out",
        empty=True,
    )
    secret_files: str = setting(
        "/run/secrets, /var/run/secrets, /etc/tidegate",
        "folders, separated by commas, of files that rules may name as `file:PATH`; links must not lead out of them",
        empty=True,
    )
    ready_max_lag: float = setting(
        300.0, "seconds that the oldest event may wait to be projected before `/readyz` says no", least=0
    )
    shutdown_timeout: float = setting(
        10.0, "seconds that requests get to finish when the server stops", least=0
    )
    log_format: str = setting(
        "console", "`console` for people, `json` for machines", choices=("console", "json")
    )
    log_level: str = setting(
        "info", "least severe log lines to write", choices=("debug", "info", "warning", "error")
    )

    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Where each value that is not a default came from: ``environment``, ``file`` or ``option``."""

    @classmethod
    def load(cls, environ: Mapping[str, str], toml_path: Path | str | None = None) -> Self:
        """Read the file, if any, and the environment; ``ConfigurationError`` for anything not understood.

        ``toml_path`` comes before ``TIDEGATE_CONFIG``; a file that either of them names must exist.
        """
        values: dict[str, Any] = {}
        sources: dict[str, str] = {}
        path = _config_path(environ, toml_path)
        for name, raw in (_read(path) if path else {}).items():
            values[name] = _coerce(_lookup(name, f"{path}"), raw, f"{name} in {path}")
            sources[name] = "file"
        for variable, text in environ.items():
            if variable.startswith(PREFIX) and variable not in OTHERS:
                name = variable.removeprefix(PREFIX).lower()
                known = _lookup(name, "the environment", PREFIX)
                values[name] = _coerce(known, text, variable)
                sources[name] = "environment"
        return cls(**values, sources=sources)

    def override(self, **options: object) -> Self:
        """Give a copy with the options of a command line; those that are None were not given."""
        given = {name: value for name, value in options.items() if value is not None}
        checked = {
            name: _coerce(_lookup(name, "the options"), value, f"--{name}") for name, value in given.items()
        }
        sources = {**self.sources, **dict.fromkeys(checked, "option")}
        return replace(self, **checked, sources=sources)

    def source(self, name: str) -> str:
        """Tell where the value came from: ``default``, ``file``, ``environment`` or ``option``."""
        return self.sources.get(name, "default")


class Shown(NamedTuple):
    """A setting in force, as people may see it: passwords in addresses are left out."""

    name: str
    value: str
    source: str
    help: str


def in_force(settings: Settings) -> list[Shown]:
    """List the settings in force, in the order of the documentation."""
    return [
        Shown(
            item.name,
            _written(getattr(settings, item.name)),
            settings.source(item.name),
            item.metadata["help"],
        )
        for item in settings_fields()
    ]


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else without_passwords(str(value))


def settings_fields() -> tuple[Field[Any], ...]:
    """List the settings in the order of the documentation."""
    return tuple(item for item in fields(Settings) if "help" in item.metadata)


def table_markdown() -> str:
    """Write the table of all settings for the README."""
    lines = ["| Setting | Environment | Default | Meaning |", "|---|---|---|---|"]
    for item in settings_fields():
        default = _written(item.default)
        meaning = item.metadata["help"].replace("|", "\\|")
        lines.append(f"| `{item.name}` | `{PREFIX}{item.name.upper()}` | `{default}` | {meaning} |")
    return "\n".join(lines) + "\n"


def _config_path(environ: Mapping[str, str], given: Path | str | None) -> Path | None:
    if named := given or environ.get(CONFIG):
        return Path(named)
    usual = Path("tidegate.toml")
    return usual if usual.exists() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"The settings file {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The settings file {path} is not TOML: {error}.") from error


def _lookup(name: str, where: str, prefix: str = "") -> Field[Any]:
    known = {item.name: item for item in settings_fields()}
    if name in known:
        return known[name]
    spelt = f"{prefix}{name.upper()}" if prefix else name
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {prefix}{near[0].upper() if prefix else near[0]}?" if near else "."
    raise ConfigurationError(f"There is no setting {spelt} (from {where}){hint}")


def _coerce(item: Field[Any], raw: object, where: str) -> Any:
    value = "" if raw == "" and item.metadata["empty"] else _typed(type(item.default), raw)
    if value is None:
        kind = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}[
            type(item.default)
        ]
        raise ConfigurationError(f"{where} must be {kind}, not {raw!r}.")
    choices, least = item.metadata["choices"], item.metadata["least"]
    if choices and value not in choices:
        raise ConfigurationError(f"{where} must be {' or '.join(choices)}, not {raw!r}.")
    if least is not None and value < least:
        raise ConfigurationError(f"{where} must be at least {least}, not {raw!r}.")
    return value


def _typed(kind: type, raw: object) -> Any:
    """Read a text or a TOML value as ``kind``; None if it is not one."""
    if kind is bool:
        return raw if isinstance(raw, bool) else WORDS.get(str(raw).strip().lower())
    if kind is str:
        return raw if isinstance(raw, str) and raw else None
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    try:
        number = kind(raw)
    except (ValueError, OverflowError):
        return None
    exact = isinstance(raw, str) or number == raw
    return number if exact and math.isfinite(number) else None
