"""How fast the lineage page is: ``python -m tests.benchmarks.lineage_page --database sqlite --nodes 50 500 2000``.

For each size a graph around one dataset: jobs and datasets in turns, in layers on both sides of it, with runs,
updates and expectations, of which some are late. The page is asked for in this process, at a depth that takes in all of
it: folded, as a list, with nothing folded, as a file; and the answers of the API of which it is made. Told are the
times, the statements, and how long the page is.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from urllib.parse import urlencode

from flask.testing import FlaskClient

from collector.app import create_app
from collector.auth import Authenticator
from collector.settings import Settings
from collector.storage.engine import Database
from collector.times import now_us
from collector.wiring import Services
from lineage.model import Direction
from tests.benchmarks.server import databases
from tests.catalog import HOUR, Catalog
from tests.statements import counted
from tests.watched import Watched

LAYERS = 5
"""Layers of jobs, and of datasets, on either side."""

STORES = ("postgres://warehouse.example.com:5432", "s3://lake", "bigquery", "snowflake://abc12345")
TOOLS = ("SPARK", "DBT", "AIRFLOW", "FLINK")
FOCUS = (STORES[0], "shop.marts.orders")

QUESTIONS = 20


def seed(database: Database, nodes: int) -> str:
    """Write a graph of so many nodes and give the node in its middle."""
    rng = random.Random(nodes)
    now = now_us()
    with database.write() as conn:
        catalog, watched = Catalog(conn), Watched(conn)
        watched.expect("daily", due={"at": "07:00"})
        middle = catalog.dataset(FOCUS[1], FOCUS[0])
        watched.stands("daily", FOCUS[1], "fresh", namespace=FOCUS[0])
        each = max(1, (nodes - 1) // (4 * LAYERS))
        number = 0
        for way in (Direction.INPUT, Direction.OUTPUT):
            near = [middle]
            for layer in range(LAYERS):
                jobs, far = [], []
                for _ in range(each):
                    number += 1
                    tool = rng.choice(TOOLS)
                    job = catalog.job(f"{tool.lower()}.shop.build_{number:05d}", f"{tool.lower()}-prod")
                    catalog.facet(job, "jobType", {"integration": tool})
                    state = rng.choices(("COMPLETE", "FAIL", "RUNNING"), (95, 2, 3))[0]
                    run = catalog.run(job, f"run-{number}", now - rng.randrange(24) * HOUR, state=state)
                    store = rng.choice(STORES)
                    name = f"shop.layer_{layer}.table_{number:05d}"
                    table = catalog.dataset(name, store)
                    catalog.update(table, run, now - rng.randrange(48) * HOUR)
                    if rng.random() < 0.5:
                        standing = rng.choices(("fresh", "late", "due"), (96, 2, 2))[0]
                        watched.stands("daily", name, standing, namespace=store)
                    other = Direction.OUTPUT if way is Direction.INPUT else Direction.INPUT
                    catalog.edge(job, table, way)
                    for end in rng.sample(near, min(len(near), rng.choice((1, 1, 2, 3)))):
                        catalog.edge(job, end, other)
                    jobs.append(job)
                    far.append(table)
                near = far
    return f"dataset:{FOCUS[0]}:{FOCUS[1]}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.lineage_page")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--nodes", type=int, nargs="+", default=[50, 500, 2000])
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    options = parser.parse_args()
    with databases(options.database) as places:
        for nodes in options.nodes:
            database = Database(places.create(f"graph_{nodes}"))
            node = seed(database, nodes)
            services = Services(Settings(), database, Authenticator(database))
            measure(create_app(services).test_client(), database, node, nodes, options.questions)
            database.close()


def measure(client: FlaskClient, database: Database, node: str, nodes: int, questions: int) -> None:
    """Ask for all pages of one graph, and print."""
    asked = {"node": node, "depth": str(2 * LAYERS)}
    print(f"\n{nodes} nodes\n{'':24} {'p50':>7} {'p95, ms':>8} {'statements':>11} {'kB':>7}")
    for label, path, more in (
        ("API, without states", "/api/v2/lineage", {}),
        ("API, with states", "/api/v2/lineage", {"state": "true"}),
        ("API, extent", "/api/v2/lineage/extent", {}),
        ("API, moments", "/api/v2/lineage/moments", {"limit": "200"}),
        ("page, default depth", "/lineage", {"depth": ""}),
        ("page", "/lineage", {}),
        ("page, by namespace", "/lineage", {"group": "namespace"}),
        ("page, nothing folded", "/lineage", {"group": "none"}),
        ("page, as a list", "/lineage", {"view": "list"}),
        ("file", "/lineage.svg", {}),
        ("start", "/lineage", {"node": "", "depth": ""}),
    ):
        query = {name: value for name, value in {**asked, **more}.items() if value}
        address = f"{path}?{urlencode(query)}"
        client.get(address)
        with counted(database) as statements:
            answer = client.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code}: {address}")
        times = []
        for _ in range(questions):
            begun = time.perf_counter()
            client.get(address)
            times.append((time.perf_counter() - begun) * 1000)
        p95 = sorted(times)[int(len(times) * 0.95)]
        size = len(answer.data) / 1000
        print(f"{label:24} {statistics.median(times):7.0f} {p95:8.0f} {len(statements):11} {size:7.0f}")


if __name__ == "__main__":
    main()
