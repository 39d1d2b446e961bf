"""Search across everything."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Final

from flask import request

from collector.api import search
from collector.questions.search import KINDS
from collector.web.asking import ask, twin
from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("search")

OF_EACH: Final = 10
"""Of each kind that is shown; one more is asked for, to tell whether there are more."""

MOST: Final = 100
"""Of one kind, if that alone is asked for."""

LONGEST: Final = 2000
"""Letters of a text that is looked for; names are not longer."""

PAGES: Final = (
    ("web.overview.show", "Overview", "how everything stands, what failed, what is late"),
    ("web.freshness.show", "Freshness", "deadlines, late datasets, error budgets"),
    ("web.freshness.expectations", "Expectations", "what is expected of datasets"),
    ("web.lineage.show", "Lineage", "graph, upstream, downstream, columns"),
    ("web.triggers.index", "Triggers", "what waits for data, joins"),
    ("web.firings.index", "Firings", "what triggers started"),
    ("web.alerts.index", "Alerts", "causes, acknowledge"),
    ("web.silences.index", "Silences", "mute alerts"),
    ("web.deliveries.index", "Deliveries", "notifications sent, targets, receivers"),
    ("web.datasets.index", "Datasets", "catalog, tables"),
    ("web.jobs.index", "Jobs", "catalog, tasks, models"),
    ("web.runs.index", "Runs", "states, durations"),
    ("web.events.index", "Events", "log, live tail, raw"),
    ("web.rejected.index", "Rejected", "refused events, reprocess"),
    ("web.rejected.parked", "Parked", "events that could not be read, reprocess"),
    ("web.stitching.show", "Stitching", "suggestions, names of one dataset, aliases"),
    ("web.stitching.rules", "Alias rules", "names of one dataset, yaml"),
    ("web.settings.show", "Settings", "configuration, environment"),
    ("web.settings.server", "Server", "database, size, versions, libraries, leases, lag, projector, engine"),
    ("web.settings.list_keys", "API keys", "login, scopes, revoke, token"),
    ("web.settings.in_force", "Rules in force", "yaml, expectations, triggers, targets, revision"),
    ("web.docs.show", "API", "documentation, openapi, json"),
)
"""Endpoint, name, and other words for it."""


@blueprint.get("/search")
def show() -> str:
    """Show what was found, by kind; ``type`` narrows it to one."""
    q = request.args.get("q", "").strip()[:LONGEST]
    only = request.args.get("type")
    if not q:
        return page("search.html", q=q, only=None, groups=[], pages=[], complete=True)
    kinds = [only] if only in KINDS else list(KINDS)
    shown = MOST if only in KINDS else OF_EACH
    asked: dict[str, Any] = {"q": q, "types": kinds, "limit": str(shown + 1)}
    found = ask(search.search, asked)
    # Stable: in each kind the best still come first.
    items = sorted(found["items"], key=lambda item: kinds.index(item["type"]))
    groups = [(kind, list(group)) for kind, group in groupby(items, lambda item: str(item["type"]))]
    # The kind of the best one first.
    groups.sort(key=lambda group: found["items"].index(group[1][0]))
    return page(
        "search.html",
        q=q,
        only=only if only in KINDS else None,
        groups=groups,
        shown=shown,
        pages=[] if only else [each for each in PAGES if _fits(q, each[1], each[2])],
        complete=found["complete"],
        twin=twin(search.search, asked),
    )


def _fits(q: str, name: str, words: str) -> bool:
    """Tell whether each word of the text begins one of a page's."""
    known = f"{name} {words}".lower().replace(",", "").split()
    return len(q) > 1 and all(any(word.startswith(part) for word in known) for part in q.lower().split())
