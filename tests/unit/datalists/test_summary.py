from lungdet.datalists import IgnoredBox, LabelledBox, ScanEntry, summarise
from lungdet.datalists.summary import list_reasons

BOX = (0.0, 0.0, 0.0, 8.0, 8.0, 8.0)


def test_table():
    parts = {
        "training": [
            ScanEntry(
                "a", "p", "lps_mm", (LabelledBox(BOX, facts={"readers": 3}),), (IgnoredBox(BOX, "small"),), fold=0
            ),
            ScanEntry("b", "p", "lps_mm", fold=1),
        ],
        "validation": [],
        "test": [
            ScanEntry("c", "q", "lps_mm", (LabelledBox(BOX, facts={"diameter_mm": 25, "readers": 4, "type": "solid"}),))
        ],
    }
    head, training, test, both, *listed = summarise(parts).splitlines()
    assert head.split() == "images patients no box boxes < 6 mm 6-10 mm 10-20 mm >= 20 mm ignored".split()  # noqa: SIM905
    assert training.split() == ["training", "2", "1", "1", "1", "0", "1", "0", "0", "1"]
    assert test.split() == ["test", "1", "1", "0", "1", "0", "0", "0", "1", "0"]
    assert both.split() == ["all", "3", "2", "1", "2", "0", "1", "0", "1", "1"]
    assert listed == [
        "ignored: small: 1",
        "boxes by readers: 3 readers: 1, 4 readers: 1",
        "boxes by type: solid: 1",
        "images by fold: fold 0: 1, fold 1: 1",
    ]


def test_one_part_and_pixels():
    text = summarise({"training": [ScanEntry("a.png", "p", "edge_px", (LabelledBox((0.0, 0.0, 9.0, 9.0)),))]})
    assert "6-10 px" in text
    assert len(text.splitlines()) == 2


def test_sizes_carry_their_unit():
    """A slice has its box in pixels, but a diameter that was measured is in mm."""
    measured = ScanEntry("a.png", "p", "edge_px", (LabelledBox((0.0, 0.0, 40.0, 40.0), facts={"diameter_mm": 9.0}),))
    drawn = ScanEntry("b.png", "p", "edge_px", (LabelledBox((0.0, 0.0, 40.0, 40.0)),))
    assert "6-10 mm" in summarise({"training": [measured]})
    assert "6-10 mm or px" in summarise({"training": [measured, drawn]})


def test_long_lists_are_cut():
    assert list_reasons("left out", []) == ""
    assert list_reasons("left out", ["a"]) == "left out: 1\n  a"
    assert list_reasons("left out", ["a"] * 12).splitlines()[-1] == "  ... and 2 more"
