"""Jobs: the list, and one in detail."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec

from collector.api import cursors, detail_shapes, parameters, shapes
from collector.api.access import visible
from collector.api.addresses import addresses
from collector.api.encoding import stored
from collector.api.names import MOST_EDGES, named_page
from collector.api.native import Native
from collector.api.services import reading
from collector.storage import catalog, runs
from collector.storage.edge_reads import job_edges
from collector.storage.facet_reads import FacetVersion, current_facets
from collector.storage.job_reads import count_children, of_parent, parent_of
from collector.storage.node_facts import Owner, newest_runs, owners_in, tools
from collector.storage.run_origins import starters, waiting_for, written_by
from collector.storage.trigger_reads import TriggerState, states_of
from lineage.facets import mapping
from lineage.model import Direction

blueprint = Native("jobs", "Jobs: what they read and write, and how their last runs went.")

MOST_CHILDREN = 1000


@blueprint.get("/jobs", shapes.Jobs, query=parameters.JobsQuery)
def list_jobs(query: dict[str, Any]) -> object:
    """List jobs.

    Namespace by namespace, in each by name.
    """
    with reading() as conn:
        seen = visible(conn)
        only = (of_parent(query["parent_namespace"], query["parent_name"]),) if "parent_name" in query else ()
        page = named_page(conn, "job", query, seen, only)
        ids = [item.id for item in page.items]
        last, known = newest_runs(conn, ids, seen), tools(conn, ids)
    return cursors.answer(
        page.map(
            lambda item: {
                "namespace": item.namespace,
                "name": item.name,
                "tool": known.get(item.id),
                "last_run": last.get(item.id),
            }
        )
    )


@blueprint.get("/job", detail_shapes.JobDetail, query=parameters.NameQuery, missing=True)
def get_job(query: dict[str, Any]) -> object:
    """Give all about one job."""
    with reading() as conn:
        seen = visible(conn)
        found = catalog.find_named(conn, "job", query["namespace"], query["name"], visible=seen)
        last = runs.last_run_ids(conn, [found.id])
        now = job_edges(conn, found.id, visible=seen, limit=MOST_EDGES + 1, open_only=True)
        ever = job_edges(conn, found.id, visible=seen, limit=MOST_EDGES + 1, open_only=False)
        facets = current_facets(conn, found.id)
        bodies = stored(facets)
        awaiting = waiting_for(conn, written_by(conn, found.id))
        starting = starters(conn, found.id)
        states = states_of(conn, awaiting | starting, seen)
        children = {"parent_namespace": found.namespace, "parent_name": found.name}
        return {
            "namespace": found.namespace,
            "name": found.name,
            "tool": tools(conn, [found.id]).get(found.id),
            "last_run": next(iter(runs.runs_by_id(conn, last.values(), seen).values()), None),
            "facets": bodies,
            "links": addresses(bodies),
            "owners": owners_of(facets),
            "parent": parent_of(conn, found.id, visible=seen),
            "children": {
                "count": count_children(conn, found.id, visible=seen, limit=MOST_CHILDREN),
                "url": f"/api/v2/jobs?{urlencode(children)}",
            },
            "inputs": [edge for edge in now[:MOST_EDGES] if edge.direction is Direction.INPUT],
            "outputs": [edge for edge in now[:MOST_EDGES] if edge.direction is Direction.OUTPUT],
            "versions": ever[:MOST_EDGES],
            "complete": len(now) <= MOST_EDGES and len(ever) <= MOST_EDGES,
            "awaited_by": marks(states, awaiting),
            "started_by": marks(states, starting),
        }


def owners_of(facets: dict[str, FacetVersion]) -> list[Owner]:
    """Read the owners from the facets of a job or dataset."""
    told = facets.get("ownership")
    return owners_in(mapping(msgspec.json.decode(told.body))) if told else []


def marks(states: dict[str, TriggerState], ids: set[str]) -> list[dict[str, str]]:
    """Give those of some triggers of which the state is known, as ``detail_shapes.TriggerMark`` has them."""
    return [{"id": id_, "state": state.value} for id_, state in states.items() if id_ in ids]
