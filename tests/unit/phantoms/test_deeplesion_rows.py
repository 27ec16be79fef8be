"""``DL_info.csv`` in the form of the data set."""

import csv
import io
from dataclasses import replace

from lungdet.phantoms.deeplesion_rows import INFO_COLUMNS, SyntheticRow, info_csv, truth_csv
from lungdet.readers.deeplesion import COLUMNS

MARKS = (100.0, 50.0, 112.5, 50.0, 105.25, 47.0, 105.25, 52.0)
ROW = SyntheticRow(
    patient=7, study=2, series=1, key_slice=109, recist_px=MARKS, location=(0.4466601, 0.28, 0.5), lesion_type=3,
    slice_range=(103, 115), spacing_mm=(0.48828125, 0.48828125, 5.0), image_size=(512, 512), window_hu=(-175.0, 275.0),
    sex="F", age_years=62.0, split="test", identity="000007-01", u=0.43, part="chest", long_mm=5.8, short_mm=2.5,
    center_mm=(1.0, 2.0, 3.0), change="grows", look="node",
)  # fmt: skip
LINE = (  # by hand: the box is 5 px around the marks, the axes are 12.5 and 5 px long; numbers have six digits
    "000007_02_01_109.png,7,2,1,109,"
    '"100, 50, 112.5, 50, 105.25, 47, 105.25, 52","95, 42, 117.5, 57","12.5, 5","0.44666, 0.28, 0.5",3,0,"103, 115",'
    '"0.488281, 0.488281, 5","512, 512","-175, 275",F,62.0,3'
)


def fields(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_columns_are_those_the_reader_wants():
    assert INFO_COLUMNS == COLUMNS
    assert fields(info_csv([]))[0] == list(COLUMNS)


def test_a_row_is_written_as_the_data_set_writes_it():
    assert info_csv([ROW]).splitlines()[1] == LINE


def test_types_of_the_training_part_can_be_hidden():
    rows = [replace(ROW, split=split) for split in ("train", "validation", "test")]
    column = COLUMNS.index("Coarse_lesion_type")
    assert [row[column] for row in fields(info_csv(rows, hide_training_types=True))[1:]] == ["-1", "3", "3"]
    assert [row[column] for row in fields(info_csv(rows))[1:]] == ["3", "3", "3"]


def test_truth_is_keyed_by_file_and_number():
    rows = [ROW, replace(ROW, key_slice=110), replace(ROW, identity="000007-02")]
    told = fields(truth_csv(rows))
    assert [row[:2] for row in told[1:]] == [
        ["000007_02_01_109.png#0", "000007-01"],
        ["000007_02_01_110.png#0", "000007-01"],
        ["000007_02_01_109.png#1", "000007-02"],
    ]
