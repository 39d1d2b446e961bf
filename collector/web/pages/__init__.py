"""The pages, a module each."""

from __future__ import annotations

from typing import Final

from collector.web.entry import Page
from collector.web.pages import (
    alerts,
    datasets,
    deliveries,
    docs,
    events,
    firings,
    freshness,
    jobs,
    lineage,
    login,
    overview,
    rejected,
    runs,
    search,
    settings,
    silences,
    stitching,
    triggers,
)

PAGES: Final[tuple[Page, ...]] = tuple(
    each.blueprint
    for each in (
        alerts,
        datasets,
        deliveries,
        docs,
        events,
        firings,
        freshness,
        jobs,
        lineage,
        login,
        overview,
        rejected,
        runs,
        search,
        settings,
        silences,
        stitching,
        triggers,
    )
)
"""All of them."""
