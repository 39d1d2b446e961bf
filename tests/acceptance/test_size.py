"""Large events, and bodies that only pretend to be small."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.acceptance.connection import SINGLE, Connection
from tests.acceptance.processes import peak_memory
from tests.acceptance.server import Server
from tests.events import run_event

MEGABYTE = 1024 * 1024
BOMBS = 4

AFFORDABLE = 120 * MEGABYTE
"""Two bodies of 32 MB may be decompressed at a time, and each is held in pieces."""


def spark_event(run: str, size: int) -> dict[str, object]:
    """Make an event with the plan of a large query, as Spark sends it, of some bytes of JSON."""
    leaf = {"class": "org.apache.spark.sql.catalyst.expressions.AttributeReference", "num-children": 0}
    one = len(json.dumps({**leaf, "name": "column_000000"})) + 2
    plan = [{**leaf, "name": f"column_{number:06}"} for number in range(size // one)]
    facets = {"spark.logicalPlan": {"_producer": "https://example.org", "_schemaURL": "x", "plan": plan}}
    return run_event("COMPLETE", job="big", run=run, inputs=["a"], outputs=["b"], run_facets=facets)


def test_an_event_of_23_mb_is_recorded_and_shown(shared_server: Server, connection: Connection) -> None:
    run = "01980000-0000-7000-8000-0000000b1600"
    body = json.dumps(spark_event(run, 23 * MEGABYTE)).encode()
    assert len(body) > 22 * MEGABYTE
    reply = connection.post(body, headers={"Prefer": "wait=30"})
    assert reply.status == 201, reply
    shared_server.await_projected()
    assert connection.look("/run", run_id=run)["state"] == "COMPLETE"
    (stored,) = connection.every("/events", run_id=run)
    assert stored["size"] == len(body)
    again = connection.post(gzip.compress(body, 1), headers={"Content-Encoding": "gzip"})
    assert again.json == {"status": "accepted", "duplicate": True}


def test_a_gzip_bomb_costs_no_more_than_the_limit(shared_server: Server, connection: Connection) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    block = bytes(4 * MEGABYTE)
    bomb = b"".join(packer.compress(block) for _ in range(256)) + packer.flush()
    assert len(bomb) < 1.1 * MEGABYTE
    (worker,) = shared_server.workers()
    connection.post(b" ")
    before = peak_memory(worker)

    def throw(_number: int) -> int:
        with Connection(shared_server.port) as connection:
            return connection.post(bomb, headers={"Content-Encoding": "gzip"}).status

    with ThreadPoolExecutor(BOMBS) as pool:
        assert list(pool.map(throw, range(BOMBS))) == [413] * BOMBS
    assert peak_memory(worker) - before < AFFORDABLE
    assert connection.post(run_event("START")).status == 201


def test_a_body_without_a_length_is_taken_up_to_the_limit(
    shared_server: Server, connection: Connection
) -> None:
    def pieces(megabytes: int) -> Iterator[bytes]:
        event = json.dumps(run_event("START", job=f"job_{megabytes}")).encode()
        yield event[:-1]
        for _ in range(megabytes):
            yield b" " * MEGABYTE
        yield event[-1:]

    headers = {"Content-Type": "application/json"}
    assert connection.send("POST", SINGLE, pieces(5), headers).status == 201
    assert connection.send("POST", SINGLE, pieces(33), headers).status == 413
