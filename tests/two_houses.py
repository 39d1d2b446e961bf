"""Two houses whose data flow into each other: names of one, and all that is about it, hold a word that tells."""

from __future__ import annotations

from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import select, update

from collector.storage import tables
from collector.storage.compression import pack, unpack
from collector.storage.engine import Database
from collector.times import iso, now_us
from tests.events import HOUR, MINUTE, Json, run_event
from tests.stand import Stand

SECRET: Final = "hush"
"""Occurs in every name and text of the other house, and nowhere else."""

OWN: Final = "open-house"
OTHER: Final = f"{SECRET}-house"

RUN: Final = "019aaa00-0000-7000-8000-000000000001"
"""Of ``build``, which reads what the other house makes."""

RULES: Final = f"""
version: 1
targets:
  pager: {{kind: webhook, url: "http://127.0.0.1:9/{SECRET}"}}
calendars:
  {SECRET}-days: {{weekend: [sat, sun]}}
expectations:
  - id: fresh
    dataset: {{name: "*"}}
    max_age: 20m
  - id: {SECRET}-sla
    dataset: {{namespace: {OTHER}, name: "{SECRET}.m*"}}
    max_age: 25m
triggers:
  - id: both
    when: {{all: [{{id: mine, dataset: {{namespace: {OWN}, name: source}}}},
                 {{id: {SECRET}-input, dataset: {{namespace: {OTHER}, name: {SECRET}.made}}}}]}}
    join: {{mode: latched, expire: 1d}}
    do: [{{start: pager}}]
  - id: {SECRET}-trigger
    when: {{id: {SECRET}-only, dataset: {{namespace: {OTHER}, name: {SECRET}.made}}}}
    do: [{{start: pager}}]
alerting:
  group_wait: 0s
  routes: [{{to: [pager]}}]
"""


def own(name: str, **facets: Any) -> Json:
    """Give an entry of inputs or outputs of the own house."""
    return {"namespace": OWN, "name": name, "facets": facets}


def other(name: str, **facets: Any) -> Json:
    """Give one of the other house."""
    return {"namespace": OTHER, "name": f"{SECRET}.{name}", "facets": facets}


def fill(database: Database) -> None:
    """Let both work for two hours until now, with all that goes wrong; then forget what bodies of events say.

    What the own house sent itself it may read, and there it names what it reads. All else must not tell of it.
    """
    now = now_us()
    stand = Stand(database, iso(now - 2 * HOUR))
    stand.apply(RULES)
    owned = {
        "ownership": {"owners": [{"name": f"team:{SECRET}"}]},
        "tags": {"tags": [{"key": f"{SECRET}-tag"}]},
    }
    dag = f"{SECRET}-dag"
    for minute in (0, 15, 30):
        stand.until(now - 2 * HOUR + minute * MINUTE)
        query = {"sql": {"query": "select 1"}}
        _runs(stand, "fill", OWN, outputs=[own("source")])
        _runs(stand, f"{SECRET}-make", OTHER, outputs=[other("made", **owned)], job_facets=owned)
        lineage = {
            "fields": {"sum": {"inputFields": [{**_name(other("made")), "field": f"{SECRET}_column"}]}}
        }
        schema = {"fields": [{"name": "sum", "type": "int"}]}
        parent = {
            "run": {"runId": _id(dag, stand.now)},
            "job": {"namespace": OTHER, "name": dag},
        }
        _runs(stand, dag, OTHER)
        _runs(
            stand,
            "build",
            OWN,
            [own("source"), other("made")],
            [own("mart", columnLineage=lineage, schema=schema)],
            run_id=RUN if minute == 30 else None,
            run_facets={"parent": parent},
            job_facets=query,
        )
        child = (
            {"parent": {"run": {"runId": RUN}, "job": {"namespace": OWN, "name": "build"}}}
            if minute == 30
            else None
        )
        parts: Json = {"job_facets": owned, "run_facets": child}
        _runs(stand, f"{SECRET}-report", OTHER, [own("mart")], [other("report")], **parts)
        linked = {"symlinks": {"identifiers": [{**_name(other("link")), "type": "TABLE"}]}}
        _runs(stand, "link", OWN, outputs=[own("linked", **linked)])
        _runs(stand, f"{SECRET}-view", OTHER, [own("linked")], [other("view")])
        stand.rest()
    stand.until(now - 60 * MINUTE)
    error = {"errorMessage": {"message": f"{SECRET} disk full", "programmingLanguage": "PYTHON"}}
    _runs(stand, f"{SECRET}-make", OTHER, outputs=[other("made")], state="FAIL", run_facets=error)
    stand.rest()
    # What the own house makes itself comes, so that only the other can be to blame for its mart.
    stand.until(now - 10 * MINUTE)
    _runs(stand, "fill", OWN, outputs=[own("source")])
    stand.rest()
    stand.until(now)
    _forget(database)


def _runs(
    stand: Stand,
    job: str,
    namespace: str,
    inputs: list[Json] | None = None,
    outputs: list[Json] | None = None,
    *,
    state: str = "COMPLETE",
    run_id: str | None = None,
    **parts: Any,
) -> None:
    run_id = run_id or _id(job, stand.now)
    parts["producer"] = f"https://github.com/{namespace}/{namespace}-tool"
    stand.take_in(
        run_event(kind, at, job, run_id, inputs or (), outputs or (), namespace=namespace, **parts)
        for kind, at in (("START", stand.now - MINUTE), (state, stand.now))
    )


def _id(job: str, now: int) -> str:
    return str(uuid5(NAMESPACE_OID, f"{job}{now}"))


def _name(entry: Json) -> Json:
    return {name: entry[name] for name in ("namespace", "name")}


def _forget(database: Database) -> None:
    with database.write() as conn:
        for row in conn.execute(select(tables.event.c.id, tables.event.c.body)).all():
            body = unpack(row.body)
            if f'"namespace":"{OWN}"'.encode() in body.replace(b" ", b""):
                changed = pack(body.replace(SECRET.encode(), b"____"))
                conn.execute(update(tables.event).where(tables.event.c.id == row.id).values(body=changed))
        for row in conn.execute(select(tables.facet_body)).all():
            body = unpack(row.body)
            if b"inputFields" in body or b"identifiers" in body:
                changed = pack(body.replace(SECRET.encode(), b"____"))
                conn.execute(
                    update(tables.facet_body).where(tables.facet_body.c.hash == row.hash).values(body=changed)
                )
