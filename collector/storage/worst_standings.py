"""How datasets of a list stand at worst."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from collector.storage.standing_reads import WORST_FIRST
from collector.storage.tables import dataset, expectation_state
from collector.storage.upsert import among
from triggers.verdict import State


def worst_states(conn: Connection, dataset_ids: Collection[int]) -> dict[int, State]:
    """Tell how each of these datasets stands at worst, whatever its name, of those of which something is expected."""
    found: dict[int, State] = {}
    told = (
        select(dataset.c.id, expectation_state.c.state)
        .join_from(dataset, expectation_state, expectation_state.c.dataset_id == dataset.c.canonical_id)
        .where(among(conn, dataset.c.id, dataset_ids))
    )
    for id_, state in conn.execute(told):
        found[id_] = min(State(state), found.get(id_, State.FRESH), key=WORST_FIRST.index)
    return found
