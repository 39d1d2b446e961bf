"""How datasets of a list stand at worst."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, exists, select

from collector.storage.standing_reads import WORST_FIRST
from collector.storage.tables import alert, dataset, expectation_state
from collector.storage.upsert import among
from triggers.verdict import State


class Worst(NamedTuple):
    """How a dataset stands at worst; ``affected``: something else explains that."""

    state: State
    affected: bool

    @property
    def rank(self) -> tuple[int, bool]:
        return WORST_FIRST.index(self.state), self.affected


def worst_states(conn: Connection, dataset_ids: Collection[int]) -> dict[int, Worst]:
    """Tell how each of these datasets stands at worst, whatever its name, of those of which something is expected."""
    state = expectation_state.c
    explained = exists().where(
        alert.c.subject_id == state.dataset_id,
        alert.c.type == "dataset",
        alert.c.rule == state.expectation_id,
        alert.c.ends_at.is_(None),
        alert.c.cause.is_not(None),
    )
    told = (
        select(dataset.c.id, state.state, explained.label("affected"))
        .join_from(dataset, expectation_state, state.dataset_id == dataset.c.canonical_id)
        .where(among(conn, dataset.c.id, dataset_ids))
    )
    found: dict[int, Worst] = {}
    for id_, name, affected in conn.execute(told):
        worst = Worst(State(name), State(name).violated and bool(affected))
        found[id_] = min(worst, found.get(id_, worst), key=lambda each: each.rank)
    return found
