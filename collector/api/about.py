"""What the server is, what it is set to, and how its parts are doing."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any, Final

from sqlalchemy import Connection

from collector.api import admin_shapes as shapes
from collector.api.access import require_admin
from collector.api.alias_shapes import NoQuery
from collector.api.gauges import seconds_since
from collector.api.native import Native
from collector.api.services import reading, services
from collector.redaction import without_passwords
from collector.settings import in_force
from collector.storage import gauges, sizes
from collector.storage.event_reads import inbox_lag
from collector.storage.leases import is_gone
from collector.storage.migrate import current_of, head
from collector.times import now_us

blueprint = Native(
    "about", "What the server is, and what it is set to. Needs the scope `admin`, for all namespaces."
)

SENDER: Final = "dispatcher"
"""It holds no lease: any number of processes may send at once."""

REQUIREMENT: Final = re.compile(r"[\w.-]+")


@blueprint.get("/settings", shapes.SettingsInForce, query=NoQuery)
def get_settings(_query: dict[str, Any]) -> object:
    """List the settings of this process, and where each comes from."""
    require_admin()
    return {"items": in_force(services().settings)}


@blueprint.get("/about", shapes.About, query=NoQuery)
def get_about(_query: dict[str, Any]) -> object:
    """Tell what the server is made of, how large its database is, and who works on it."""
    require_admin()
    with reading() as conn:
        return {"versions": _versions(), "database": _database(conn), "loops": _loops(conn)}


def _versions() -> dict[str, object]:
    needed = (each for each in requires("tidegate") or () if "extra ==" not in each)
    names = sorted(name[0] for each in needed if (name := REQUIREMENT.match(each)))
    return {
        "tidegate": version("tidegate"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": [{"name": each, "version": found} for each in names if (found := _installed(each))],
    }


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None  # not needed with this version of Python


def _database(conn: Connection) -> dict[str, object]:
    found = conn.dialect.server_version_info or ()
    return {
        "kind": conn.dialect.name,
        "version": ".".join(map(str, found)),
        "url": without_passwords(services().settings.database),
        "bytes": sizes.size(conn),
        "revision": current_of(conn),
        "needed": head(),
        "tables": sizes.rows(conn),
    }


def _loops(conn: Connection) -> list[dict[str, object]]:
    now = now_us()
    inbox, engine = inbox_lag(conn), gauges.read(conn)
    held = {each.name: each for each in sizes.holders(conn)}
    todo = {
        "projector": (inbox.size, inbox.oldest_received_at),
        "engine": (engine.facts, engine.oldest_fact),
        SENDER: (engine.outbox.get("pending", 0), engine.oldest_outgoing),
    }
    found: list[dict[str, object]] = []
    for name, (waiting, oldest) in todo.items():
        lease = held.get(name)
        found.append(
            {
                "name": name,
                "holder": lease and lease.holder,
                "until": lease and lease.expires_at,
                "active": lease is not None and lease.expires_at > now and not is_gone(lease.holder),
                "waiting": waiting,
                "lag": seconds_since(oldest),
            }
        )
    return found
