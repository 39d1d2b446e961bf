"""Events that declare a graph say, when they are read, what was to be declared."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lineage.declarations import Declaration, Made, dataset_event, job_event
from lineage.model import AliasSeen, DatasetRef, Direction, JobPoint, JobRef, Point, Reason, Source
from lineage.translate import translate

NOON = "2026-11-22T12:00:00.000000Z"
JOB = JobRef("shop", "build")
RAW, MART = DatasetRef("postgres://h:5432", "raw"), DatasetRef("postgres://h:5432", "mart")
IDENTITY = (("DIRECT", "IDENTITY", None, False),)

datasets = st.builds(DatasetRef, st.just("ns"), st.sampled_from("abcd"))
texts = st.text(min_size=1, max_size=3)
optional = st.none() | texts
transformations = st.lists(st.tuples(texts, optional, optional, st.booleans()), max_size=2).map(tuple)
sources = st.lists(st.builds(Source, datasets, optional, optional, transformations), max_size=4).map(
    lambda found: tuple(sorted(set(found), key=repr))
)


@given(st.sets(datasets), st.dictionaries(datasets, st.none() | sources))
def test_a_job_event_is_read_as_it_was_meant(
    inputs: set[DatasetRef], outputs: dict[DatasetRef, tuple[Source, ...] | None]
) -> None:
    made = [Made(dataset, said) for dataset, said in outputs.items()]
    seen = translate(job_event(Declaration(JOB, dict.fromkeys(inputs, False), made), NOON), 0, "id")
    assert seen.job == JOB
    read = {use.dataset for use in seen.uses if use.direction is Direction.INPUT and not use.implied}
    written = {use.dataset: use.sources for use in seen.uses if use.direction is Direction.OUTPUT}
    assert read == inputs
    assert written == outputs
    implied = {source.dataset for said in outputs.values() for source in said or ()} - inputs
    assert {use.dataset for use in seen.uses if use.implied} == implied


def test_columns_are_told_by_the_facet_that_most_backends_read() -> None:
    said = (Source(RAW, "id", "key", IDENTITY), Source(RAW, "country", None, ()))
    (output,) = job_event(Declaration(JOB, {RAW: False}, [Made(MART, said)]), NOON)["outputs"]
    facet = output["facets"]["columnLineage"]
    assert facet["fields"] == {
        "key": {
            "inputFields": [
                {
                    "namespace": RAW.namespace, "name": "raw", "field": "id",
                    "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}],
                }
            ]
        }
    }  # fmt: skip
    assert facet["dataset"] == [{"namespace": RAW.namespace, "name": "raw", "field": "country"}]
    assert facet["_schemaURL"].startswith("https://openlineage.io/spec/facets/1-2-0/ColumnLineage")


def test_an_output_that_is_made_from_nothing_says_so() -> None:
    event = job_event(Declaration(JOB, {RAW: False}, [Made(MART, ())]), NOON)
    (entry,) = event["job"]["facets"]["lineage"]["entries"]
    assert (entry["type"], entry["name"], entry["inputs"]) == ("DATASET", "mart", [])
    (use,) = (use for use in translate(event, 0, "id").uses if use.direction is Direction.OUTPUT)
    assert use.sources == ()


def test_lineage_between_jobs_comes_back() -> None:
    before, after = JobPoint("shop", "load", Point.AFTER), JobPoint("shop", "send", Point.BEFORE)
    through = Made(MART, (Source(before, None, None, ()),))
    event = job_event(Declaration(JOB, {before: True}, [Made(after, ()), through]), NOON)
    assert event["inputs"] == []
    assert [output["name"] for output in event["outputs"]] == ["mart"]
    seen = {(use.dataset, use.direction): use for use in translate(event, 0, "id").uses}
    assert set(seen) == {
        (before, Direction.INPUT), (after, Direction.OUTPUT), (MART, Direction.OUTPUT),
    }  # fmt: skip
    assert not seen[before, Direction.INPUT].implied
    assert seen[after, Direction.OUTPUT].sources == ()
    assert seen[MART, Direction.OUTPUT].sources == through.sources


def test_what_only_passes_data_on_stays_artificial() -> None:
    passed = DatasetRef("spark", "tmp")
    event = job_event(Declaration(JOB, {passed: True}, [Made(MART, None, artificial=True)]), NOON)
    assert {use.dataset for use in translate(event, 0, "id").uses if use.artificial} == {passed, MART}


def test_a_dataset_event_tells_other_names_and_declared_sources() -> None:
    said = (Source(RAW, "id", "key", IDENTITY), Source(RAW, None, None, ()))
    seen = translate(dataset_event(MART, [RAW], said, NOON), 0, "id")
    assert seen.aliases == [AliasSeen(MART, RAW, Reason.SYMLINK)]
    assert seen.declares_lineage
    assert seen.uses[0].sources == said
    names_only = translate(dataset_event(MART, [RAW], None, NOON), 0, "id")
    assert (names_only.uses, names_only.declares_lineage) == ([], False)
