"""Following the rules by which names are one dataset: for new names at once, for those there are when rules change."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy import Connection

from collector.storage import aliases
from collector.storage.engine import Database
from collector.storage.identity import Identity, changes_by_rules, write_rule_changes
from collector.times import now_us

log = structlog.get_logger(__name__)


class RuleFollower:
    """Keeps the ``identity`` of a projection, and what it has written, in step with the rules of ``database``."""

    def __init__(self, database: Database, identity: Identity) -> None:
        self._database = database
        self._identity = identity
        self._revision: int | None = None

    def forget(self) -> None:
        """Somebody else may have followed other rules since."""
        self._revision = None

    def is_behind(self, conn: Connection) -> bool:
        """Tell whether the rules have changed."""
        return aliases.state(conn).wanted != self._revision

    def catch_up(self, keep: Callable[[Connection], object]) -> None:
        """Read the rules, and apply them to the names that are stored, as far as that has not been done.

        In transactions of a fraction of a second, of each of which ``keep`` is a part; whoever stops on the way starts
        anew. Between two of them the sets are those of the rules old and new, never anything else.
        """
        with self._database.read() as conn:
            state, rules = aliases.state(conn), aliases.rules(conn)
        self._identity.rules = rules
        if state.applied != state.wanted:
            self._apply(keep)
            with self._database.write() as conn:
                keep(conn)
                aliases.mark_applied(conn, state.wanted)
                self._database.notify(conn)
            log.debug("alias rules applied", revision=state.wanted)
        self._revision = state.wanted

    def _apply(self, keep: Callable[[Connection], object]) -> None:
        # Pairs that are taken back must not be taken for written.
        self._identity.forget()
        last = -1
        while True:
            with self._database.read() as conn:
                changes = changes_by_rules(conn, self._identity.rules, last)
            if changes is None:
                return
            with self._database.write() as conn:
                keep(conn)
                write_rule_changes(conn, changes, now_us())
            last = changes.last
