"""All rules together, as the engine follows them; ``triggers.documents`` makes them of what people write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from triggers.conditions import Trigger
from triggers.maintenance import Maintenance
from triggers.model import Expectation
from triggers.routing import Policy

NOBODY = "nobody"
"""The receiver of those whom no rule names: a place where nothing is sent."""

NO_POLICY = Policy(routes=(), default=NOBODY)


@dataclass(frozen=True, slots=True)
class Target:
    """Somewhere to send to. ``options`` are as the rule file has them: secrets as ``env:NAME`` or ``file:PATH``."""

    id: str
    kind: str
    """One of ``triggers.action_options.KINDS``, or the name of an entry point."""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What is expected, who hears of it when it is not so, and when nobody does; and what starts when it is there."""

    expectations: Mapping[str, Expectation] = field(default_factory=dict)
    """By id."""
    targets: Mapping[str, Target] = field(default_factory=dict)
    """By id."""
    windows: Sequence[Maintenance] = ()
    policy: Policy = NO_POLICY
    timezone: str = "UTC"
    """Of what is written for people."""
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    """By id."""
