"""``/tags``, and tags on datasets, their fields and jobs."""

from __future__ import annotations

from collector.api.marquez.bodies import body_of
from collector.api.marquez.parameters import page
from collector.api.marquez.routing import Routes
from collector.api.services import reading, services
from collector.errors import BadRequest
from collector.storage import notes

routes = Routes()

LONGEST = 255
"""Characters of a tag."""


@routes.get("/tags")
def list_tags() -> object:
    """List tags by name."""
    part = page()
    with reading() as conn:
        found = notes.list_tags(conn, limit=part.limit, offset=part.offset)
    return {"tags": [_tag(name, description) for name, description in found]}


@routes.put("/tags/{tag}")
def put_tag(tag: str) -> object:
    """Make a tag, or change what it means."""
    body = body_of()
    description = body.text("description")
    body.check()
    _check(tag)
    with services().database.write() as conn:
        notes.describe_tag(conn, tag, description)
    return _tag(tag, description)


def _tag(name: str, description: str | None) -> dict[str, str | None]:
    return {"name": name, "description": description}


def _check(tag: str) -> None:
    if len(tag) > LONGEST:
        raise BadRequest(f"tag name must be at most {LONGEST} characters")
