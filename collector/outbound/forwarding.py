"""Our own OpenLineage events, sent on to other backends that the setting ``forward`` names.

The events are those of the client of OpenLineage, as they are in our log. Its HTTP transport is not used to send them:
it connects by itself, to whatever address a name has then, follows redirects, takes proxies from the environment, tries
again by itself, and limits the time of each step instead of the whole. A backend that is away or full would hold up
those who send; here it is a receiver like others, with attempts, a delivery log, and dead letters.

A backend may be at a private address: the operator has named it, not a rule. Events of one run arrive in order.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

import httpx2

from collector.errors import ConfigurationError
from collector.outbound.guard import Forbidden, Guard
from collector.outbound.http import parse
from collector.outbound.sending import Context, Kind, Outcome, Parcel, Unusable, option, outcome_of
from collector.settings import Settings
from collector.storage.freshness_tables import RULE_ID
from collector.storage.targets import BACKEND, OPENLINEAGE
from triggers.rules import Target

PATH: Final = "/api/v1/lineage"
"""Where backends take events, beneath their address, as the client has it."""


def targets(settings: Settings) -> list[str]:
    """Give the ids of the receivers of our events; raises ``ConfigurationError`` for what is no address."""
    urls = filter(None, (part.strip() for part in settings.forward.split(",")))
    return list(dict.fromkeys(f"{BACKEND}{_address(url)}" for url in urls))


def target_of(target_id: str) -> Target:
    """Give the target that an id of ``targets`` stands for."""
    return Target(target_id, OPENLINEAGE, {"url": target_id.removeprefix(BACKEND)})


def send(target: Target, parcel: Parcel, context: Context) -> Outcome:
    """Post an event."""
    if parcel.kind is not Kind.EVENT:
        raise Unusable(f"Target {target.id} takes events only.")
    url = option(target, "url")
    # Connections that are kept are under the guard of all others.
    guard = Guard(context.guard.hosts | {parse(url).host.rstrip(".").lower()}, context.guard.networks)
    http = replace(context.http, guard=guard, kept=None)
    content = json.dumps(parcel.body, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"content-type": "application/json"}
    return outcome_of(http.request("POST", url + PATH, headers=headers, content=content), parcel.at)


def _address(url: str) -> str:
    try:
        found: httpx2.URL = parse(url)
    except Forbidden as error:
        raise ConfigurationError("forward: an address is no URL of http or https.") from error
    if found.userinfo or found.query or found.fragment:
        # Addresses are ids of receivers, which everybody may see.
        raise ConfigurationError("forward: an address has no user, no password, no query and no fragment.")
    address = url.rstrip("/").removesuffix(PATH)
    if len(BACKEND + address) > RULE_ID:
        raise ConfigurationError(f"forward: an address has {RULE_ID - len(BACKEND)} characters at most.")
    return address
