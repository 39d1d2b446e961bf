"""What a receiver is told, in words and as data: one message a notification, the same for every kind of receiver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """One alert as a message shows it; times in µs UTC."""

    fingerprint: str
    rule: str
    node: str
    """``dataset:NAMESPACE:NAME`` or ``job:NAMESPACE:NAME``."""
    namespace: str
    name: str
    severity: str
    starts: int
    ends: int | None
    text: str
    """What is wrong, in a sentence."""
    explanation: str | None = None
    """Why, as far as the graph tells."""
    cause: str | None = None
    """The node at which it began; None: here."""
    path: tuple[str, ...] = ()
    """The nodes from the cause to this one, both included; empty where it began here."""
    affects: int = 0
    """How many other alerts it explains."""
    owner: str | None = None
    tags: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What one receiver is told at one time about one group of alerts."""

    id: str
    """The same whoever decides it: receivers tell by it what they have got already."""
    group: str
    """What the receiver knows the group by (PagerDuty's ``dedup_key``), 32 characters."""
    receiver: str
    at: int
    """µs UTC."""
    status: str
    """``firing``, or ``resolved`` if nothing of the group fires any more."""
    reason: str
    """first, new_firing, new_resolved, all_resolved, repeat."""
    severity: str
    """The gravest of what fires; of what did, if it is over."""
    digest: bool
    title: str
    """One line."""
    text: str
    """Some lines, without markup."""
    alerts: tuple[Item, ...] = ()
    """What fires, the gravest first."""
    resolved: tuple[Item, ...] = ()

    def data(self) -> dict[str, Any]:
        """Give it as JSON has it; sequences are lists."""
        own = {name: getattr(self, name) for name in self.__slots__}
        return own | {
            "alerts": [_data(item) for item in self.alerts],
            "resolved": [_data(item) for item in self.resolved],
        }

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Message:
        """Read what ``data`` gave."""
        items = {name: tuple(map(_item, data[name])) for name in ("alerts", "resolved")}
        return cls(**{**data, **items})


def _data(item: Item) -> dict[str, Any]:
    own: dict[str, Any] = {name: getattr(item, name) for name in item.__slots__}
    return own | {
        "path": list(item.path),
        "tags": list(item.tags),
        "labels": [list(each) for each in item.labels],
    }


def _item(data: Mapping[str, Any]) -> Item:
    labels = tuple((name, value) for name, value in data["labels"])
    return Item(**{**data, "path": tuple(data["path"]), "tags": tuple(data["tags"]), "labels": labels})
