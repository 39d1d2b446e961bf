"""How the views of ``/api/v2`` are declared: parameters, answer and errors in one decorator, and in the document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial, wraps
from http import HTTPStatus
from threading import Lock
from typing import Any, Final, TypeVar

import marshmallow as ma
from flask import Request, current_app
from flask_smorest import Api, Blueprint
from webargs.flaskparser import FlaskParser

from collector.api.access import require_read
from collector.api.fields import Instant, Text, Whole
from collector.api.rule_fields import describe
from collector.api.shapes import Problem
from collector.errors import BadRequest, FieldError, Unprocessable

V = TypeVar("V", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Operation:
    """A view with what it takes (``arguments``, from the query or a body) and the shape of its answer.

    ``written``: the view gives its document as JSON has it.
    """

    endpoint: str
    arguments: type[ma.Schema] | None
    answer: type[ma.Schema]
    written: bool = False


OPERATIONS: Final[dict[Callable[..., object], Operation]] = {}
"""All views of the native API. The pages ask the same ones, inside this process."""

ALWAYS = (401, 403, 500, 503)
"""Statuses that every operation can answer with."""

PROBLEM = "application/problem+json"

NOTHING: Mapping[str, str] = {}


class Parser(FlaskParser):
    """Reads parameters; an unknown one is an error, as a misspelt filter would silently filter nothing."""

    DEFAULT_UNKNOWN_BY_LOCATION: Mapping[str, str | None] = {"query": ma.RAISE, "json": ma.RAISE}  # type: ignore[assignment]  # as the parser reads it

    def handle_error(self, error: ma.ValidationError, req: Request, schema: ma.Schema, **_: Any) -> Any:
        """Say what is wrong, and where."""
        found = tuple(flat(error.messages))
        raise Unprocessable(
            "; ".join(f"{each.path}: {each.reason}" for each in found), errors=found
        ) from error

    def _handle_invalid_json_error(self, error: Any, req: Request, *_args: Any, **_kwargs: Any) -> Any:
        raise BadRequest("The body is not JSON.") from error


class Native(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A part of the native API."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, __name__, url_prefix="/api/v2", description=description)
        self.before_request(require_read)

    def register_views_in_doc(self, api: NativeApi, app: Any, spec: Any, **options: Any) -> None:
        """Leave writing the document until somebody asks for it: it takes as long as all the rest of a start."""
        api.later.append(partial(super().register_views_in_doc, api, app, spec, **options))

    def get(
        self,
        rule: str,
        answer: type[ma.Schema],
        *,
        query: type[ma.Schema] | None = None,
        missing: bool = False,
        path: Mapping[str, str] = NOTHING,
        written: bool = False,
    ) -> Callable[[V], V]:
        """Declare a view that reads; ``missing``: it may find nothing, and answers 404 then.

        ``path`` describes the variables in the path, here and below. ``written``: the view gives its document as JSON
        has it; marshmallow takes seconds for tens of thousands of nodes.
        """
        return self._operation(
            "GET", rule, answer, {"query": query} if query else {}, (404,) if missing else (), path, written
        )

    def post(
        self,
        rule: str,
        answer: type[ma.Schema],
        *,
        body: type[ma.Schema],
        missing: bool = False,
        path: Mapping[str, str] = NOTHING,
    ) -> Callable[[V], V]:
        """Declare a view that changes something, or that needs more than fits into parameters."""
        return self._operation("POST", rule, answer, {"json": body}, (400, 404) if missing else (400,), path)

    def put(
        self, rule: str, answer: type[ma.Schema], *, body: type[ma.Schema], conflict: bool = False
    ) -> Callable[[V], V]:
        """Declare a view that puts something in the place of what was there, unless there is a ``conflict``."""
        return self._operation("PUT", rule, answer, {"json": body}, (400, 409) if conflict else (400,))

    def _operation(
        self,
        method: str,
        rule: str,
        answer: type[ma.Schema],
        arguments: dict[str, type[ma.Schema]],
        statuses: tuple[int, ...],
        path: Mapping[str, str] = NOTHING,
        written: bool = False,
    ) -> Callable[[V], V]:
        described = [{"in": "path", "name": name, "description": text} for name, text in path.items()]

        def declare(view: V) -> V:
            declared = self.response(200, answer)(_encoded(view) if written else view)
            for status in (*ALWAYS, *statuses):
                declared = self.alt_response(status, response=HTTPStatus(status).name)(declared)
            for location, schema in arguments.items():
                declared = self.arguments(schema, location=location)(declared)
            self.route(rule, methods=[method], parameters=described)(declared)
            OPERATIONS[view] = Operation(
                f"{self.name}.{view.__name__}", next(iter(arguments.values()), None), answer, written
            )
            return view

        return declare


def _encoded(view: Callable[..., object]) -> Callable[..., object]:
    """Make the view that answers the document of another as it is."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> object:
        return current_app.json.response(view(*args, **kwargs))

    return answer


class NativeApi(Api):  # type: ignore[misc]  # flask-smorest has no types
    """Collects the document of the API. Errors are handled by ``problems``, not here."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, limits: Mapping[str, int]) -> None:
        """Take the greatest values of the parameters that settings bound."""
        self.later: list[Callable[[], None]] = []
        """What there is to do before the document is whole."""
        self._limits = limits
        self._lock = Lock()
        super().__init__()

    def init_app(self, app: Any, **kwargs: Any) -> None:
        """Begin the document."""
        super().init_app(app, **kwargs)
        self.register_field(Instant, "string", "date-time")
        self.register_field(Text, "string", None)
        self.register_field(Whole, "integer", None)
        describe(self.ma_plugin.converter)
        for name, scheme in SECURITY.items():
            self.spec.components.security_scheme(name, scheme)

    def document(self) -> dict[str, Any]:
        """Give the OpenAPI document, with the bounds that come from settings."""
        with self._lock:
            if self.later:
                for write in self.later:
                    write()
                self.later.clear()
                self._finish()
            found: dict[str, Any] = self.spec.to_dict()
            return found

    def _finish(self) -> None:
        for path in self.spec.to_dict()["paths"].values():
            # What stands in the path of several operations is told with each: nobody has to look for it elsewhere.
            shared = path.pop("parameters", [])
            for operation in path.values():
                operation["parameters"] = [*shared, *operation.get("parameters", ())]
                for parameter in operation["parameters"]:
                    if parameter["name"] in self._limits:
                        parameter["schema"]["maximum"] = self._limits[parameter["name"]]

    def _openapi_json(self) -> object:
        return current_app.json.response(self.document())

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        for status in HTTPStatus:
            if status >= HTTPStatus.BAD_REQUEST:
                content = {PROBLEM: {"schema": Problem}}
                self.spec.components.response(
                    status.name, {"description": status.phrase, "content": content}, lazy=True
                )


SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def flat(messages: Any, path: str = "") -> Iterator[FieldError]:
    """Flatten marshmallow's messages: ``{"query": {"limit": ["…"]}}`` becomes ``?limit``, a body's ``$.ids[0]``."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            if not path:
                yield from flat(inner, "?" if key == "query" else "$")
            elif isinstance(key, int):
                yield from flat(inner, f"{path}[{key}]")
            else:
                yield from flat(
                    inner, f"?{key}" if path == "?" else path if key == "_schema" else f"{path}.{key}"
                )
    else:
        for message in messages if isinstance(messages, list) else [messages]:
            yield FieldError(path or "$", str(message))
