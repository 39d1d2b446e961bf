"""Leases: which process is the active one of its kind, until when."""

from __future__ import annotations

import os
import secrets
import socket
from functools import lru_cache

import structlog
from sqlalchemy import Connection, Dialect, bindparam, delete, or_, select

from collector.errors import DatabaseUnavailable
from collector.storage.engine import Database
from collector.storage.prepared import Prepared
from collector.storage.tables import lease
from collector.storage.upsert import names, replace, write_rows
from collector.times import now_us

log = structlog.get_logger(__name__)


class Lease:
    """One holder's claim to one name. Whoever holds it renews well before ``ttl_us`` microseconds have
    passed.

    A holder whose process dies is followed by another after that time. Times are ``now`` of the caller's
    clock: the machines of one installation must agree on it to within a fraction of the lease.
    """

    def __init__(self, database: Database, name: str, holder: str, ttl_us: int) -> None:
        self._database = database
        self.name = name
        self.holder = holder
        self.ttl_us = ttl_us

    def acquire(self, now: int) -> bool:
        """Take the lease if it is free, has run out, or is ours already; tell whether it is ours now."""
        mine = {"holder": self.holder, "expires_at": now + self.ttl_us}
        with self._database.write() as conn:
            taken = conn.execute(
                lease.update()
                .where(
                    lease.c.name == self.name, or_(lease.c.holder == self.holder, lease.c.expires_at <= now)
                )
                .values(mine)
            )
            if taken.rowcount:
                return True
            # Two that find no row both insert; the key lets one through, and the other reads who it was.
            write_rows(conn, lease, tuple(lease.c.keys()), [(self.name, *mine.values())])
            holder = conn.execute(select(lease.c.holder).where(lease.c.name == self.name)).scalar()
            return holder == self.holder

    def renew(self, now: int) -> bool:
        """Extend the lease; False if somebody else has it by now: stop at once."""
        with self._database.write() as conn:
            return self.extend(conn, now)

    def extend(self, conn: Connection, now: int) -> bool:
        """Renew within the holder's own writing transaction; False if somebody else has the lease by now.

        The row stays locked until the transaction ends, so what the holder writes in it, it writes as the
        holder.
        """
        mine = {"lease": self.name, "mine": self.holder, "until": now + self.ttl_us}
        return bool(_extend(conn.dialect).run(conn, mine).rowcount)

    def seize(self, now: int) -> None:
        """Take the lease from whoever holds it, whose next transaction then finds out and is given up."""
        with self._database.write() as conn:
            write_rows(
                conn, lease, names(lease), [(self.name, self.holder, now + self.ttl_us)], replace(lease)
            )

    def release(self) -> None:
        """Give the lease up, so that the next need not wait. Nothing happens if it is not ours."""
        with self._database.write() as conn:
            conn.execute(delete(lease).where(lease.c.name == self.name, lease.c.holder == self.holder))


@lru_cache
def _extend(dialect: Dialect) -> Prepared:
    # Loops do it in each of their transactions.
    mine = lease.update().where(lease.c.name == bindparam("lease"), lease.c.holder == bindparam("mine"))
    return Prepared(mine.values(expires_at=bindparam("until")), dialect)


class LeaseLost(Exception):
    """Somebody else has taken over."""


class Turn:
    """A loop's turn at what only one may do at a time: it takes the lease when that is free, and keeps it.

    After ``take`` whatever the holder has in memory may be old: somebody else may have written in between.
    """

    def __init__(self, database: Database, name: str, holder: str, ttl_us: int) -> None:
        self._database = database
        self._lease = Lease(database, name, holder, ttl_us)
        self._kept_at = 0

    def take(self) -> bool:
        """Take the turn if it is free; tell whether it is ours."""
        self._kept_at = now_us()
        # A standby is woken by every commit of the active one, and should not write at each.
        holder = holder_of(self._database, self._lease.name, self._kept_at)
        if holder is not None and holder != self._lease.holder:
            if not is_gone(holder):
                return False
            self._lease.seize(self._kept_at)
        return self._lease.acquire(self._kept_at)

    def keep(self, conn: Connection) -> int:
        """Renew the lease in the holder's own writing transaction; give the time (µs UTC).

        Raises:
            LeaseLost: somebody else has it.
        """
        self._kept_at = now_us()
        if not self._lease.extend(conn, self._kept_at):
            raise LeaseLost
        return self._kept_at

    def keep_idle(self) -> None:
        """Renew the lease while there is nothing to do; raises ``LeaseLost``."""
        # Each renewal is a write to the disk, which an idle server should not do all the time.
        if now_us() - self._kept_at > self._lease.ttl_us / 3:
            with self._database.write() as conn:
                self.keep(conn)

    def release(self) -> None:
        """Give the turn up, so that the next need not wait."""
        try:
            self._lease.release()
        except DatabaseUnavailable:
            log.warning("lease not released", lease=self._lease.name, seconds=self._lease.ttl_us / 1e6)


def holder() -> str:
    """Name this process, for leases: where it runs, and a random part."""
    return f"{_host()}:{os.getpid()}:{secrets.token_hex(4)}"


def is_gone(other: str) -> bool:
    """Tell whether a holder is a process of this machine that does not exist any more.

    Nobody need wait for its lease to run out, as after a crash and a restart. Of another machine's processes nothing
    is known. Should a namesake of this machine be meant, two take turns in vain, but neither writes without the lease.
    """
    host, _, rest = other.partition(":")
    pid = rest.partition(":")[0]
    if host != _host() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _host() -> str:
    return socket.gethostname()[:32]


def holder_of(database: Database, name: str, now: int) -> str | None:
    """Tell who holds the lease; None if nobody does."""
    with database.read() as conn:
        found = conn.execute(select(lease.c.holder).where(lease.c.name == name, lease.c.expires_at > now))
        return found.scalar()
