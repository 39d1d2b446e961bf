"""``tidegate rules``: what is expected of datasets, who hears of it when it is not so, and what data start."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from collector.api.rule_documents import json_schema, read_rules, write_rules
from collector.commands.rule_questions import FILES, plan_, print_remarks, replay_, suggest
from collector.commands.terminal import note, opened, out, with_settings
from collector.errors import ConfigurationError
from collector.outbound.secrets import Secrets
from collector.questions.remarks import Remark
from collector.questions.rule_check import check as check_history
from collector.settings import Settings
from collector.storage import rules
from collector.times import now_us
from triggers.documents import Row, ruleset_of

COUNTED = ("expectation", "trigger", "target", "window")


@click.group()
def command() -> None:
    """Say what is expected of datasets, who hears of it when it is not so, and what starts once they are there.

    The rules are YAML documents with the keys version (1), timezone, calendars, targets, expectations, triggers,
    windows and alerting. Several files, or the files of folders (*.yaml, *.yml), are read as one: ids are those of all
    of them, calendars and the time zone a file's own. `tidegate rules schema` describes them for editors. The least
    that does something:

    \b
      version: 1
      targets:
        chat: {kind: apprise, url: "env:CHAT_URL"}
      expectations:
        - id: orders-are-fresh
          dataset: {namespace: "postgres://shop:5432", name: shop.public.orders}
          max_age: 2h
      alerting:
        routes:
          - to: chat

    What the server notifies of is sent by the server: CHAT_URL is an environment variable of its own.
    """


@command.command()
@FILES
@with_settings
def check(settings: Settings, files: tuple[Path, ...]) -> None:
    """Read rules, and say what is wrong with them; also by what was recorded, if there is a database.

    Exits with 1 if something can never work; warnings and notes are for people.
    """
    report(settings, read_rules(files, Secrets.of(settings)))


@command.command()
@FILES
@with_settings
def apply(settings: Settings, files: tuple[Path, ...]) -> None:
    """Put the rules of all these files in place of those there are: all, or none if one is wrong.

    Rules that stay as they were keep their state.
    """
    rows = read_rules(files, Secrets.of(settings))
    with opened(settings, create=True) as database, database.write() as conn:
        before = rules.state(conn).wanted
        revision = rules.replace(conn, rows, now_us())
        database.notify(conn)
    out().print(f"{told(rows)} {'applied' if revision != before else 'as they were'}")
    if rows and not any(row.body.get("routes") for row in rows if row.kind == "alerting"):
        note().print("There are no routes under alerting: alerts are shown, and nobody is told of them.")


@command.command()
@with_settings
def export(settings: Settings) -> None:
    """Print the rules in force as one file that apply takes."""
    with opened(settings) as database, database.read() as conn:
        rows = rules.bodies(conn)
    if not rows:
        note().print("There are no rules.")
    click.echo(write_rules(rows), nl=False)


@command.command()
def schema() -> None:
    """Print the JSON Schema of rule files, for editors."""
    click.echo(json.dumps(json_schema(), indent=2))


for each in (plan_, replay_, suggest):
    command.add_command(each)


def report(settings: Settings, rows: Sequence[Row]) -> None:
    """Say what there is to say of rules that can be read."""
    remarks: list[Remark] = []
    try:
        with opened(settings) as database, database.read() as conn:
            remarks = check_history(conn, ruleset_of(rows), now_us())
    except ConfigurationError as error:
        note().print(f"Not held against history: {error.detail}", style="dim")
    print_remarks(remarks)
    counts = Counter(remark.severity for remark in remarks)
    found = [f"{number} {word}{'' if number == 1 else 's'}" for word, number in counts.items()]
    out().print(f"{told(rows)}: {', '.join(found) or 'nothing is wrong'}")
    if counts["error"]:
        raise SystemExit(1)


def told(rows: Iterable[Row]) -> str:
    """Say how many rules of which kind there are."""
    counts = Counter(row.kind for row in rows)
    parts = [f"{counts[kind]} {kind}{'' if counts[kind] == 1 else 's'}" for kind in COUNTED if counts[kind]]
    return ", ".join(parts) or "no rules"
