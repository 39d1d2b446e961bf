"""Reading paths in which names are percent-encoded and may hold slashes.

``s3%3A%2F%2Fbucket`` is one segment of the path as it was sent, and four of the decoded one that WSGI gives. So the
path as sent is read where the server tells it. Where it does not, or where a proxy has decoded it on the way, every way
to cut the path is a candidate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

TARGETS = ("RAW_URI", "REQUEST_URI")
"""Keys under which servers put the target of the request as it was sent: ours and gunicorn; uWSGI and mod_wsgi."""

MAX_SEGMENTS = 100
"""Segments of a decoded path up to which all ways to cut it are tried; no real name has so many slashes."""

Names = dict[str, str]
"""The values of a pattern's parameters."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A path with parameters: ``/namespaces/{namespace}/jobs/{job}``. Each stands for one segment as sent."""

    segments: tuple[str, ...]

    @classmethod
    def of(cls, template: str) -> Pattern:
        """Read a template."""
        return cls(tuple(template.strip("/").split("/")))

    @property
    def literals(self) -> int:
        """How many segments are no parameters."""
        return sum(not _is_parameter(segment) for segment in self.segments)

    def match(self, segments: Sequence[str]) -> Names | None:
        """Give the parameters if the path has just these segments; None if not."""
        if len(segments) != len(self.segments):
            return None
        names: Names = {}
        for wanted, found in zip(self.segments, segments, strict=True):
            if _is_parameter(wanted):
                names[wanted[1:-1]] = found
            elif wanted != found:
                return None
        return names

    def cuts(self, segments: Sequence[str]) -> Iterator[Names]:
        """Give every way to read a decoded path, in which a parameter may span segments; the first names shortest."""
        yield from _cuts(self.segments, segments)

    def path(self, names: Mapping[str, str]) -> str:
        """Write the path, decoded, that has these names."""
        parts = [names[part[1:-1]] if _is_parameter(part) else part for part in self.segments]
        return "/" + "/".join(parts)


def segments_as_sent(environ: Mapping[str, Any], prefix: str) -> list[str] | None:
    """Give the decoded segments after ``prefix`` of the path as it was sent; None if the server does not tell it.

    Nor if what it tells is not the path of this request, as something in between has changed it.
    """
    target = next((environ[key] for key in TARGETS if environ.get(key)), None)
    if target is None:
        return None
    raw = target.partition("?")[0]
    if "://" in raw.partition("/api/")[0]:
        # The absolute form, as sent to proxies.
        raw = "/" + raw.partition("://")[2].partition("/")[2]
    decoded = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    at = raw.find(f"{prefix}/")
    if at < 0 or unquote_to_bytes(raw).decode("latin-1") != decoded:
        return None
    rest = raw[at + len(prefix) + 1 :].removesuffix("/")
    return [text_of(unquote_to_bytes(segment)) for segment in rest.split("/")]


def text_of(data: bytes) -> str:
    """Decode a name. U+0000 stands in no name: events that have it are stored with U+FFFD in its place."""
    return data.decode("utf-8", "replace").replace("\0", "\ufffd")


def decoded_segments(path: str) -> list[list[str]]:
    """Give the segments of a decoded path; if it ends in a slash also those with it as the end of a name."""
    text = path.replace("\0", "\ufffd")
    found = [text.removesuffix("/").split("/")]
    if text.endswith("/"):
        found.append(text.split("/"))
    return [segments for segments in found if len(segments) <= MAX_SEGMENTS]


def _is_parameter(segment: str) -> bool:
    return segment.startswith("{")


def _cuts(pattern: Sequence[str], segments: Sequence[str]) -> Iterator[Names]:
    if not pattern:
        if not segments:
            yield {}
        return
    first, *rest = pattern
    if not _is_parameter(first):
        if segments and segments[0] == first:
            yield from _cuts(rest, segments[1:])
        return
    # What is left must do for the rest of the pattern, a segment each.
    for end in range(1, len(segments) - len(rest) + 1):
        for names in _cuts(rest, segments[end:]):
            yield {first[1:-1]: "/".join(segments[:end]), **names}
