"""JSON answers by msgspec: fast, and able to put stored JSON in as it is, without reading it."""

from __future__ import annotations

from typing import Any

import msgspec
from flask.json.provider import JSONProvider
from flask.wrappers import Response

from collector.errors import TidegateError
from collector.storage.facet_reads import FacetVersion


class MsgspecProvider(JSONProvider):
    """Writes and reads JSON for Flask. NaN and infinities become null; ``msgspec.Raw`` goes in as it is."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write JSON; ``indent`` is the only option heeded."""
        data = msgspec.json.encode(obj)
        indent = kwargs.get("indent")
        return (msgspec.json.format(data, indent=indent) if indent else data).decode()

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        """Read JSON."""
        return msgspec.json.decode(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Make the answer without the detour by way of text."""
        data = msgspec.json.encode(self._prepare_response_obj(args, kwargs))
        return Response(data, mimetype="application/json")


def stored(facets: dict[str, FacetVersion]) -> dict[str, msgspec.Raw]:
    """Give the bodies of facets for an answer: canonical JSON of our own, put in as it lies in the database."""
    return {name: msgspec.Raw(version.body) for name, version in sorted(facets.items())}


def problem_response(error: TidegateError) -> Response:
    """Make the answer for an error."""
    status = int(error.status)
    response = Response(msgspec.json.encode(error.problem()), status, mimetype="application/problem+json")
    response.headers.update(hints(status))
    return response


def hints(status: int) -> dict[str, str]:
    """Give the headers that tell a client what to do about an error of that status."""
    if status == 503:
        # Every client of OpenLineage that retries heeds this.
        return {"Retry-After": "1"}
    return {"WWW-Authenticate": "Bearer"} if status == 401 else {}
