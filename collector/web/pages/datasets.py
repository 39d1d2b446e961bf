"""Datasets: the list, and the page of one."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response

from collector.api import alerts, datasets, freshness
from collector.web import columns, entities
from collector.web.asking import ask, parameters, twin
from collector.web.entry import Page
from collector.web.rendering import page

blueprint = Page("datasets")

MOST_RESULTS = 500
"""Results of checks that are shown, those of some days."""


@blueprint.get("/datasets")
def index() -> tuple[str, HTTPStatus]:
    """List datasets."""
    return entities.listing("catalog/datasets.html", datasets.list_datasets)


@blueprint.get("/dataset")
def show() -> str:
    """Show one dataset."""
    asked = parameters(datasets.get_dataset)
    dataset = ask(datasets.get_dataset, asked)
    versions = ask(datasets.list_schemas, asked)
    updates = ask(datasets.list_updates, asked)
    results = ask(datasets.list_assertions, asked | {"limit": entities.at_most(MOST_RESULTS)})
    return page(
        "catalog/dataset.html",
        dataset=dataset,
        named=asked,
        node=f"dataset:{dataset['namespace']}:{dataset['name']}",
        facets=entities.folded(dataset["facets"]),
        told=entities.told(dataset["facets"]),
        standings=ask(freshness.list_freshness, asked | {"history": 30})["items"],
        alerts=ask(alerts.list_alerts, {"node": f"dataset:{dataset['namespace']}:{dataset['name']}"})[
            "items"
        ],
        updates=updates,
        rows=entities.rows_over_time(updates["items"]),
        columns=columns.columns_of(dataset, versions, columns.sources_of(dataset)),
        versions=versions,
        checks=entities.checks(results["items"]),
        twin=twin(datasets.get_dataset, asked),
        twins={
            "updates": twin(datasets.list_updates, asked),
            "schemas": twin(datasets.list_schemas, asked),
            "assertions": twin(datasets.list_assertions, asked),
        },
    )


@blueprint.get("/dataset/facet")
def facet() -> Response:
    """Give one facet of a dataset as a file."""
    return entities.download(ask(datasets.get_dataset, parameters(datasets.get_dataset))["facets"])
