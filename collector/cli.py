"""The command ``tidegate``. Commands are imported when called: most need only a part of the program.

Exit status: 0 done; 1 it failed, or something was refused; 2 the command line or the settings are wrong.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Final

import click

from collector import garbage
from collector.errors import ConfigurationError, DatabaseUnavailable, TidegateError

# Here, before any command is imported, and in each process that is spawned.
garbage.look_seldom()

COMMANDS: Final = {
    "serve": "Collect events over HTTP and answer questions about them.",
    "demo": "Show all of it at work, on a made-up shop.",
    "ingest": "Write the events of files to the log.",
    "lineage": "Show where data comes from and goes to.",
    "impact": "Show who is affected by a change.",
    "root-cause": "Show what may be the cause that a dataset or job is bad.",
    "paths": "Show the ways from one node to another.",
    "spof": "Show single points of failure.",
    "cycles": "Show which datasets are made of each other.",
    "orphans": "Show datasets that are never written, or never read.",
    "changes": "Show what has changed upstream since a time.",
    "diff": "Show what came and went between two times.",
    "freshness": "Show which datasets are late, due or fresh.",
    "why": "Show why a dataset is late, or what a trigger waits for.",
    "expectations": "Show what is expected of datasets, and what was decided when.",
    "triggers": "Show what triggers wait for and fired; fire, pause and resume them.",
    "alerts": "Show and acknowledge what is wrong.",
    "silences": "Say what nobody need be told for a while.",
    "aliases": "Say which names are one dataset.",
    "stitch": "Suggest which names are one dataset.",
    "rules": "Say what is expected of datasets, and who hears of it.",
    "slo": "Show which share of the deadlines was met.",
    "deliveries": "List, show, try again and cancel what is sent to targets.",
    "targets": "List, test and enable those who are told what is wrong.",
    "export": "Write the whole graph for other programs.",
    "rejected": "List, show and try again what was refused.",
    "parked": "List and try again what could not be projected.",
    "rebuild": "Derive the catalog and the graph anew from the log.",
    "keys": "Create, list and revoke API keys.",
    "db": "Upgrade, check and downgrade the database.",
    "config": "Print the settings and where each comes from.",
}
"""Each is ``command`` in the module of that name in ``collector.commands``, with its line in the help."""


class Commands(click.Group):
    """Finds commands by name without importing the others, and turns our errors into a line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"collector.commands.{cmd_name.replace('-', '_')}").command
        assert isinstance(found, click.Command)  # noqa: S101  # for the type checker
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TidegateError as error:
            raise (Misuse if isinstance(error, ConfigurationError) else Failure)(error) from error


class Failure(click.ClickException):
    """An expected error, for the terminal: status 1."""

    def __init__(self, error: TidegateError) -> None:
        lines = [error.detail, *(f"{item.path}: {item.reason}" for item in error.errors)]
        if isinstance(error, DatabaseUnavailable) and error.__cause__:
            # A server must not tell strangers where its database is; here the operator asks.
            said = getattr(error.__cause__, "orig", None) or error.__cause__
            lines[0] += f" ({str(said).strip().splitlines()[0]})"
        super().__init__("\n  ".join(lines))


class Misuse(Failure):
    """An error in the settings."""

    exit_code = 2


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings in TOML, instead of TIDEGATE_CONFIG or ./tidegate.toml.",
)
@click.version_option(package_name="tidegate", prog_name="tidegate")
def main(config: Path | None) -> None:
    """Tidegate collects OpenLineage events from any tool and keeps one picture of jobs, datasets and runs."""


if __name__ == "__main__":
    main()
