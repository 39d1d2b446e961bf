"""Addresses that facets tell: where people see a run, read its log, or find the source of a job."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

MOST: Final = 20
"""Addresses of one thing; whoever sends more is not read for them."""

LOOKED_AT: Final = 2000
"""Values of one facet that are looked at."""

LONGEST: Final = 2000
"""Characters of an address that browsers are sure to take."""

KEY: Final = re.compile(r"ur[li]$|link$", re.IGNORECASE)
"""What facets call an address: ``log_url``, ``uiWebUrl``, ``repoUrl``, ``permalink``."""

KNOWN: Final = {
    ("airflow", "log_url"): "Airflow log",
    ("spark_applicationDetails", "uiWebUrl"): "Spark UI",
    ("spark_applicationDetails", "proxyUrl"): "Spark UI through its proxy",
    ("spark_applicationDetails", "historyUrl"): "Spark history",
    ("sourceCodeLocation", "url"): "Source code",
    ("sourceCodeLocation", "repoUrl"): "Repository",
    ("documentation", "url"): "Documentation",
    ("dbt_exposures", "url"): "dbt exposure",
}
"""What is at an address, by facet and key; another is called by these two."""


class Link(NamedTuple):
    """An address, and what is there."""

    text: str
    url: str


def links(facets: Mapping[str, Any]) -> list[Link]:
    """Give the addresses in facets that a browser may open (http, https), each once, at most ``MOST``.

    What says where the facet itself comes from (``_producer``, ``_schemaURL``) is left out.
    """
    found: dict[str, Link] = {}
    for facet, body in facets.items():
        for key, url in _told(body):
            text = KNOWN.get((facet, key)) or f"{facet} {key}"
            found.setdefault(url, Link(text, url))
            if len(found) == MOST:
                return list(found.values())
    return list(found.values())


def _told(body: Any) -> Iterator[tuple[str, str]]:
    """Give the addresses in a facet with their keys, those further out first."""
    waiting: list[tuple[str, Any]] = [("", body)]
    for key, value in waiting:
        if isinstance(value, str) and KEY.search(key) and _opens(value):
            yield key, value
        inner = (
            value.items()
            if isinstance(value, dict)
            else ((key, each) for each in value)
            if isinstance(value, list)
            else ()
        )
        for name, each in inner:
            if len(waiting) == LOOKED_AT:
                break
            if (
                isinstance(each, dict | list | str)
                and not name.startswith("_")
                and name not in ("producer", "schemaURL")
            ):
                waiting.append((name, each))


def _opens(url: str) -> bool:
    if len(url) > LONGEST or not url.isprintable():
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
