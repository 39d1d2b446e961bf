"""The shapes of answers about freshness, and the parameters of questions about it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from marshmallow import Schema, fields, validate, validates_schema

from collector.api.fields import Instant, Text, Whole
from collector.api.parameters import NameQuery, Paged, pair
from collector.api.shapes import Name, Page, Update, said
from collector.api.slo_shapes import Share
from collector.questions import track_records
from collector.questions.traits import MOST_COUNTED, MOST_VALUES
from collector.storage.standing_reads import Sort
from collector.times import iso
from triggers.alerts import Severity
from triggers.documents import CONDITIONS
from triggers.sentences import SPANS, TIMES
from triggers.verdict import Reason, State

STATES = [state.value for state in State]
SEVERITIES = [severity.value for severity in Severity]
SECOND = 1_000_000

MOST_DUE_TIMES = 400
"""Of each standing that an answer holds: more than a year of days."""


class Seconds(fields.Field[int]):
    """Microseconds inside, seconds outside."""

    def _serialize(self, value: int | None, attr: str | None, obj: Any, **_kwargs: Any) -> float | None:
        return None if value is None else value / SECOND


def history_field() -> Whole:
    """Make the parameter for how much of the past comes with a standing."""
    return Whole(
        validate=validate.Range(min=1, max=MOST_DUE_TIMES),
        metadata=said(
            "how many of its newest due times come with each, and with them its account, its owners and its tools"
        ),
    )


class Picked(Schema):
    """Which standings are meant."""

    state = fields.List(
        Text(validate=validate.OneOf(STATES)), metadata=said("only in this state; may come several times")
    )
    violated = fields.Boolean(
        truthy={"true"}, falsy={"false"}, metadata=said("only what is, or is not, as expected")
    )
    namespace = Text(metadata=said("only datasets of this namespace"))
    name = Text(metadata=said("only datasets of this name, whichever of their names it is"))
    expectation = Text(metadata=said("only what this expectation says"))
    owner = Text(metadata=said("only datasets that this one owns"))
    tag = Text(metadata=said("only datasets with this tag"))
    tool = Text(metadata=said("only datasets that a job of this tool writes: `SPARK`, `DBT`"))
    job_namespace = Text(metadata=said("with `job_name`: only datasets that this job writes"))
    job_name = Text(metadata=said("with `job_namespace`"))

    @validates_schema
    def both_or_none(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """The job is named in full or not at all."""
        pair("job_namespace", "job_name")(data)


class SummaryQuery(Picked):
    """What to count."""

    values = fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        load_default=False,
        metadata=said("also by owner, tool, tag and so on"),
    )


class FreshnessQuery(Picked, Paged):
    """How datasets stand to what is expected of them."""

    sort = Text(
        validate=validate.OneOf([sort.value for sort in Sort]),
        load_default=Sort.WORST.value,
        metadata=said(
            "the worst first (`worst`); what is violated and then what can become so next (`next`); or by name of "
            "the dataset, or by expectation"
        ),
    )
    history = history_field()


class ExpectationQuery(Paged):
    """How the datasets of an expectation stand to it."""

    history = history_field()


class HistoryQuery(NameQuery, Paged):
    """What was decided of one dataset."""


def reason_data(reason: Reason) -> dict[str, Any]:
    """Give a reason as JSON has it outside: times in ISO 8601, durations in seconds."""
    data = {
        "code": reason.code,
        "values": {name: _value(name, value) for name, value in reason.values.items()},
    }
    return data | {"because": [reason_data(each) for each in reason.because]}


def _value(name: str, value: Any) -> Any:
    if value is not None and name in TIMES:
        return iso(value)
    return value / SECOND if value is not None and name in SPANS else value


class ReasonField(fields.Field[Reason]):
    """Why, as data."""

    def _serialize(self, value: Reason | None, attr: str | None, obj: Any, **_kwargs: Any) -> Any:
        return None if value is None else reason_data(value)


def state_field() -> fields.String:
    """Make the field for a state."""
    return fields.String(required=True, metadata={"enum": STATES})


class Said(Schema):
    """How a dataset stood to an expectation, and why."""

    expectation = fields.String(required=True, metadata=said("its id"))
    state = state_field()
    since = Instant(required=True, allow_none=True, metadata=said("when the state began"))
    release = Instant(
        required=True, allow_none=True, metadata=said("when the data that this is about was expected")
    )
    deadline = Instant(required=True, allow_none=True, metadata=said("from when on it is late"))
    late_by = Seconds(
        required=True,
        allow_none=True,
        metadata=said("seconds that it is late, or came too late", type="number"),
    )
    reason = ReasonField(
        required=True, metadata=said("a `code`, its `values`, and what it rests on: `because`", type="object")
    )
    sentence = fields.String(
        required=True, metadata=said("the reason in words, with times by the clock of `timezone`")
    )
    timezone = fields.String(required=True, metadata=said("of the expectation"))


class CauseOf(Schema):
    """The alert that explains another. All of it is null if the key may not see it."""

    alert = fields.Integer(required=True, allow_none=True, attribute="id")
    node = fields.String(required=True, allow_none=True, metadata=said("as `/lineage` takes it"))
    text = fields.String(required=True, allow_none=True, metadata=said("what is wrong there"))


class Forecast(Schema):
    """When data will come, from how long runs took."""

    release = Instant(required=True, allow_none=True, metadata=said("the first that has not come"))
    deadline = Instant(required=True, allow_none=True)
    made_at = Instant(required=True)
    expected_at = Instant(required=True, allow_none=True, metadata=said("as likely earlier as later"))
    low_at = Instant(
        required=True, allow_none=True, metadata=said("nine times out of ten it comes from here on …")
    )
    high_at = Instant(required=True, allow_none=True, metadata=said("… until here"))
    chance = fields.Float(
        required=True, allow_none=True, metadata=said("of missing the deadline, from 0 to 1")
    )
    missing = fields.Boolean(
        required=True, metadata=said("it was announced that the deadline will be missed")
    )
    sentence = fields.String(required=True, allow_none=True, metadata=said("why"))


class DueTime(Schema):
    """What became of one due time."""

    release = Instant(required=True, metadata=said("when data was expected"))
    deadline = Instant(required=True, metadata=said("from when on it was late"))
    arrived_at = Instant(
        required=True, allow_none=True, attribute="arrived", metadata=said("null: not yet, or never")
    )
    outcome = fields.String(
        required=True,
        metadata=said(
            "it came in time, late, never (or not before the next was due), or was not as it should be; or a window "
            "takes it out of the account",
            enum=[each.value for each in track_records.Became],
        ),
    )
    late_by = Seconds(
        required=True,
        allow_none=True,
        metadata=said(
            "seconds after its deadline, until now if it may still come; below zero: before it", type="number"
        ),
    )
    excluded_by = fields.String(required=True, allow_none=True, metadata=said("the id of that window"))


_due_at = lru_cache(10_000)(iso)
"""Many datasets are due at the same times."""


class DueTimes(fields.List[track_records.DueTime]):
    """Lists of due times, written by hand: a page has thousands of them."""

    def __init__(self, **more: Any) -> None:
        super().__init__(fields.Nested(DueTime), **more)

    def _serialize(
        self, value: list[Any] | None, attr: str | None, obj: Any, **_kwargs: Any
    ) -> list[Any] | None:
        if value is None:
            return None
        return [
            {
                "release": _due_at(each.release),
                "deadline": _due_at(each.deadline),
                "arrived_at": iso(each.arrived),
                "outcome": each.outcome.value,
                "late_by": None if each.late_by is None else each.late_by / SECOND,
                "excluded_by": each.excluded_by,
            }
            for each in value
        ]


class Awaited(Schema):
    """A release that has not come."""

    release = Instant(required=True, metadata=said("when data is expected"))
    deadline = Instant(required=True, metadata=said("from when on it is late"))


class Standing(Said):
    """How a dataset stands to an expectation now."""

    dataset = fields.Nested(Name, required=True)
    condition = fields.String(
        required=True, metadata=said("the kind of the expectation", enum=list(CONDITIONS))
    )
    severity = fields.String(required=True, metadata={"enum": SEVERITIES})
    violated = fields.Boolean(required=True, metadata=said("it is not as expected"))
    held = fields.Boolean(
        required=True, metadata=said("it is time to look again, but events wait, or emitters catch up")
    )
    last_update = fields.Nested(Update, required=True, allow_none=True)
    forecast = fields.Nested(Forecast, required=True, allow_none=True, metadata=said("null: there is none"))
    alert = fields.Integer(required=True, allow_none=True, metadata=said("the id of its open alert"))
    cause = fields.Nested(
        CauseOf, required=True, allow_none=True, metadata=said("what explains the alert; null: nothing does")
    )
    awaited = fields.Nested(
        Awaited,
        required=True,
        allow_none=True,
        metadata=said("what is to come next, or should have come; null: nothing that is known"),
    )
    history = DueTimes(
        required=True,
        allow_none=True,
        metadata=said("its newest due times, the oldest first; null unless asked for, as all below"),
    )
    account = fields.Nested(
        Share, required=True, allow_none=True, metadata=said("its deadlines in the period of its objective")
    )
    owners = fields.List(fields.String(), required=True, allow_none=True)
    tools = fields.List(
        fields.String(), required=True, allow_none=True, metadata=said("those of the jobs that write it")
    )


class Standings(Page):
    """How datasets stand, the worst first, of these the one whose deadline comes or came first."""

    items = fields.List(fields.Nested(Standing), required=True)


class ValueCount(Schema):
    """A value that standings can be picked out by."""

    value = fields.String(required=True)
    total = fields.Integer(required=True)
    violated = fields.Integer(required=True)


class StateCounts(Schema):
    """Of how many datasets what is expected of them is how; one that two expectations cover counts twice."""

    states = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata=said("by state, every state; whatever `state` and `violated` ask for"),
    )
    total = fields.Integer(required=True)
    violated = fields.Integer(required=True, metadata=said("not as expected"))
    values = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.Nested(ValueCount)),
        required=True,
        allow_none=True,
        metadata=said(
            f"by state, owner, tool, tag, namespace and expectation, the {MOST_VALUES} most frequent values of each: "
            "how many there are with it, and with what is asked for of the others. Null unless asked for, or if "
            f"there are more than {MOST_COUNTED:,} in all"
        ),
    )


class Expectation(Schema):
    """An expectation, and how many of its datasets stand how."""

    id = fields.String(required=True)
    condition = fields.String(required=True, metadata={"enum": list(CONDITIONS)})
    severity = fields.String(required=True, metadata={"enum": SEVERITIES})
    timezone = fields.String(required=True)
    definition = fields.Dict(
        keys=fields.String(),
        required=True,
        allow_none=True,
        attribute="body",
        metadata=said("as rule files write it; null if it is about more than the key may see"),
    )
    datasets = fields.Integer(required=True, metadata=said("how many it covers"))
    states = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True, metadata=said("of them, by state")
    )
    sentence = fields.String(
        required=True, allow_none=True, metadata=said("what is expected, in words; null if `definition` is")
    )


class Expectations(Page):
    """Expectations."""

    items = fields.List(fields.Nested(Expectation), required=True)


class ExpectationDetail(Expectation, Standings):
    """An expectation and, page by page, how its datasets stand."""


class Decision(Said):
    """What was decided."""

    at = Instant(required=True)
    prompt = fields.String(
        required=True,
        metadata=said(
            "what made the engine look: something happened (`fact`), it was time, the rules changed"
        ),
    )


class Decisions(Page):
    """What was decided, the newest first."""

    items = fields.List(fields.Nested(Decision), required=True)
