"""What rules say of other rules: names of nothing, and what those that are named cannot do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from triggers import action_options, trigger_documents
from triggers.action_options import KINDS
from triggers.alerting_documents import owner_targets, receivers
from triggers.documents import Row
from triggers.errors import Step
from triggers.parts import Body

Wrong = tuple[tuple[Step, ...], str]
"""A path in the body of a rule, and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to be named, also where something else is wrong with it."""

    targets: Mapping[str, str]
    """The kind of each."""
    expectations: Collection[str]

    def lost(self, row: Row) -> Iterator[Wrong]:
        """Give what is wrong with what a rule says of others."""
        if row.kind == "alerting":
            own = {target.id: target.kind for target in owner_targets(row.body)}
            for path, name in receivers(row.body):
                kind = own.get(name) or self.targets.get(name)
                if kind is None:
                    yield path, f"there is no target {name!r}"
                elif kind in KINDS and not KINDS[kind].messages:
                    yield path, f"the kind {kind} takes no messages"
        elif row.kind == "trigger":
            yield from self._lost_of_trigger(row)

    def _lost_of_trigger(self, row: Row) -> Iterator[Wrong]:
        for path, name in trigger_documents.receivers(row.body):
            kind = self.targets.get(name)
            if kind is None:
                yield path, f"there is no target {name!r}"
                continue
            *where, _ = path
            action: Body = row.body["do"][where[-1]] if where[0] == "do" else {"notify": name}
            yield from (((*where, *inner), why) for inner, why in action_options.faults(action, kind))
        for path, name in trigger_documents.expectations(row.body):
            if name not in self.expectations:
                yield path, f"there is no expectation {name!r}"
