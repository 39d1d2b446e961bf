"""Rule files of a team that watches its tables, and a server that follows them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.hook import SECRETS, Hook
from tests.acceptance.server import Server
from tests.events import NAMESPACE

SETTINGS: Mapping[str, object] = {"outbound_allow": "127.0.0.1", "settle": 0}


def expectation(name: str, **condition: Any) -> dict[str, Any]:
    """Expect something of one dataset; the rule has its name."""
    return {"id": name, "dataset": {"namespace": NAMESPACE, "name": name}, **condition}


def rows(name: str) -> dict[str, Any]:
    """Expect that each update of a dataset brings rows."""
    return expectation(name, metric={"field": "outputStatistics.rowCount", "min": 1})


def write(folder: Path, name: str, document: object) -> None:
    """Write a rule file as editors do: beside, then in its place."""
    draft = folder / f".{name}.draft"
    draft.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    os.replace(draft, folder / name)


def expect(folder: Path, *expectations: dict[str, Any]) -> None:
    """Write the file of the expectations."""
    write(folder, "expectations.yaml", {"version": 1, "expectations": list(expectations)})


def tell(folder: Path, hook: Hook) -> None:
    """Write the file that says who hears of it: one receiver, at once, each dataset by itself."""
    target = {"kind": "webhook", "url": hook.url, "secrets": [f"env:{name}" for name in SECRETS]}
    alerting = {
        "group_by": ["name"],
        "group_wait": "0s",
        "group_interval": "1s",
        "routes": [{"to": ["hook"]}],
    }
    write(folder, "alerting.yaml", {"version": 1, "targets": {"hook": target}, "alerting": alerting})


@contextmanager
def secrets() -> Iterator[None]:
    """Have the secrets of the hook in the environment, which servers inherit."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        yield


@contextmanager
def servers(database_url: str, folder: Path, number: int = 1, **settings: object) -> Iterator[list[Server]]:
    """Make servers that follow a folder of rules, and end those that still run at the end of the block."""
    wanted: dict[str, Any] = {**SETTINGS, **settings}
    made = [Server(database_url, rules=folder, **wanted) for _ in range(number)]
    try:
        with secrets():
            yield made
        for server in made:
            assert "Traceback" not in server.output, server.output
    finally:
        for server in made:
            server.close()
