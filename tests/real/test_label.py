"""The shipped router on real files: DICOM of every kind, odd ones, hostile ones."""

import time
from pathlib import Path

import pytest

from lungdet.workflows import LabelSummary, label


@pytest.fixture(scope="module")
def summary(real_data: Path) -> LabelSummary:
    began = time.monotonic()
    done = label([real_data / "radiographs_dicom", real_data / "broken"], progress=False, batch_size=4)
    assert time.monotonic() - began < 300
    return done


def test_every_radiograph_is_read(summary: LabelSummary):
    failed = [labelled.error for labelled in summary.failed if "radiographs_dicom" in labelled.file]
    assert failed == []
    assert sum("radiographs_dicom" in labelled.file for labelled in summary.files) >= 10


def test_what_is_broken_has_a_reason_that_names_it(summary: LabelSummary):
    assert any("deeply_nested" in labelled.file for labelled in summary.failed)
    for labelled in summary.failed:
        assert Path(labelled.file).name in labelled.error
        assert "\n" not in labelled.error


def test_one_picture_in_three_codecs_is_one_answer(summary: LabelSummary):
    same = [labelled for labelled in summary.files if Path(labelled.file).name.startswith("RG3_")]
    assert len(same) >= 3
    assert len({labelled.label for labelled in same}) == 1
    assert max(labelled.probability for labelled in same) - min(labelled.probability for labelled in same) < 0.02
