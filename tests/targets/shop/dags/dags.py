"""What Airflow runs, in an environment of its own."""

from __future__ import annotations

from airflow.sdk import DAG, Asset, task

ORDERS = Asset(name="orders", uri="x-shop://warehouse/orders")
REPORT = Asset(name="report", uri="file:///srv/shop/report.csv")

with DAG("publish", schedule=None, is_paused_upon_creation=False):

    @task(outlets=[REPORT])
    def write_report() -> None:
        """Write nothing, and say that it did."""

    write_report()

with DAG("on_orders", schedule=[ORDERS], is_paused_upon_creation=False):

    @task
    def react() -> None:
        """Do nothing about it."""

    react()
