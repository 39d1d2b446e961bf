"""Triggers that start work in real Prefect, Airflow and Dagster. Collected only when named, as
``pytest tests/targets/test_prefect.py``: they install the tool, of the version that its file of pins names, once into
the user's cache, and start it on loopback.
"""
