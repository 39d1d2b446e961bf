"""Everything that can be wrong, and the HTTP status of each: decided here and nowhere else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong at one place of an input; ``path`` is a JSONPath such as ``$.job.name``."""

    path: str
    reason: str


class TidegateError(Exception):
    """The base of all errors that Tidegate raises on purpose. Its message is meant for the user."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, detail: str | None = None, *, errors: tuple[FieldError, ...] = ()) -> None:
        self.detail = detail or (self.__doc__ or "").strip().splitlines()[0]
        self.errors = errors
        super().__init__(self.detail)

    def problem(self) -> dict[str, object]:
        """Give the body of the ``application/problem+json`` answer (RFC 9457)."""
        body: dict[str, object] = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = [asdict(error) for error in self.errors]
        return body


class BadRequest(TidegateError):
    """The request cannot be understood."""

    status = HTTPStatus.BAD_REQUEST


class Unauthorized(TidegateError):
    """An API key is needed: send it as Authorization: Bearer KEY, or as X-API-Key: KEY."""

    status = HTTPStatus.UNAUTHORIZED


class Forbidden(TidegateError):
    """This API key does not allow that."""

    status = HTTPStatus.FORBIDDEN


class NotFound(TidegateError):
    """There is no such thing."""

    status = HTTPStatus.NOT_FOUND


class Conflict(TidegateError):
    """Things stand in a way that does not allow this."""

    status = HTTPStatus.CONFLICT


class PayloadTooLarge(TidegateError):
    """The body is larger than the server accepts."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaType(TidegateError):
    """The body is in a format or encoding that the server does not read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Unprocessable(TidegateError):
    """The event cannot be used: nothing in it can be recorded."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Unavailable(TidegateError):
    """The server cannot take this now; try again in a second."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached; try again in a second."""


class QueueFull(Unavailable):
    """Too many events are waiting to be written; try again in a second."""


class ConfigurationError(TidegateError):
    """A setting is wrong."""
