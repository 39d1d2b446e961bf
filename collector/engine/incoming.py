"""What has come for triggers: new updates of the datasets of their inputs, and under which keys they are joined."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from collector.engine.trigger_bindings import Binding
from collector.storage import arrivals
from collector.storage.arrivals import Come
from collector.storage.facts import Told
from collector.storage.joins import Key
from triggers.arrivals import Arrived, keys_of
from triggers.conditions import Mode, Trigger


@dataclass(slots=True)
class Read:
    """What one round takes in."""

    taken: list[Come] = field(default_factory=list)
    by_key: dict[Key, list[Arrived]] = field(default_factory=lambda: defaultdict(list))
    """For each join, in the order of its coming."""
    unkeyed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """By trigger: how many did not say which partition they wrote."""


class Incoming:
    """Reads what has come."""

    def __init__(self) -> None:
        self._ever = False

    def read(
        self,
        conn: Connection,
        told: Told,
        triggers: Mapping[str, Trigger],
        coming: Mapping[int, Collection[Binding]],
        recognised: Callable[[bytes], Sequence[str]],
    ) -> Read:
        """Read the new updates that are told of; ``recognised`` is as ``arrivals.chains`` takes it.

        ``coming`` are bindings that are about to be made, by name.
        """
        found = Read()
        bound = arrivals.bound(conn, {name_id for name_id, _, _ in told.updates})
        for name_id, new in coming.items():
            both = {*bound.get(name_id, ()), *((each.trigger_id, each.input_id) for each in new)}
            if both:
                bound[name_id] = sorted(both)
        found.taken = arrivals.come(conn, [each for each in told.updates if each[0] in bound])
        if not found.taken:
            return found
        # Before any trigger has fired, none has led to anything.
        self._ever = self._ever or arrivals.any_fired(conn)
        chains = arrivals.chains(conn, found.taken, recognised) if self._ever else {}
        for each in found.taken:
            for trigger_id, input_id in bound[each.update.dataset_id]:
                trigger = triggers.get(trigger_id)
                wanted = trigger.inputs.get(input_id) if trigger else None
                if trigger is None or wanted is None:
                    continue
                if each.again and trigger.join.mode is not Mode.PARTITION:
                    continue
                keys = keys_of(trigger, wanted, each.update, each.name, each.update.received_at)
                if not keys:
                    found.unkeyed[trigger_id] += 1
                for key, parts in keys.items():
                    arrived = _arrived(each, input_id, parts, chains.get(each.run_key, ()))
                    found.by_key[trigger_id, key].append(arrived)
        return found


def _arrived(come: Come, input_id: str, parts: tuple[str, ...], chain: tuple[str, ...]) -> Arrived:
    update = come.update
    return Arrived(
        input_id, f"{come.id:016x}", update.received_at, come.dataset_id, come.namespace, come.name, come.run_id,
        come.job_namespace, come.job_name, update.event_time, update.nominal_at, update.partition, update.version,
        update.rows, come.news, parts, chain,
    )  # fmt: skip
