"""What templates have at hand, and how a document becomes a page."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec
from flask import Flask, render_template, request, url_for
from markupsafe import Markup

from collector.web import moments, states
from collector.web.drawing import strips
from collector.web.drawing.labels import cut, shown

STATIC: Final = Path(__file__).with_name("static")

LONGEST_JSON: Final = 64 * 1024
"""Characters of a stored JSON that a page shows; the rest is a download away."""

LEGIBLE: Final = "!$'()*,/:;?@"
"""What stands in parameters as it is; Flask, too, writes them so."""

LONGEST_LAID_OUT: Final = 100 * LONGEST_JSON
"""Characters of a JSON, each as often as it is deep, up to which it is laid out."""

# One that does not end takes all the rest: else each quote in it would be tried as the beginning of one.
_TEXTS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?')
_BRACKETS = re.compile(rb"[\[\]{}]")
_TIMES = re.compile(r"(<time[^>]*>).*?</time>", re.DOTALL)


def register(app: Flask) -> None:
    """Give the templates their filters and functions."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        brief=brief,
        code=mark,
        count=count,
        cut=label,
        digest=digest,
        gist=gist,
        lines=lines,
        look=states.look,
        name=shown,
        pretty=pretty,
        safe_url=safe_url,
        source=source,
        span=moments.span,
        wall=moments.wall,
    )
    app.jinja_env.globals.update(
        asset=asset,
        dataset_url=dataset_url,
        draw_strip=strips.strip,
        here=here,
        job_url=job_url,
        node_url=node_url,
        run_url=run_url,
        time=moments.time,
        state_of=states.standing,
        worst=states.worst,
    )


def page(template: str, /, **values: Any) -> str:
    """Render a page. ``values`` may hold ``twin``, the address of the same as JSON, which the page then links."""
    return render_template(template, **values)


def label(name: str, limit: int) -> str:
    """Give a name in at most so many cells, cut at its beginning; one that nobody could see or point at is told."""
    return cut(name, limit) if name.strip() else "⟨blank⟩"


def count(number: float | None) -> str:
    """Write a number with its thousands apart; a dash for None."""
    return "–" if number is None else f"{number:,}"


_SAYS_MOST = re.compile(
    r"[\w.$]*(Error|Exception|Failure|Violation|[a-z]\.[A-Z]\w+)\b[^:]{0,80}:|(?i:error|fatal):"
)
_SAYS_LITTLE = re.compile(
    r"(at |File |During handling|The above exception|CONTEXT|DETAIL|HINT|STATEMENT|LINE)\b|\W*$"
)


def gist(error: str) -> str:
    """Give the line of an error message that says most: the last that names an error, or else the last of any use."""
    lines = [line.strip() for line in error[-LONGEST_JSON:].splitlines() if line.strip()]
    for wanted in (_SAYS_MOST.match, lambda line: not _SAYS_LITTLE.match(line)):
        if found := next((line for line in reversed(lines) if wanted(line)), None):
            return found
    return lines[-1] if lines else ""


def digest(markup: str) -> str:
    """Tell one state of a part of a page from another; how long ago something was does not count."""
    return hashlib.blake2b(_TIMES.sub(r"\1", markup).encode(), digest_size=8).hexdigest()


def pretty(stored: Any) -> str:
    """Lay out JSON for reading, stored text or data; cut after ``LONGEST_JSON`` characters, which it then says."""
    if isinstance(stored, msgspec.Raw):
        data = bytes(stored)
        if len(data) > 4 * LONGEST_JSON:
            return f"{shown(data[:LONGEST_JSON].decode(errors='replace'))}\n… {count(len(data))} bytes in all"
    else:
        data = json.dumps(stored, ensure_ascii=False, default=_raw).encode()
    return lines(_laid_out(data))


def source(text: str) -> str:
    """Make a text of many lines fit to be drawn: laid out if it is JSON, else as it is; cut as ``pretty`` cuts."""
    if len(text) <= 4 * LONGEST_JSON:
        # What is no JSON is shown as it is, and what is nested deeper than anybody may send, too.
        with suppress(msgspec.DecodeError, UnicodeError, RecursionError):
            text = _laid_out(text.encode())
    return lines(text)


def _laid_out(data: bytes) -> str:
    """Lay out JSON, unless it is nested so deep that it would become far longer by it."""
    depths = accumulate(1 if bracket in b"[{" else -1 for bracket in _BRACKETS.findall(_TEXTS.sub(b"", data)))
    longest = len(data) * max(depths, default=0)
    return (msgspec.json.format(data, indent=2) if longest <= LONGEST_LAID_OUT else data).decode()


def lines(text: str, most: int = LONGEST_JSON) -> str:
    """Give a text of several lines with all in it made visible, cut after ``most`` characters, which it then says."""
    rest = len(text) - most
    seen = "\n".join(map(shown, text[:most].replace("\r\n", "\n").replace("\t", "    ").split("\n")))
    return seen if rest <= 0 else f"{seen}\n… {count(rest)} characters more"


def brief(text: str, most: int) -> str:
    """Give the beginning of a text in one line, with all in it made visible."""
    words = " ".join(text[: 2 * most].split())
    return shown(words if len(text) <= 2 * most and len(words) <= most else f"{words[: most - 1]}…")


def _raw(value: Any) -> Any:
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    raise TypeError(f"no JSON: {type(value)}")


def safe_url(url: Any) -> str | None:
    """Give a URL that an event brought if a browser may follow it (http, https); else None."""
    if not isinstance(url, str) or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def here(**changes: Any) -> str:
    """Give the address of this page with some parameters changed; those that become None or empty go."""
    kept: dict[str, Any] = request.args.to_dict(flat=False) | changes
    given = {name: value for name, value in kept.items() if value not in (None, "", [])}
    # Not by ``url_for``: to it names such as ``_scheme`` mean something, and here a stranger may have chosen them.
    path = url_for(request.endpoint or "", **(request.view_args or {}))
    return f"{path}?{urlencode(given, doseq=True, safe=LEGIBLE)}" if given else path


def dataset_url(dataset: Mapping[str, Any]) -> str:
    """Give the address of a dataset's page; ``dataset`` has its ``namespace`` and ``name``."""
    return url_for("web.datasets.show", namespace=dataset["namespace"], name=dataset["name"])


def job_url(job: Mapping[str, Any]) -> str:
    """Give the address of a job's page; ``job`` has its ``namespace`` and ``name``."""
    return url_for("web.jobs.show", namespace=job["namespace"], name=job["name"])


def run_url(run_id: str, job: Mapping[str, Any] | None = None) -> str:
    """Give the address of a run's page; the job tells apart several with one id."""
    named = {"job_namespace": job["namespace"], "job_name": job["name"]} if job else {}
    return url_for("web.runs.show", run_id=run_id, **named)


def node_url(node: Mapping[str, Any]) -> str:
    """Give the address of a dataset's or job's page; ``node`` has a ``type`` besides."""
    return dataset_url(node) if node["type"] == "dataset" else job_url(node)


def asset(name: str) -> str:
    """Give the address of a file in ``static``; it changes with the file, so that browsers may keep it for ever."""
    return url_for("web.static", filename=name, v=_version(name))


@cache
def _version(name: str) -> str:
    return hashlib.blake2b((STATIC / name).read_bytes(), digest_size=6).hexdigest()


def mark(text: str) -> Markup:
    """Set what stands between backticks as code; everything is escaped."""
    parts = [Markup("{}").format(part) for part in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts)
    )
