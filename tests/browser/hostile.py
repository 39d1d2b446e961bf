"""A stack whose names are attacks: everything that an event may say, said as wickedly as it can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.acceptance.server import Server

MARK: Final = "pwned"
"""What a script from a name would set on ``window``."""

NAMES: Final = (
    f"<script>window.{MARK}=1</script>",
    f'"><img src=x onerror=window.{MARK}=1>',
    f"' onmouseover='window.{MARK}=1' autofocus onfocus='window.{MARK}=1",
    f"</title></text></svg><svg onload=window.{MARK}=1>",
    f"javascript:window.{MARK}=1",
    "{{7*7}}{% raw %}${7*7}",
    "]]><!--",
    "\u202egpj.elbat\u202c \u200b\u2066x",
    "a\u0000b\u000bc\ufffe",
    "表" * 60 + "🧨" * 10,
    "long/" + "x" * 5000,
    " ",
    "?a=1&b=2#c%2Fd+e",
)

LINK: Final = f"javascript:window.{MARK}=1"

LINKED: Final = [name for name in NAMES if name.strip() and len(name) < 2000 and not set("*?\0") & set(name)]
"""Those that rules take as the name of a namespace."""

RULES: Final = {
    "version": 1,
    "targets": {"nowhere": {"kind": "webhook", "url": "https://nowhere.example.com/hook"}},
    "expectations": [
        {"id": f"e{number}", "dataset": {"namespace": name, "name": "*"}, "max_age": "1s"}
        for number, name in enumerate(LINKED)
    ],
    "triggers": [
        {
            "id": "join",
            "when": {"any": [{"id": f"i{number}", "dataset": {"namespace": name, "name": "*"}}]},
            "do": [{"id": "tell", "notify": "nowhere", "text": "{{ key }}"}],
        }
        for number, name in enumerate(LINKED[:1])
    ],
    "alerting": {"routes": [{"to": ["nowhere"]}]},
}


def attack(server: Server) -> None:
    """Send everything, and rules under which it is late, fires, and is told of."""
    assert _send(server, "PUT", "/api/v2/rules", json.dumps(RULES).encode()) == 200
    for event in events():
        _send(server, "POST", "/api/v1/lineage", json.dumps(event).encode())
    for name in NAMES:
        _send(
            server, "POST", "/api/v1/lineage", json.dumps({"job": {"name": name}, "eventTime": name}).encode()
        )
    server.await_projected()


def events() -> Iterator[dict[str, Any]]:
    """Give runs that read one wicked name and write the next: the last one fails, with a wicked message."""
    before = NAMES[-1]
    for number, name in enumerate(NAMES):
        run: dict[str, Any] = {
            "runId": f"019aaa00-0000-7000-8000-{number:012}",
            "facets": {
                "parent": _facet(
                    run={"runId": f"019aaa00-0000-7000-8000-{99:012}"}, job={"namespace": name, "name": name}
                ),
                "externalQuery": _facet(externalQueryId=name, source=name),
                name: _facet(url=LINK, text=name),
            },
        }
        job = {
            "namespace": name,
            "name": name,
            "facets": {
                "sql": _facet(query=name, dialect=name),
                "documentation": _facet(description=name),
                "sourceCodeLocation": _facet(type=name, url=LINK),
                "ownership": _facet(owners=[{"name": name, "type": name}]),
                "jobType": _facet(processingType=name, integration=name, jobType=name),
            },
        }
        failed = number == len(NAMES) - 1
        if failed:
            run["facets"]["errorMessage"] = _facet(
                message=name, programmingLanguage=name, stackTrace=name * 50
            )
        for kind, seconds in (("START", 1), ("FAIL" if failed else "COMPLETE", 0)):
            yield {
                "eventType": kind,
                "eventTime": (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(),
                "producer": f"https://example.com/{number}",
                "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
                "run": run,
                "job": job,
                "inputs": [_dataset(before)],
                "outputs": [_dataset(name, number)],
            }
        before = name


def _dataset(name: str, rows: int | None = None) -> dict[str, Any]:
    fields = [{"name": field, "type": name, "description": name} for field in NAMES[:6]]
    return {
        "namespace": name,
        "name": name,
        "facets": {
            "schema": _facet(fields=fields),
            "documentation": _facet(description=name),
            "dataSource": _facet(name=name, uri=LINK),
            "ownership": _facet(owners=[{"name": name, "type": name}]),
            "tags": _facet(tags=[{"key": name, "value": name, "source": name}]),
            "symlinks": _facet(identifiers=[{"namespace": name, "name": f"{name} too", "type": "TABLE"}]),
        },
        "inputFacets": {
            "dataQualityAssertions": _facet(
                assertions=[{"assertion": name, "success": False, "column": name, "severity": "error"}]
            )
        },
        "outputFacets": {"outputStatistics": _facet(rowCount=rows or 0)},
    }


def _facet(**fields: Any) -> dict[str, Any]:
    return {
        "_producer": "https://example.com/hostile",
        "_schemaURL": "https://openlineage.io/spec/facets/1-0-0/Custom.json",
        **fields,
    }


def _send(server: Server, method: str, path: str, body: bytes) -> int:
    """Give the status of the answer: some of the events are refused, and shown on the page of what was."""
    request = Request(server.url + path, body, {"Content-Type": "application/json"}, method=method)
    try:
        with urlopen(request) as answer:
            return int(answer.status)
    except HTTPError as error:
        if error.code >= 500:
            raise
        return error.code
