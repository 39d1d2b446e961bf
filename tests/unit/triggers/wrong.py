"""Alerts and graphs that tests of alerting are made of: nodes are datasets ``a``, ``b``, ... of one namespace."""

from __future__ import annotations

from typing import Any

import networkx as nx

from triggers.alerts import Alert, Severity

MINUTE = 60_000_000
SEVEN = 1_795_330_800_000_000
"""2026-11-22T07:00:00Z."""


def clock(minutes: float) -> int:
    """Give the moment so many minutes after seven."""
    return SEVEN + int(minutes * MINUTE)


def late(name: str, since: float = 0, **other: Any) -> Alert:
    """Make the alert of a dataset that is late since some minutes after seven, and was good the day before."""
    given: dict[str, Any] = {"last_good": clock(-1440), "severity": Severity.WARNING} | other
    return Alert("due", "dataset", "w", name, starts=clock(since), **given)


def node(name: str) -> str:
    return f"dataset:w:{name}"


def flows(*edges: str) -> nx.DiGraph[str]:
    """Make a graph of ``a>b`` and ``a>b>c``."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for edge in edges:
        nx.add_path(graph, [node(name) for name in edge.split(">")])
    return graph
