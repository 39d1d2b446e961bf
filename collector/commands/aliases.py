"""``tidegate aliases``: the rules by which names are one dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from collector.api.alias_shapes import AliasDocument
from collector.api.documents import read_document, read_text, write_document
from collector.commands.terminal import note, opened, out, print_table, with_settings
from collector.commands.waiting import follow_rules
from collector.settings import Settings
from collector.storage import aliases
from collector.storage.alias_plan import SetChange, plan
from lineage.identity import rule_of

FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group()
def command() -> None:
    """Say by rules which names are one dataset.

    The rules are a YAML document with the keys version (1) and rules, a list. Each rule is one of

    \b
      exact:  {namespace, name, to_namespace, to_name}
      prefix: {namespace, name, to_namespace, to_name}   the beginning of names; name "" is all
      regex:  {namespace, name, to_namespace, to_name}   full matches, and templates with \\1 or \\g<word>
      host:   {names: [localhost, db.internal], to: 127.0.0.1}

    and may have a reason beside it, for people.
    """


@command.command()
@FILE
@click.option("--no-wait", is_flag=True, help="Do not wait until the catalog follows.")
@with_settings
def apply(settings: Settings, file: Path, no_wait: bool) -> None:
    """Put the rules of FILE in place of those there are."""
    rules = _rules(file)
    with opened(settings, create=True) as database:
        with database.write() as conn:
            revision = aliases.replace(conn, rules)
            database.notify(conn)
        if not no_wait:
            follow_rules(database, settings, revision)
    out().print(f"{_counted(len(rules), 'rule')} {'written' if no_wait else 'applied'}")


@command.command(name="plan")
@FILE
@with_settings
def plan_(settings: Settings, file: Path) -> None:
    """Show which datasets would become one, or part, with the rules of FILE. Nothing is changed."""
    rules = _rules(file)
    with opened(settings) as database, database.read() as conn:
        found = plan(conn, rules)
    print_table(("names", "rule"), [(item.names, item.rule) for item in found.matched])
    rows = [*_rows("merge", found.merges), *_rows("split", found.splits)]
    if rows:
        out().print()
        print_table(("change", "dataset", "from or into"), rows)
    left = found.merge_count + found.split_count - len(found.merges) - len(found.splits)
    note().print(
        f"{_counted(found.merge_count, 'merge')}, {_counted(found.split_count, 'split')}"
        + (f", of which {left} are not shown" if left else "")
    )


@command.command(name="list")
@with_settings
def list_(settings: Settings) -> None:
    """List the rules."""
    with opened(settings) as database, database.read() as conn:
        bodies, state = aliases.bodies(conn), aliases.state(conn)
    if not bodies:
        note().print("There are no rules.")
        return
    print_table(("rule", "reason"), [(str(rule_of(body)), body.get("reason")) for body in bodies])
    if state.applied != state.wanted:
        note().print("The catalog does not follow them yet.", style="yellow")


@command.command()
@with_settings
def export(settings: Settings) -> None:
    """Print the rules as a document that apply takes."""
    with opened(settings) as database, database.read() as conn:
        document = {"version": 1, "rules": aliases.bodies(conn)}
    click.echo(write_document(document), nl=False)


def _rules(file: Path) -> list[aliases.Body]:
    rules: list[aliases.Body] = read_document(read_text(file), AliasDocument(), str(file))["rules"]
    return rules


def _rows(word: str, changes: Sequence[SetChange]) -> Iterator[tuple[str, str, str]]:
    """Give the lines of changed datasets: the one, and beside it those that become it or that it becomes."""
    for change in changes:
        others = [f"{ref.namespace}:{ref.name}" for ref in change.others]
        if change.count > len(others):
            others.append(f"… and {change.count - len(others)} more")
        yield word, f"{change.dataset.namespace}:{change.dataset.name}", others[0]
        yield from (("", "", other) for other in others[1:])


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
