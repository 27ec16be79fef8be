import pytest

from lungdet.records import LesionSequence, MeasuredLesion, PatientHistory, SequenceMark


def mark(study: int, lesion_type: str = "liver", patient: str = "p", **more: object) -> SequenceMark:
    return SequenceMark(MeasuredLesion(f"{patient}{study}", patient, study, 1, lesion_type, 10.0), **more)


def test_a_sequence_tells_studies_keys_and_type():
    repeat = MeasuredLesion("again", "p", 3, 2, "lung", 9.0)
    sequence = LesionSequence("p-01", (mark(1, "unknown"), mark(3, "lung", repeats=(repeat,)), mark(4, "liver")))
    assert (sequence.patient, sequence.studies, len(sequence)) == ("p", (1, 3, 4), 3)
    assert sequence.keys == ("p1", "p3", "again", "p4")
    assert sequence.lesion_type == "lung"  # as often as liver, and first
    assert LesionSequence("p-02", (mark(1, "unknown"),)).lesion_type == "unknown"


def test_readings_of_several_series_are_averaged_and_the_largest_cut_of_each_counts():
    def cut(key: str, series: int, long: float, short: float | None) -> MeasuredLesion:
        return MeasuredLesion(key, "p", 1, series, "liver", long, short)

    two = SequenceMark(
        cut("a", 1, 20.0, 11.0), (cut("b", 1, 14.0, 9.0), cut("c", 2, 16.0, 13.0), cut("d", 2, 2.0, 1.0))
    )
    assert (two.long_mm, two.short_mm) == (18.0, 12.0)
    some = SequenceMark(cut("a", 1, 20.0, None), (cut("c", 2, 16.0, 13.0),))
    assert (some.long_mm, some.short_mm) == (18.0, 13.0)
    assert SequenceMark(cut("a", 1, 20.0, None)).short_mm is None


def test_a_history_knows_what_was_followed():
    once, twice = LesionSequence("p-01", (mark(2),)), LesionSequence("p-02", (mark(1), mark(2)))
    assert PatientHistory("p", (1, 2), (once, twice)).followed == (twice,)


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        ((), "needs a mark"),
        ((mark(2), mark(1)), r"studies must rise.*\[2, 1\]"),
        ((mark(1), mark(1)), "studies must rise"),
        ((mark(1), mark(2, patient="q")), "two patients"),
    ],
)
def test_what_is_no_sequence_is_refused(marks: tuple[SequenceMark, ...], message: str):
    with pytest.raises(ValueError, match=message):
        LesionSequence("p-01", marks)


def test_a_repeat_is_of_the_same_study():
    with pytest.raises(ValueError, match="q1 is of another study"):
        mark(1, repeats=(mark(1, patient="q").lesion,))
