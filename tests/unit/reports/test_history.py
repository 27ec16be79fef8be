from pathlib import Path

import numpy as np
import pytest

from lungdet.reports.history import draw_history, read_history


def written(folder: Path, text: str) -> Path:
    path = folder / "history.csv"
    path.write_text(text)
    return path


def test_columns_come_by_name_and_gaps_are_nan(tmp_path: Path):
    history = read_history(written(tmp_path, "epoch,loss,val_cpm\n1,2.5,\n2,1.5,0.4\n3,nonsense\n"))
    assert history["epoch"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(history["loss"], [2.5, 1.5, np.nan])
    np.testing.assert_array_equal(history["val_cpm"], [np.nan, 0.4, np.nan])


@pytest.mark.parametrize("text", ["", "epoch,loss\n", "loss,cpm\n1,2\n", "epoch,loss\n1,2\n2,3,4\n"])
def test_what_is_no_history_is_refused(tmp_path: Path, text: str):
    with pytest.raises(ValueError, match=r"history\.csv: a history needs"):
        read_history(written(tmp_path, text))


@pytest.mark.parametrize("text", ["iteration,loss\n1,2\n", "epoch,loss,val_cpm,rate\n1,2,,0.1\n", "epoch,rate\n1,2\n"])
def test_a_history_becomes_a_figure(tmp_path: Path, text: str):
    history = read_history(written(tmp_path, text))
    figure = draw_history(history)
    assert figure["png"].startswith(b"\x89PNG")
    assert b"svg" in figure["svg"][:200]
    assert draw_history(history) == figure
