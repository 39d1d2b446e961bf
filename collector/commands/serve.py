"""``tidegate serve``: the server."""

from __future__ import annotations

import click

from collector.commands.terminal import with_settings
from collector.settings import Settings


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option(
    "--insecure", is_flag=True, default=None, help="Listen on any address although there are no API keys."
)
@click.option("--rules", metavar="DIR", help="Folder of rule files (*.yaml, *.yml) to follow as they change.")
@with_settings
def command(
    settings: Settings, host: str | None, port: int | None, insecure: bool | None, rules: str | None
) -> None:
    """Collect events over HTTP and answer questions about them, until stopped by SIGINT or SIGTERM."""
    from collector.serve import serve

    serve(settings.override(host=host, port=port, insecure=insecure, rules=rules))
