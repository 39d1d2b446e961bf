"""How pages get at what they show: by the operations of the native API, asked inside this process.

A page and its twin cannot disagree, and nobody sees on a page what the API would not tell: parameters are read by the
same schemas, rights are checked by the same views, and the answer has the same shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import marshmallow as ma
from flask import request, url_for

from collector.api.access import check_path
from collector.api.native import OPERATIONS, flat
from collector.errors import Unprocessable

View = Callable[..., object]


def ask(view: View, parameters: Mapping[str, Any] | None = None, /, **path: Any) -> Any:
    """Give the document that a view of the native API answers, as JSON would have it.

    ``parameters`` are those of the query, as texts (lists of texts where one may come several times), ``path`` the
    variables of the path. Stored facets are ``msgspec.Raw`` in it. Raises as the view does, and ``Unprocessable`` for
    parameters that are not as they should be.
    """
    return _run(view, "query", dict(parameters or {}), path)


def tried(view: View, asked: Mapping[str, Any], nothing: Any) -> tuple[Any, Unprocessable | None]:
    """Ask with filters that people write: those that cannot be read give ``nothing``, and what is wrong with them."""
    try:
        return ask(view, asked), None
    except Unprocessable as error:
        return nothing, error


def do(view: View, body: Mapping[str, Any], /, **path: Any) -> Any:
    """Have a view of the native API change something, and give what it answers. Raises as ``ask`` does."""
    return _run(view, "json", dict(body), path)


def parameters(view: View) -> dict[str, Any]:
    """Give those parameters of this request that a view knows; empty ones, as forms send them, are left out."""
    schema = OPERATIONS[view].arguments
    known = schema().fields if schema else {}
    return {
        name: values if isinstance(known[name], ma.fields.List) else values[-1]
        for name, given in request.args.lists()
        if name in known and (values := [value for value in given if value])
    }


def twin(view: View, parameters: Mapping[str, Any] | None = None, /, **path: Any) -> str:
    """Give the address at which the native API answers the same."""
    return url_for(OPERATIONS[view].endpoint, **path, **(parameters or {}))


def _run(view: View, location: str, given: dict[str, Any], path: dict[str, Any]) -> Any:
    check_path(path)
    operation = OPERATIONS[view]
    read: Any = {}
    if operation.arguments is not None:
        try:
            read = operation.arguments().load(given, unknown=ma.RAISE)
        except ma.ValidationError as error:
            found = tuple(flat({location: error.messages}))
            raise Unprocessable(
                "; ".join(f"{each.path}: {each.reason}" for each in found), errors=found
            ) from error
    answer = view(read, **path)
    return answer if operation.written else operation.answer().dump(answer)
