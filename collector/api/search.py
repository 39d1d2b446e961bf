"""The search over everything that has a name."""

from __future__ import annotations

from typing import Any

from collector.api import search_shapes as shapes
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.questions import asking
from collector.api.services import reading
from collector.questions.search import Search

blueprint = Native("search", "The search over everything that has a name.")


@blueprint.get("/search", shapes.Found, query=shapes.SearchQuery)
def search(query: dict[str, Any]) -> object:
    """Find jobs, datasets and more by name.

    Names that contain the text, letter case aside. First come those that are called so, then those whose last part
    is (`orders` of `shop.public.orders`), then those that begin so or whose last part does. Runs are found by their
    whole id, open alerts by what they are about. An address finds what it is the address of.
    """
    limit = limit_of(query)
    with reading() as conn:
        return Search(asking(conn, query), query["q"], limit).among(query["types"])
