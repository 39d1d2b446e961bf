"""What is wrong with the emitter of a refused body, and how to mend it, in words: for each reason that ``check`` and
``decode`` give.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from collector.errors import FieldError
from collector.ingest.decode import NotJson, parse_json
from lineage.facets import mapping

LARGEST_READ: Final = 256 * 1024
"""Bytes of a body that is looked into for where it came from; what is larger tells nothing of itself."""

ENVELOPE: Final = (
    "This is a CloudEvent: an OpenLineage event wrapped in an envelope. "
    "Have the sender post what is in `data` alone, as application/json."
)

TIME: Final = (
    "Write the moment at which it happened as ISO 8601 with an offset: `2026-11-22T05:00:00Z`. A client library of "
    "OpenLineage does so by itself; code that builds events by hand must."
)

JOB: Final = (
    "Every event of a run or a job names its job: `namespace` (mostly set once, as OPENLINEAGE_NAMESPACE or in the "
    "transport's configuration) and `name`. Look where the emitter makes the job, and whether both are set there."
)

NESTED: Final = (
    "No event of a known tool is nested that deep: a facet refers to itself, or was serialised twice. Look for the "
    "facet, and switch it off in the emitter."
)

FOREIGN: Final = (
    "This is JSON, and no OpenLineage event. Something else posts to this address, or a wrapper around the event was "
    "left in place: the event itself must be the outermost object."
)

NO_OBJECT: Final = (
    "An event is a JSON object. What came is often a text that was serialised twice (`json.dumps` of a string), or an "
    "array within an array."
)

NO_JSON: Final = (
    "The body is no JSON at all: a plain text, a form, a compressed body without `Content-Encoding`, or Avro. Have the "
    "emitter send application/json in UTF-8."
)

SEVERAL: Final = (
    "There is more after the end of the JSON: several events one after the other. Send them as an array, or one a line "
    "as application/x-ndjson."
)

BROKEN: Final = (
    "The JSON ends too early or is broken at that place: it was cut off on the way (a proxy's limit, a time-out), or "
    "put together by hand as text. Have a JSON library write it."
)

RUN_ID: Final = (
    "Every run has an id, the same in all its events: a UUID, made when the run starts, written as text."
)

DATASET: Final = (
    "A dataset is named by `namespace` (where it lies: `postgres://host:5432`) and `name` (`db.schema.table`), both "
    "texts."
)

HINTS: Final = tuple(
    (re.compile(path), re.compile(reason), words)
    for path, reason, words in (
        (r"\$", "nested too deep", NESTED),
        (r"\$", "has no job, run or dataset", FOREIGN),
        (r"\$", "must be an object", NO_OBJECT),
        (r"\$", "line 1 column 1 .char 0", NO_JSON),
        (r"\$", "Extra data|something follows", SEVERAL),
        (r"\$", "", BROKEN),
        (r"\$\.eventTime", "", TIME),
        (r"\$\.run\.runId", "", RUN_ID),
        (r"\$\.run", "", 'A run is an object: `{"runId": "…", "facets": {}}`.'),
        (r"\$\.job.*", "", JOB),
        (r"\$\.dataset.*", "", DATASET),
    )
)
"""Patterns of the whole path and of a part of the reason; the first that fits counts."""


class Origin(NamedTuple):
    """Where a refused body says that it comes from, as far as it can be read."""

    producer: str | None = None
    job_namespace: str | None = None
    job_name: str | None = None
    run_id: str | None = None


def hint(error: FieldError) -> str:
    """Say how to mend what is wrong at one place."""
    for path, reason, words in HINTS:
        if path.fullmatch(error.path) and reason.search(error.reason):
            return words
    return (
        "The specification of OpenLineage tells what stands there; a client library of it writes it rightly."
    )


def read(body: bytes) -> tuple[Origin, str | None]:
    """Look into a refused body: where it comes from, and what is wrong with it as a whole, if that is known."""
    if len(body) > LARGEST_READ:
        return Origin(), None
    try:
        value = mapping(parse_json(body)[0])
    except NotJson:
        return Origin(), None
    run, job = mapping(value.get("run")), mapping(value.get("job"))
    found = (value.get("producer"), job.get("namespace"), job.get("name"), run.get("runId"))
    origin = Origin(*(each if isinstance(each, str) and each else None for each in found))
    return origin, ENVELOPE if "specversion" in value and "data" in value else None
