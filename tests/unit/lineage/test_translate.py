"""From JSON to observations: what is read, where emitters put it, and that nothing an event holds does harm."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.facets import MAX_COUNT, MAX_ERROR
from lineage.model import (
    AliasSeen,
    AssertionSeen,
    DatasetUse,
    Direction,
    FacetSeen,
    JobPoint,
    JobRef,
    Kind,
    Observation,
    Point,
    Reason,
    RunRef,
    Source,
)
from lineage.translate import translate
from tests.events import (
    HOUR,
    NAMESPACE,
    NOON,
    column_lineage,
    dataset,
    dataset_event,
    job_event,
    job_ref,
    ref,
    run_event,
)

Json = dict[str, Any]


def read(event: Json) -> Observation:
    return translate(event, NOON + HOUR, "00" * 16)


def use(seen: Observation, name: str, direction: Direction = Direction.OUTPUT) -> DatasetUse:
    found = [u for u in seen.uses if u.dataset == ref(name) and u.direction is direction]
    assert len(found) == 1
    return found[0]


def output(**parts: Any) -> DatasetUse:
    return use(read(run_event("COMPLETE", outputs=[dataset("orders", **parts)])), "orders")


def input_(**parts: Any) -> DatasetUse:
    return use(read(run_event("COMPLETE", inputs=[dataset("orders", **parts)])), "orders", Direction.INPUT)


# --- kinds of events --------------------------------------------------------------------------------------------


def test_a_run_event_names_its_run_job_inputs_and_outputs() -> None:
    seen = read(run_event("COMPLETE", run="r", inputs=["raw"], outputs=["mart"]))
    assert (seen.kind, seen.time, seen.received_at) == (Kind.RUN, NOON, NOON + HOUR)
    assert (seen.job, seen.run_id, seen.event_type) == (job_ref("load"), "r", "COMPLETE")
    assert [(u.dataset, u.direction) for u in seen.uses] == [
        (ref("raw"), Direction.INPUT),
        (ref("mart"), Direction.OUTPUT),
    ]


@pytest.mark.parametrize(
    ("sent", "read_as"), [("start", "START"), ("PAUSED", "PAUSED"), (None, None), (7, None)]
)
def test_event_types_are_read_in_capitals_and_unknown_ones_kept(sent: Any, read_as: str | None) -> None:
    assert read({**run_event("START"), "eventType": sent}).event_type == read_as


def test_the_kind_is_told_by_the_shape() -> None:
    event = {**dataset_event(), **run_event("START")}
    assert read(event).kind is Kind.RUN
    assert read({**event, "run": None}).kind is Kind.DATASET
    assert read({**event, "job": {"namespace": "x"}}).kind is Kind.DATASET
    assert read({**event, "run": {}, "dataset": {}}).kind is Kind.JOB


@pytest.mark.parametrize("lacking", [{"job": None}, {"job": {"namespace": "x", "name": ""}}, {"job": "load"}])
def test_an_event_about_nothing_is_refused(lacking: Json) -> None:
    with pytest.raises(ValueError, match="neither"):
        read({**run_event("START"), **lacking})


def test_a_namespace_may_be_empty() -> None:
    assert read(run_event("START", namespace="")).job == JobRef("", "load")


def test_one_event_may_list_a_dataset_twice() -> None:
    seen = read(run_event("FAIL", inputs=["a"], outputs=["a", "a"]))
    assert [(u.dataset.name, u.direction) for u in seen.uses] == [
        ("a", Direction.INPUT),
        ("a", Direction.OUTPUT),
    ]


def test_a_job_event_declares_its_lineage_if_it_names_any() -> None:
    seen = read(job_event(inputs=["raw"], outputs=["mart"]))
    assert (seen.kind, seen.run_id, seen.declares_lineage) == (Kind.JOB, "00" * 16, True)
    assert len(seen.uses) == 2
    assert not read(job_event(facets={"sql": {"query": "select 1"}})).declares_lineage


def test_a_job_event_changes_no_data() -> None:
    facets = {
        "version": {"datasetVersion": "7"},
        "lifecycleStateChange": {"lifecycleStateChange": "OVERWRITE"},
    }
    seen = read(job_event(outputs=[dataset("mart", facets=facets)]))
    assert (use(seen, "mart").version, use(seen, "mart").lifecycle) == (None, None)


def test_a_dataset_event_about_metadata_is_no_run() -> None:
    seen = read(dataset_event(schema={"fields": []}, symlinks={"identifiers": [dataset("alias")]}))
    assert (seen.dataset, seen.job, seen.uses) == (ref("orders"), None, [])
    assert [facet.name for facet in seen.facets] == ["schema", "symlinks"]
    assert seen.aliases == [AliasSeen(ref("orders"), ref("alias"), Reason.SYMLINK)]


@pytest.mark.parametrize(
    ("facets", "is_run"),
    [
        ({"version": {"datasetVersion": "7"}}, True),
        ({"lifecycleStateChange": {"lifecycleStateChange": "OVERWRITE"}}, True),
        ({"lifecycleStateChange": {"lifecycleStateChange": "create"}}, True),
        ({"lifecycleStateChange": {"lifecycleStateChange": "TRUNCATE"}}, True),
        ({"lifecycleStateChange": {"lifecycleStateChange": "DROP"}}, False),
        ({"lifecycleStateChange": {"lifecycleStateChange": "ALTER"}}, False),
        ({"lifecycleStateChange": {"lifecycleStateChange": "RENAME"}}, False),
        ({"dataQualityAssertions": {"assertions": [{"assertion": "not_null", "success": True}]}}, True),
        ({"version": {"datasetVersion": None}}, False),
        ({"documentation": {"description": "…"}}, False),
    ],
)
def test_a_dataset_event_with_a_change_of_data_is_an_update_without_lineage(
    facets: Json, is_run: bool
) -> None:
    seen = read(dataset_event(**facets))
    assert [u.dataset for u in seen.uses] == ([ref("orders")] if is_run else [])
    assert not seen.declares_lineage


@pytest.mark.parametrize(
    "facet",
    [
        {"lineage": {"inputs": [dataset("raw", type="DATASET")]}},
        {"lineage": {"fields": {"id": {"inputs": [dataset("raw", type="DATASET")]}}}},
        column_lineage({"id": [("raw", "id")]}),
    ],
)
def test_a_dataset_event_may_declare_where_its_data_come_from(facet: Json) -> None:
    seen = read(dataset_event(**facet))
    assert seen.declares_lineage
    sources = use(seen, "orders").sources
    assert sources is not None
    assert [source.dataset for source in sources] == [ref("raw")]
    assert use(seen, "raw", Direction.INPUT).implied


def test_a_dataset_event_may_take_its_lineage_back() -> None:
    takes_back: list[Json] = [{"inputs": []}, {"_deleted": True}]
    for facet in takes_back:
        seen = read(dataset_event(lineage=facet))
        assert (seen.declares_lineage, use(seen, "orders").sources) == (True, ())
    seen = read(dataset_event(lineage={}))
    assert not seen.declares_lineage


# --- facets of runs ---------------------------------------------------------------------------------------------

PARENT = {"run": {"runId": "p"}, "job": {"namespace": "shop", "name": "dag"}}
ROOT = {"run": {"runId": "r"}, "job": {"namespace": "shop", "name": "top"}}


@pytest.mark.parametrize("key", ["parent", "parentRun"])
def test_parents_are_found_under_both_keys(key: str) -> None:
    seen = read(run_event("START", run_facets={key: {**PARENT, "root": ROOT}}))
    assert seen.parent == RunRef("p", job_ref("dag"))
    assert seen.root == RunRef("r", job_ref("top"))


@pytest.mark.parametrize("nothing", [None, {}, "x", [], {"run": None}, {"run": {"runId": None}}])
def test_a_parent_of_the_wrong_shape_does_not_hide_one_of_the_right(nothing: object) -> None:
    assert read(run_event("START", run_facets={"parent": nothing})).parent is None
    both = read(run_event("START", run_facets={"parent": nothing, "parentRun": PARENT}))
    assert both.parent == RunRef("p", job_ref("dag"))


def test_a_parent_may_name_its_run_alone_and_no_root() -> None:
    seen = read(run_event("START", run_facets={"parent": {"run": {"runId": "p"}, "root": None}}))
    assert (seen.parent, seen.root) == (RunRef("p", None), None)


def test_nominal_time_with_and_without_end() -> None:
    facet = {"nominalStartTime": "2026-11-22T12:00:00Z", "nominalEndTime": "2026-11-22T13:00:00+00:00"}
    seen = read(run_event("START", run_facets={"nominalTime": facet}))
    assert (seen.nominal_start, seen.nominal_end) == (NOON, NOON + HOUR)
    seen = read(run_event("START", run_facets={"nominalTime": {**facet, "nominalEndTime": None}}))
    assert (seen.nominal_start, seen.nominal_end) == (NOON, None)
    assert (
        read(run_event("START", run_facets={"nominalTime": {"nominalStartTime": "noon"}})).nominal_start
        is None
    )


def test_error_messages_are_cut() -> None:
    facet = {"message": "x" * (MAX_ERROR + 1)}
    assert read(run_event("FAIL", run_facets={"errorMessage": facet})).error == "x" * MAX_ERROR
    assert read(run_event("FAIL", run_facets={"errorMessage": {"message": ""}})).error is None


def test_extraction_errors_mark_the_lineage_as_incomplete() -> None:
    assert read(run_event("COMPLETE", run_facets={"extractionError": {"totalTasks": 1}})).incomplete
    assert not read(run_event("COMPLETE", run_facets={"extractionError": None})).incomplete


def test_processing_type() -> None:
    assert read(
        run_event("START", job_facets={"jobType": {"processingType": "streaming"}})
    ).processing_type == ("STREAMING")
    assert read(run_event("START", job_facets={"jobType": "BATCH"})).processing_type is None


# --- facets of datasets -----------------------------------------------------------------------------------------

COUNTS = {"rowCount": 12, "size": 340, "fileCount": 1}


def test_statistics_at_their_place_and_among_the_datasets_facets() -> None:
    for found in (
        output(outputFacets={"outputStatistics": COUNTS}),
        output(facets={"outputStatistics": COUNTS}),
        output(outputFacets={"outputStatistics": {}}, facets={"outputStatistics": COUNTS}),
        input_(inputFacets={"inputStatistics": COUNTS}),
        input_(facets={"inputStatistics": COUNTS}),
    ):
        assert (found.rows, found.bytes, found.files) == (12, 340, 1)


@pytest.mark.parametrize(
    ("sent", "count"),
    [(0, 0), (3.0, 3), (MAX_COUNT, MAX_COUNT), (MAX_COUNT + 1, None), (-1, None), (True, None), (1.5, None),
     ("12", None), (None, None), ([], None)],
)  # fmt: skip
def test_counts(sent: object, count: int | None) -> None:
    assert output(outputFacets={"outputStatistics": {"rowCount": sent}}).rows == count


def test_an_empty_statistics_facet_says_nothing() -> None:
    # dbt sends it for views on PostgreSQL.
    assert output(outputFacets={"outputStatistics": {"_producer": "p"}}).rows is None


def test_version_and_lifecycle() -> None:
    found = output(
        facets={
            "version": {"datasetVersion": "v1"},
            "lifecycleStateChange": {"lifecycleStateChange": "overwrite"},
        }
    )
    assert (found.version, found.lifecycle) == ("v1", "OVERWRITE")


@pytest.mark.parametrize(
    ("namespace", "facets", "artificial"),
    [
        (NAMESPACE, {}, False),
        (NAMESPACE, {"datasetType": {"datasetType": "TEMPORARY"}}, True),
        (NAMESPACE, {"datasetType": {"datasetType": "job_output"}}, True),
        (NAMESPACE, {"datasetType": {"datasetType": "VIEW"}}, False),
        ("inmemory://", {}, True),
    ],
)
def test_artificial_datasets(namespace: str, facets: Json, artificial: bool) -> None:
    (found,) = read(run_event("COMPLETE", outputs=[dataset("x", namespace, facets=facets)])).uses
    assert found.artificial is artificial


def test_an_artificial_dataset_stays_so_where_only_the_lineage_facet_names_it() -> None:
    entry = {"namespace": "inmemory://", "name": "x", "type": "DATASET", "inputs": []}
    (found,) = read(run_event("COMPLETE", job_facets={"lineage": {"entries": [entry]}})).uses
    assert found.artificial


def test_partitions_and_locations() -> None:
    def slices(condition: object) -> str | None:
        return output(outputFacets={"subset": {"outputCondition": condition}}).partition

    partitions = [
        {"dimensions": {"hr": "02", "dt": "2026-11-22"}},
        {"dimensions": {"dt": "2026-11-21", "hr": 3}},
    ]
    assert slices({"type": "partition", "partitions": partitions}) == "dt=2026-11-21/hr=3,dt=2026-11-22/hr=02"
    assert slices({"type": "location", "locations": ["/b", "/a", 5]}) == "/a,/b"
    assert slices({"type": "binary"}) is None
    assert input_(inputFacets={"subset": {"inputCondition": {"locations": ["/a"]}}}).partition == "/a"
    assert input_(inputFacets={"subset": {"outputCondition": {"locations": ["/a"]}}}).partition is None


def test_symlinks_and_renames_are_other_names() -> None:
    facets: Json = {
        "symlinks": {"identifiers": [dataset("b", type="TABLE"), dataset("orders"), {"name": "c"}, None]},
        "lifecycleStateChange": {"lifecycleStateChange": "RENAME", "previousIdentifier": dataset("before")},
    }
    seen = read(run_event("COMPLETE", outputs=[dataset("orders", facets=facets)]))
    assert seen.aliases == [
        AliasSeen(ref("orders"), ref("b"), Reason.SYMLINK),
        AliasSeen(ref("orders"), ref("before"), Reason.RENAME),
    ]
    facets["lifecycleStateChange"]["lifecycleStateChange"] = "ALTER"
    seen = read(run_event("COMPLETE", outputs=[dataset("orders", facets=facets)]))
    assert [alias.reason for alias in seen.aliases] == ["symlink"]


CHECK = {"assertion": "not_null", "success": False, "column": "id", "severity": "warn", "actual": "74"}
CHECKED = AssertionSeen(ref("orders"), "not_null", "id", None, False, "warn", None, "74")


def test_assertions_are_read_from_both_places_and_counted_once() -> None:
    facet = {"dataQualityAssertions": {"assertions": [CHECK]}}
    places: list[Json] = [{"facets": facet}, {"inputFacets": facet}, {"facets": facet, "inputFacets": facet}]
    for parts in places:
        seen = read(run_event("COMPLETE", inputs=[dataset("orders", **parts)]))
        assert seen.assertions == [CHECKED]
        assert [kept.name for kept in seen.facets] == []


def test_assertions_with_nulls_and_values_of_any_type() -> None:
    entries = [
        {
            **CHECK,
            "column": None,
            "name": None,
            "severity": None,
            "expected": {"b": 1, "a": [2]},
            "actual": 1.5,
        },
        {"assertion": None, "success": True},
        {"assertion": "x", "success": "yes"},
        {"success": True},
        None,
    ]
    facet = {"dataQualityAssertions": {"assertions": entries}}
    seen = read(run_event("COMPLETE", inputs=[dataset("orders", inputFacets=facet)]))
    assert seen.assertions == [
        AssertionSeen(ref("orders"), "not_null", None, None, False, None, '{"a": [2], "b": 1}', "1.5")
    ]


def test_facets_of_jobs_and_datasets_are_kept_and_deletions_told() -> None:
    schema = {"fields": [{"name": "id"}]}
    seen = read(
        run_event(
            "COMPLETE",
            job_facets={"sql": {"query": "select 1"}, "tags": {"_deleted": True}, "odd": None, "odder": "x"},
            run_facets={"processing_engine": {"version": "1"}},
            inputs=[dataset("raw", facets={"schema": schema}, inputFacets={"inputStatistics": COUNTS})],
            outputs=[
                dataset("mart", facets={"schema": {"_deleted": True}, "outputStatistics": COUNTS, "n": {}})
            ],
        )
    )
    assert seen.facets == [
        FacetSeen(job_ref("load"), "sql", {"query": "select 1"}),
        FacetSeen(job_ref("load"), "tags", None),
        FacetSeen(ref("raw"), "schema", schema),
        FacetSeen(ref("mart"), "schema", None),
        FacetSeen(ref("mart"), "n", {}),
    ]


# --- column lineage ---------------------------------------------------------------------------------------------


def test_column_lineage_names_the_sources_of_an_output() -> None:
    seen = read(
        run_event(
            "COMPLETE",
            inputs=["raw"],
            outputs=[dataset("mart", facets=column_lineage({"n": [("raw", "n")]}, [("raw", "dt")]))],
        )
    )
    assert set(use(seen, "mart").sources or ()) == {
        Source(ref("raw"), "n", "n", ()),
        Source(ref("raw"), "dt", None, ()),
    }
    assert not use(seen, "raw", Direction.INPUT).implied


def test_sources_that_are_no_inputs_are_implied_once() -> None:
    facet = column_lineage({"a": [("hidden", "a"), ("raw", "a")], "b": [("hidden", "b")]})
    outputs = [dataset("one", facets=facet), dataset("two", facets=facet)]
    seen = read(run_event("COMPLETE", inputs=["raw"], outputs=outputs))
    implied = [(u.dataset, u.direction) for u in seen.uses if u.implied]
    assert implied == [(ref("hidden"), Direction.INPUT)]


def test_the_order_of_sources_says_nothing() -> None:
    one = output(facets=column_lineage({"a": [("x", "1"), ("y", "2")], "b": [("x", "3")]}))
    other = output(facets=column_lineage({"b": [("x", "3")], "a": [("y", "2"), ("x", "1"), ("x", "1")]}))
    assert one.sources == other.sources


def test_transformations_and_the_deprecated_way_to_tell_them() -> None:
    source = {
        "namespace": NAMESPACE,
        "name": "raw",
        "field": "n",
        "transformations": [{"type": "DIRECT", "subtype": "IDENTITY", "masking": True}, None],
    }
    old = {"namespace": NAMESPACE, "name": "raw", "field": "o"}
    fields = {
        "n": {"inputFields": [source], "transformationType": "IGNORED"},
        "o": {"inputFields": [old], "transformationType": "IDENTITY", "transformationDescription": "as is"},
        "e": {"inputFields": [old], "transformationType": "", "transformationDescription": ""},
    }
    found = output(facets={"columnLineage": {"fields": fields}}).sources or ()
    by_target = {source.target_field: source.transformations for source in found}
    assert by_target == {
        "n": (("DIRECT", "IDENTITY", None, True), (None, None, None, False)),
        "o": (("IDENTITY", None, "as is", False),),
        "e": (),
    }


@pytest.mark.parametrize(
    "facet", [None, {}, {"fields": {}}, {"fields": {"a": {"inputFields": []}}}, {"_deleted": True}]
)
def test_column_lineage_without_sources_says_nothing(facet: object) -> None:
    assert output(facets={"columnLineage": facet}).sources is None


def test_inputs_have_no_sources() -> None:
    assert input_(facets=column_lineage({"a": [("x", "a")]})).sources is None


# --- the lineage facet ------------------------------------------------------------------------------------------


def entry(name: str, **parts: Any) -> Json:
    return {"namespace": NAMESPACE, "name": name, "type": "DATASET", **parts}


def with_lineage(
    *entries: object, inputs: list[Any] | None = None, outputs: list[Any] | None = None
) -> Observation:
    facets = {"lineage": {"entries": list(entries)}}
    return read(run_event("COMPLETE", inputs=inputs or [], outputs=outputs or [], job_facets=facets))


def source_names(seen: Observation, name: str) -> list[str] | None:
    sources = use(seen, name).sources
    return None if sources is None else [source.dataset.name for source in sources]


def test_an_entry_outranks_column_lineage() -> None:
    mart = dataset("mart", facets=column_lineage({"a": [("b", "a")]}))
    seen = with_lineage(entry("mart", inputs=[entry("a")]), inputs=["a", "b"], outputs=[mart])
    assert source_names(seen, "mart") == ["a"]


def test_an_output_without_entry_falls_back() -> None:
    by_column = dataset("two", facets=column_lineage({"a": [("b", "a")]}))
    seen = with_lineage(
        entry("one", inputs=[entry("a")]), inputs=["a", "b"], outputs=["one", by_column, "three"]
    )
    assert source_names(seen, "one") == ["a"]
    assert source_names(seen, "two") == ["b"]
    assert source_names(seen, "three") is None


def test_empty_inputs_say_that_there_is_no_source() -> None:
    assert source_names(with_lineage(entry("mart", inputs=[]), inputs=["a"], outputs=["mart"]), "mart") == []


@pytest.mark.parametrize("silent", [{}, {"inputs": None}, {"fields": {}}, {"fields": None}, {"inputs": "x"}])
def test_an_entry_that_names_neither_inputs_nor_fields_falls_back(silent: Json) -> None:
    mart = dataset("mart", facets=column_lineage({"a": [("b", "a")]}))
    assert source_names(with_lineage(entry("mart", **silent), outputs=[mart]), "mart") == ["b"]
    assert source_names(with_lineage(entry("mart", **silent), outputs=["mart"]), "mart") is None


def test_an_entry_with_fields_alone_names_their_sources() -> None:
    fields = {"n": {"inputs": [{**entry("a"), "field": "m"}]}}
    seen = with_lineage(entry("mart", fields=fields), outputs=["mart"])
    assert use(seen, "mart").sources == (Source(ref("a"), "m", "n", ()),)
    assert use(seen, "a", Direction.INPUT).implied


def test_targets_and_sources_that_are_not_listed_are_taken_up() -> None:
    seen = with_lineage(entry("mart", inputs=[entry("a")]))
    assert [(u.dataset.name, u.direction, u.implied) for u in seen.uses] == [
        ("mart", Direction.OUTPUT, False),
        ("a", Direction.INPUT, True),
    ]


def after(name: str) -> JobPoint:
    return JobPoint("shop", name, Point.AFTER)


def job_entry(name: str | None = None, *inputs: Json) -> Json:
    named = {"namespace": "shop", "name": name} if name else {}
    return {"type": "JOB", **named, **({"inputs": list(inputs)} if inputs else {})}


def test_what_feeds_the_job_itself_is_read_by_it() -> None:
    seen = with_lineage(job_entry(None, entry("a"), job_entry("extract")), outputs=["mart"])
    assert {(u.dataset, u.direction, u.implied) for u in seen.uses} == {
        (ref("mart"), Direction.OUTPUT, False),
        (ref("a"), Direction.INPUT, False),
        (after("extract"), Direction.INPUT, False),
    }


def test_what_feeds_another_job_is_written_to_it() -> None:
    seen = with_lineage(job_entry("other", entry("a")), inputs=["a"])
    (written,) = (u for u in seen.uses if u.direction is Direction.OUTPUT)
    assert written.dataset == JobPoint("shop", "other", Point.BEFORE)
    assert [source.dataset for source in written.sources or ()] == [ref("a")]


def test_a_job_as_a_source_stands_for_what_comes_out_of_it() -> None:
    seen = with_lineage(entry("mart", inputs=[job_entry("extract"), entry("a")]), outputs=["mart"])
    assert {source.dataset for source in use(seen, "mart").sources or ()} == {after("extract"), ref("a")}
    assert {u.dataset for u in seen.uses if u.implied} == {after("extract"), ref("a")}


def test_the_job_itself_is_no_source_of_its_own() -> None:
    for itself in (job_entry(), {"type": "JOB", "namespace": "shop", "name": "load"}):
        seen = with_lineage(entry("mart", inputs=[itself]), inputs=["a"], outputs=["mart"])
        assert source_names(seen, "mart") == []
        assert {u.dataset for u in seen.uses} == {ref("mart"), ref("a")}


def test_control_flow_comes_from_job_dependencies() -> None:
    facet = {
        "upstream": [{"job": {"namespace": "shop", "name": "before"}, "type": "DIRECT"}, {"job": None}, 5],
        "downstream": [{"job": {"namespace": "shop", "name": "next"}}],
    }
    seen = read(run_event("START", inputs=["a"], run_facets={"jobDependencies": facet}))
    assert [(u.dataset, u.direction) for u in seen.uses] == [
        (ref("a"), Direction.INPUT),
        (after("before"), Direction.AFTER),
        (JobPoint("shop", "next", Point.BEFORE), Direction.BEFORE),
    ]


@pytest.mark.parametrize(
    ("facet", "believed"),
    [
        (None, True),
        ({"step": "load", "destination_name": "postgres"}, True),
        ({"step": "load"}, False),
        ({"step": "load", "destination_name": None}, False),
    ],
)
def test_dlt_that_names_no_destination_has_written_nothing(facet: Json | None, believed: bool) -> None:
    told = {"dlt_execution": facet} if facet else {}
    seen = read(run_event("COMPLETE", inputs=["a"], outputs=["a", "b"], run_facets=told))
    assert [u.dataset.name for u in seen.uses] == (["a", "a", "b"] if believed else ["a"])
    assert seen.incomplete is not believed
    assert {named.name for named in seen.named} == (set() if believed else {"a", "b"})
    running = read(run_event("RUNNING", inputs=["a"], run_facets=told))
    assert not running.incomplete


@pytest.mark.parametrize(
    ("job_type", "parent", "detail"),
    [
        ("SQL", True, True),
        ("sql_job", True, True),
        ("MODEL", True, False),
        ("SQL", False, False),
        (None, True, False),
    ],
)
def test_steps_of_a_parent_are_told_by_the_type_of_job(
    job_type: str | None, parent: bool, detail: bool
) -> None:
    whole = {"parent": {"run": {"runId": "p"}, "job": {"namespace": "shop", "name": "app"}}}
    seen = read(
        run_event("START", run_facets=whole if parent else {}, job_facets={"jobType": {"jobType": job_type}})
    )
    assert seen.detail is detail


@pytest.mark.parametrize(
    "facet", [None, "x", {}, {"entries": None}, {"entries": "x"}, {"entries": [None, {}, 5]}]
)
def test_a_lineage_facet_of_the_wrong_shape_says_nothing(facet: object) -> None:
    seen = read(run_event("COMPLETE", inputs=["a"], outputs=["mart"], job_facets={"lineage": facet}))
    assert source_names(seen, "mart") is None


# --- anything else ----------------------------------------------------------------------------------------------

KEYS = st.sampled_from([
    "run", "job", "dataset", "inputs", "outputs", "facets", "inputFacets", "outputFacets", "runId",
    "namespace", "name", "eventType", "type", "root", "parent", "parentRun", "nominalTime",
    "nominalStartTime", "nominalEndTime", "errorMessage", "message", "extractionError", "jobType",
    "processingType", "columnLineage", "fields", "inputFields", "field", "transformations",
    "transformationType", "masking", "lineage", "entries", "symlinks", "identifiers",
    "lifecycleStateChange", "previousIdentifier", "version", "datasetVersion", "datasetType", "subset",
    "inputCondition", "outputCondition", "partitions", "dimensions", "locations", "inputStatistics",
    "outputStatistics", "rowCount", "dataQualityAssertions", "assertions", "assertion", "success",
    "expected", "actual", "_deleted",
])  # fmt: skip
WORDS = st.sampled_from(
    ["", "a", "JOB", "DATASET", "RENAME", "COMPLETE", "inmemory://", "2026-11-22T12:00:00Z"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(max_size=3)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=25,
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=6)
ENTRIES = st.lists(OBJECTS.map(lambda parts: {**parts, **dataset("x")}), max_size=2)
PLACES = [
    ("run", "facets"), ("job", "facets"), ("dataset", "facets"), ("dataset", "outputFacets"), ("inputs",),
    ("outputs",), ("eventType",),
]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON | OBJECTS), max_size=4), st.sampled_from(Kind))
def test_nothing_an_event_holds_makes_reading_it_fail(
    parts: list[tuple[tuple[str, ...], Any]], kind: Kind
) -> None:
    event = {Kind.RUN: run_event("START"), Kind.JOB: job_event(), Kind.DATASET: dataset_event()}[kind]
    for place, value in parts:
        *outer, last = place
        holder = event
        for key in outer:
            if key in holder:
                holder = holder[key]
        holder[last] = value
    check(event)


@given(OBJECTS, ENTRIES, ENTRIES)
def test_nothing_a_facet_holds_makes_reading_it_fail(
    facets: Json, inputs: list[Json], outputs: list[Json]
) -> None:
    check(run_event("START", inputs=inputs, outputs=outputs, run_facets=facets, job_facets=facets))
    check({**dataset_event(), "dataset": dataset("x", facets=facets)})


@given(OBJECTS)
def test_any_object_is_read_or_refused(event: Json) -> None:
    try:
        check({"eventTime": "2026-11-22T12:00:00Z", **event})
    except ValueError as error:
        assert "neither" in str(error)  # noqa: PT017  # any other error is the failure


def check(event: Json) -> None:
    """Read an event and look at what must hold of any reading."""
    seen = read(event)
    keys = [(u.dataset, u.direction) for u in seen.uses]
    assert len(keys) == len(set(keys))
    assert all(u.dataset.name for u in seen.uses)
    inputs = {u.dataset for u in seen.uses if u.direction is Direction.INPUT}
    assert {source.dataset for u in seen.uses for source in u.sources or ()} <= inputs
    assert seen == read(event)
