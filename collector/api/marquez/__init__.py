"""The HTTP API of Marquez, so that its web UI and its clients work with this server unchanged.

Shapes, texts of errors and conventions are Marquez's (0.51); where it is wrong about the state of a run, of a job or
of a dataset, the answer is the right one in its shape. GraphQL and the beta search are not there and answer 404.
"""

from __future__ import annotations

from flask import Flask

from collector.api.marquez import (
    column_lineage,
    datasets,
    declaring,
    events,
    jobs,
    lineage,
    namespaces,
    run_lineage,
    run_states,
    runs,
    search,
    sources,
    stats,
    tags,
)
from collector.api.marquez.dispatch import make_blueprint
from collector.api.marquez.routing import Routes

PARTS: tuple[Routes, ...] = (
    column_lineage.routes,
    datasets.routes,
    declaring.routes,
    events.routes,
    jobs.routes,
    lineage.routes,
    namespaces.routes,
    run_lineage.routes,
    run_states.routes,
    runs.routes,
    search.routes,
    sources.routes,
    stats.routes,
    tags.routes,
)
"""The parts of the API, each the ``routes`` of its module."""


def register(app: Flask) -> None:
    """Add the API to the application. Its paths take what no other route does, and all of them after the others."""
    app.register_blueprint(make_blueprint(app, PARTS))
