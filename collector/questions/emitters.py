"""Which tools send events, as far as some of their events tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from collector.storage.intake import Sampled
from lineage.facets import mapping


@dataclass(frozen=True, slots=True)
class Emitter:
    """A tool that sends events; instants (of receipt, µs UTC) and shares are those of the sample."""

    tool: str
    producer: str | None
    """Of the newest of its events."""
    first_at: int
    last_at: int
    share: float
    """Of the events, from 0 to 1."""
    version: str | None


class _Sent(msgspec.Struct):
    producer: Any = None
    job: Any = None


@dataclass(slots=True)
class _Heard:
    first: int
    last: int
    number: int
    producer: str | None


def emitters(sampled: Iterable[Sampled]) -> list[Emitter]:
    """Give the tools that sent events of a sample, those of which an event came last first."""
    heard: dict[str, _Heard] = {}
    total = 0
    for each in sampled:
        try:
            sent = msgspec.json.decode(each.body, type=_Sent)
        except msgspec.DecodeError:
            continue
        producer = sent.producer if isinstance(sent.producer, str) else None
        job_type = mapping(mapping(mapping(sent.job).get("facets")).get("jobType"))
        tool = tool_of(producer, job_type.get("integration"))
        known = heard.setdefault(tool, _Heard(each.received_at, each.received_at, 0, producer))
        known.last, known.producer = each.received_at, producer
        known.number += each.spread
        total += each.spread
    found = [
        Emitter(
            tool, each.producer, each.first, each.last, each.number / max(total, 1), version_in(each.producer)
        )
        for tool, each in heard.items()
    ]
    return sorted(found, key=lambda each: (-each.last_at, each.tool))


def tool_of(producer: str | None, integration: object) -> str:
    """Name the tool that made an event: as its job type says, else as the URL of the producer does.

    ``…/OpenLineage/tree/1.54.0/integration/dbt`` is dbt, ``…/client/python`` the Python client, any other repository
    is what it is called.
    """
    if isinstance(integration, str) and integration.strip():
        return integration.strip().lower()
    if not producer:
        return "unknown"
    try:
        parts = urlsplit(producer)
    except ValueError:
        return producer
    path = [part for part in parts.path.split("/") if part]
    for word, suffix in (("integration", ""), ("client", " client")):
        if word in path[:-1]:
            return path[path.index(word) + 1].lower() + suffix
    if parts.netloc.endswith("github.com") and len(path) > 1:
        return path[1].lower()
    return parts.netloc or producer


def version_in(producer: str | None) -> str | None:
    """Give the version that the URL of a producer names, if it does."""
    path = (producer or "").split("/")
    found = path[path.index("tree") + 1 :] if "tree" in path[:-1] else []
    return next((part for part in found if part[:1].isdigit()), None)
