"""The commands over real databases."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from collector.cli import COMMANDS, main
from collector.storage import inbox, migrate, tables
from collector.storage.engine import Database
from collector.storage.event_log import NewEvent, append
from collector.storage.tables import event, job, parked

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "fixtures" / "events"

Tidegate = Callable[..., Result]


@pytest.fixture
def tidegate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tidegate:
    """Run the command in an empty folder; exceptions that it does not expect come through."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, text: bytes | None = None) -> Result:
        return CliRunner().invoke(main, [str(item) for item in arguments], input=text, catch_exceptions=False)

    return run


def job_event(name: str) -> bytes:
    return json.dumps({"eventTime": "2026-11-22T05:00:00Z", "job": {"namespace": "n", "name": name}}).encode()


def count(url: str, table: object) -> int:
    database = Database(url)
    with database.read() as conn:
        number = conn.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]
    database.close()
    return int(number)


def test_ingest_takes_files_and_shows_them_in_the_catalog(tidegate: Tidegate, database_url: str) -> None:
    files = sorted((FIXTURES / "dbt").glob("*.jsonl"))
    result = tidegate("ingest", *files, "-d", database_url)
    assert result.exit_code == 0
    accepted, duplicates, refused = result.stdout.splitlines()[1].split()
    assert int(accepted) > 100
    assert (duplicates, refused) == ("0", "0")
    assert count(database_url, tables.inbox) == 0
    assert count(database_url, job) > 5
    result = tidegate("ingest", FIXTURES / "dbt", "-d", database_url)
    assert result.stdout.splitlines()[1].split() == ["0", accepted, "0"]


def test_refused_events_are_named_kept_and_tried_again(tidegate: Tidegate, database_url: str) -> None:
    lines = job_event("a") + b'\n{"eventTime": "never", "job": {"namespace": "n", "name": "b"}}\nrubbish\n'
    result = tidegate("ingest", "-", "-d", database_url, text=lines)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[1].split() == ["1", "0", "2"]
    assert "-:2: $.eventTime: must be an ISO 8601 date-time, not 'never'" in result.stderr
    assert "-:3: $: " in result.stderr

    listed = tidegate("rejected", "list", "-d", database_url)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["id", "2", "1"]
    assert "1 more" in tidegate("rejected", "list", "--limit", 1, "-d", database_url).stderr
    shown = tidegate("rejected", "show", 2, "-d", database_url)
    assert shown.stdout == "rubbish\n"
    assert shown.stderr.startswith("$: ")
    assert tidegate("rejected", "show", 3, "-d", database_url).exit_code == 1

    again = tidegate("rejected", "reprocess", "-d", database_url)
    assert again.exit_code == 1
    assert again.stdout.splitlines()[1].split() == ["0", "0", "2"]
    assert tidegate("rejected", "reprocess", 7, "-d", database_url).exit_code == 1


def test_without_waiting_the_events_stay_in_the_queue(tidegate: Tidegate, database_url: str) -> None:
    assert tidegate("ingest", "-", "--no-wait", "-d", database_url, text=job_event("a")).exit_code == 0
    assert count(database_url, tables.inbox) == 1


def test_ingest_waits_for_the_server_that_projects(tidegate: Tidegate, database_url: str) -> None:
    """Its lease is not renewed, so at last the command takes over; that takes as long as a lease."""
    from collector.ingest.projector import LEASE
    from collector.storage.leases import Lease
    from collector.times import now_us

    database = Database(database_url)
    assert Lease(database, LEASE, "a server", ttl_us=1_500_000).acquire(now_us())
    database.close()
    result = tidegate("ingest", "-", "-d", database_url, text=job_event("a"))
    assert result.exit_code == 0
    assert "A running server projects the events" in result.stderr
    assert count(database_url, tables.inbox) == 0


def test_parked_events_are_listed_and_tried_again(tidegate: Tidegate, database_url: str) -> None:
    assert tidegate("parked", "list", "-d", database_url).stderr == "Nothing is parked.\n"
    database = Database(database_url)
    with database.write() as conn:
        # Not what compression.pack makes: it cannot be read.
        append(database, conn, [NewEvent("job", None, 1, 1, None, 1, b"h" * 16, 2, b"", None)])
    with database.write() as conn:
        ids = conn.execute(select(event.c.id)).scalars().all()
        inbox.park(conn, {ids[0]: "ValueError: bad"}, 1_000_000)
    database.close()
    listed = tidegate("parked", "list", "-d", database_url).stdout.splitlines()
    assert listed[1].split() == [str(ids[0]), "1970-01-01T00:00:01Z", "job", "ValueError:", "bad"]
    again = tidegate("parked", "reprocess", "--no-wait", "-d", database_url)
    assert (again.exit_code, again.stdout) == (0, "1 put back into the queue\n")
    assert count(database_url, parked) == 0


def test_rebuild_changes_what_is_wrong_and_nothing_else(tidegate: Tidegate, database_url: str) -> None:
    assert tidegate("ingest", FIXTURES / "dlt", "-d", database_url).exit_code == 0
    rebuilt = tidegate("rebuild", "-d", database_url)
    assert (rebuilt.exit_code, rebuilt.stdout) == (0, "")
    assert "; 0 rows had to be changed" in rebuilt.stderr
    database = Database(database_url)
    with database.write() as conn:
        conn.execute(tables.namespace.update().values(name="wrong"))
    database.close()
    assert "; 0 rows" not in tidegate("rebuild", "-d", database_url).stderr
    assert "; 0 rows" in tidegate("rebuild", "-d", database_url).stderr


def test_lineage_as_tree_and_as_json(tidegate: Tidegate, database_url: str) -> None:
    assert tidegate("ingest", FIXTURES / "dbt", "-d", database_url).exit_code == 0
    node = "dataset:postgres://127.0.0.1:15432:shop.analytics_marts.fct_orders"
    tree = tidegate("lineage", node, "-d", database_url).stdout.splitlines()
    assert tree[0] == "dataset postgres://127.0.0.1:15432:shop.analytics_marts.fct_orders"
    assert any("stg_orders" in line for line in tree[1:])
    assert any("raw" in line for line in tree[1:])
    answer = json.loads(tidegate("lineage", node, "--format", "json", "-d", database_url).stdout)
    assert {item["id"] for item in answer["nodes"]} >= {node}
    missing = tidegate("lineage", "dataset:no:thing", "-d", database_url)
    assert missing.exit_code == 1
    assert missing.stderr.startswith("Error: ")


def test_keys_are_made_listed_and_revoked(tidegate: Tidegate, database_url: str) -> None:
    assert "There are no keys" in tidegate("keys", "list", "-d", database_url).stderr
    made = tidegate(
        "keys", "create", "--name", "the [b] key", "--scope", "ingest", "--scope", "read",
        "--namespace", "postgres://*", "-d", database_url,
    )  # fmt: skip
    key = made.stdout.strip()
    assert made.stdout == key + "\n"
    prefix = key.split("_")[1]
    listed = tidegate("keys", "list", "-d", database_url).stdout
    assert key not in listed
    assert f"{prefix}  the [b] key  ingest, read  postgres://*" in listed
    assert tidegate("keys", "revoke", "nosuch", "-d", database_url).exit_code == 1
    revoked = tidegate("keys", "revoke", key, "-d", database_url)
    assert revoked.exit_code == 0
    assert "nobody gets in" in revoked.stderr


def test_the_database_is_upgraded_checked_and_downgraded(tidegate: Tidegate, blank_database_url: str) -> None:
    def db(*arguments: str) -> Result:
        return tidegate("db", *arguments, "-d", blank_database_url)

    assert db("current").stdout == "none\n"
    assert db("check").exit_code == 1
    assert db("upgrade").exit_code == 0
    assert db("current").stdout == f"{migrate.head()}\n"
    assert db("check").exit_code == 0
    assert db("downgrade", "base").exit_code == 1  # nobody says yes
    assert db("current").stdout == f"{migrate.head()}\n"
    assert db("downgrade", "base", "--yes").exit_code == 0
    assert db("current").stdout == "none\n"
    assert db("downgrade", "no-such", "--yes").exit_code == 2


def test_sqlite_is_migrated_unasked_and_postgresql_is_not(
    tidegate: Tidegate, blank_database_url: str
) -> None:
    result = tidegate("ingest", "-", "-d", blank_database_url, text=job_event("a"))
    if blank_database_url.startswith("sqlite"):
        assert result.exit_code == 0
    else:
        assert result.exit_code == 2
        assert "has no tables of Tidegate" in result.stderr
        assert "tidegate db upgrade" in result.stderr


def test_only_commands_that_write_make_a_file(tidegate: Tidegate, tmp_path: Path) -> None:
    for arguments in (["keys", "list"], ["rejected", "list"], ["parked", "list"], ["rebuild"]):
        result = tidegate(*arguments)
        assert result.exit_code == 2
        assert "There is no database file tidegate.db here" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "postgresql://127.0.0.1:1/nowhere",
            "Error: The database cannot be reached; try again in a second. (connection",
        ),
        ("sqlite:///note.txt", "Error: The database file is not one of SQLite's. (file is not a database)"),
        ("sqlite:///folder", "Error: The database file cannot be opened. (unable to open database file)"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line(
    tidegate: Tidegate, tmp_path: Path, url: str, message: str
) -> None:
    (tmp_path / "note.txt").write_text("Dear diary\n" * 100)
    (tmp_path / "folder").mkdir()
    for arguments in (["keys", "list"], ["ingest", "-"], ["db", "upgrade"], ["db", "current"]):
        result = tidegate(*arguments, "-d", url)
        assert result.exit_code == 1
        assert result.stderr.startswith(message)
        assert result.stderr.count("\n") == 1


def test_config_prints_values_with_their_source_and_no_password(
    tidegate: Tidegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my.toml").write_text("port = 7")
    monkeypatch.setenv("TIDEGATE_PROJECTOR", "no")
    result = tidegate("--config", "my.toml", "config", "-d", "postgres://u:secret@h/d")
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert rows["port"] == ["7", "file"]
    assert rows["projector"] == ["false", "environment"]
    assert rows["database"] == ["postgres://u:***@h/d", "option"]
    assert rows["host"] == ["127.0.0.1", "default"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["config", "-d", "mysql://h/d"], "Databases of type 'mysql' are not supported"),
        (["--config", "none.toml", "config"], "The settings file none.toml cannot be read"),
        (["serve", "--port", "x"], "Invalid value for '--port'"),
        (["nonsense"], "No such command 'nonsense'"),
        (["keys", "create", "--name", "n"], "Missing option '--scope'"),
    ],
)
def test_what_the_user_got_wrong_is_status_2(tidegate: Tidegate, arguments: list[str], message: str) -> None:
    result = tidegate(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_missing_file_is_status_1_and_makes_no_database(tidegate: Tidegate, tmp_path: Path) -> None:
    result = tidegate("ingest", "no-such-file")
    assert (result.exit_code, result.stderr) == (1, "Error: There is no file no-such-file.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(tidegate: Tidegate, name: str) -> None:
    assert name in tidegate("--help").stdout
    assert tidegate(name, "--help").exit_code == 0


WITHOUT_DATABASE = {"rules schema"}
"""Commands that tell of the program alone."""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_a_database(name: str) -> None:
    context = click.Context(main)
    found = main.get_command(context, name)
    assert found is not None
    leaves = list(found.commands.values()) if isinstance(found, click.Group) else [found]
    for leaf in leaves:
        if f"{name} {leaf.name}" in WITHOUT_DATABASE:
            continue
        assert "--database" in [option for parameter in leaf.params for option in parameter.opts]


def test_serve_finds_the_metrics_not_yet_imported() -> None:
    """They decide at their import whether they count for one process or for several."""
    program = (
        "import sys, collector.cli, collector.commands.serve; sys.exit('prometheus_client' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_as_a_process(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "collector.cli", "ingest", "-"],
        input=job_event("a") + b"\n" + job_event("a"),
        capture_output=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.split() == [b"accepted", b"duplicates", b"refused", b"1", b"1", b"0"]
    assert count(f"sqlite:///{tmp_path}/tidegate.db", event) == 1


def test_a_large_file_is_projected_while_it_is_read(
    tidegate: Tidegate, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.commands.ingest.LARGE_INPUT", 0)
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(job_event(f"job{number}") for number in range(2_000)))
    result = tidegate("ingest", file, "-d", database_url)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (count(database_url, tables.inbox), count(database_url, tables.job)) == (0, 2_000)
