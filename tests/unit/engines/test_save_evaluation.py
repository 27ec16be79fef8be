import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import DataLoader, MetaTensor
from monai.engines import SupervisedEvaluator
from monai.transforms import Compose, CopyItemsd
from PIL import Image

from lungdet.engines import EvaluationSaver, detections_from_engine, evaluation_files, read_scored_scan, score_scans
from lungdet.engines.save_evaluation import unrepeated
from lungdet.engines.worst_cases import WorstCases
from lungdet.metrics import AveragePrecision, NoduleFROC
from lungdet.reports.pictures import MARK_INDEX

NODULE, ELSEWHERE = [10.0, 10, 10, 14, 14, 14], [30.0, 30, 10, 34, 34, 14]
SPACING = 1.4


def scan(
    name: str,
    boxes: list[list[float]],
    scores: list[float],
    truth: list[list[float]],
    ignored: list[list[float]] | None = None,
    kinds: list[str] | None = None,
) -> dict[str, Any]:
    """The decollated item of an evaluator for one scan; bright where the nodules are."""
    image = torch.zeros(1, 40, 40, 24)
    for box in truth:
        x0, y0, z0, x1, y1, z1 = map(int, box)
        image[0, x0:x1, y0:y1, z0:z1] = 1.0
    affine = torch.diag(torch.tensor([SPACING, SPACING, SPACING, 1.0]))
    item = {
        "image": MetaTensor(image, affine=affine, meta={"filename_or_obj": f"{name}.nii.gz"}),
        "pred_box": torch.tensor(boxes).reshape(-1, 6),
        "pred_score": torch.tensor(scores),
        "true_box": torch.tensor(truth).reshape(-1, 6),
    }
    if ignored is not None:
        item["true_ignore_box"] = torch.tensor(ignored).reshape(-1, 6)
    if kinds is not None:
        item["true_kind"] = kinds or None  # what collation leaves of an empty list
    return item


FOUND = scan("b", [NODULE], [0.9], [NODULE], [], ["solid"])
LATE = scan("a", [ELSEWHERE, NODULE], [0.8, 0.2], [NODULE], [], ["ground_glass"])
HEALTHY = scan("c", [], [], [], [], [])


def evaluate(items: list[dict[str, Any]], folder: Path, **options: Any) -> dict[str, Any]:
    engine = Engine(lambda engine, item: [{key: value for key, value in item[0].items() if key != "image"}])
    EvaluationSaver(folder, **options).attach(engine)
    engine.run([[item] for item in items])
    content: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return content


def test_all_files_are_written_when_the_evaluation_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "history.csv").write_text("epoch,loss,val_cpm\n1,2.5,\n2,1.5,0.4\n")
    folder = tmp_path / "new" / "folder"
    content = evaluate([FOUND, LATE, HEALTHY], folder, history=tmp_path / "history.csv")
    names = ["froc.png", "loss.png", "metrics.json", "pr.png", "scans.csv", "worst.png"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert (content["scans"], content["nodules"]) == (3, 2)
    # Half are found without any false mark, all with a third of a false mark a scan.
    official = content["protocols"]["luna16"]
    sensitivity = dict(zip(official["fp_rates"], official["sensitivities"], strict=True))
    assert sensitivity[0.125] == pytest.approx(0.5)
    assert sensitivity[0.5] == sensitivity[8.0] == pytest.approx(1.0)
    for name in ("luna16", "simplified"):
        low, high = content["protocols"][name]["intervals"]["cpm"]
        assert low <= content["cpm"][name] <= high
    point = content["operating_point"]
    assert point == {"threshold": 0.3, "sensitivity": 0.5, "false_positives_per_scan": pytest.approx(1 / 3),
                     "precision": 0.5}  # fmt: skip
    printed = capsys.readouterr().out
    assert "luna16: " in printed
    assert "simplified: " in printed
    assert "worst.png" in printed


def test_strata_say_what_the_truth_says(tmp_path: Path):
    strata = evaluate([FOUND, LATE, HEALTHY], tmp_path)["protocols"]["luna16"]["strata"]
    labels = {(part["kind"], part["label"]): part for part in strata}
    assert set(labels) == {("size", "< 6 mm"), ("kind", "solid"), ("kind", "ground_glass")}  # 4 voxels of 1.4 mm
    assert labels["kind", "solid"]["cpm"] == 1.0
    assert labels["kind", "ground_glass"]["cpm"] < 1.0
    assert all(part["cpm_interval"][0] <= part["cpm"] <= part["cpm_interval"][1] for part in strata)


def test_scores_are_those_of_the_metrics():
    rng = np.random.default_rng(0)
    items, froc_metric = [], NoduleFROC(spacing_mm=SPACING)
    average = AveragePrecision((0.1, 0.5))
    for number in range(12):
        low = rng.uniform(0, 30, (6, 3))
        truth, ignored = np.hstack([low, low + 6])[:2], np.hstack([low, low + 6])[2:3]
        found = np.hstack([low, low + 6]) + rng.normal(0, 1.5, (6, 1))
        found = np.vstack([found, rng.permutation(found) + 0.5])
        items.append(scan(f"{number:02d}", found.tolist(), rng.random(12).tolist(), truth.tolist(), ignored.tolist()))
        for metric in (froc_metric, average):
            metric.update(detections_from_engine()([items[-1]]))
    content = score_scans([read_scored_scan(item) for item in items]).to_json()
    expected = froc_metric.result().to_json()
    official = content["protocols"]["luna16"]
    for name in ("cpm", "sensitivities", "nodules", "marks", "on_excluded", "double_hits", "false_positives"):
        assert official[name] == expected[name], name
    assert official["on_excluded"]
    assert 0 < official["cpm"] < 1
    assert official["intervals"]["cpm"] == list(froc_metric.intervals().cpm)
    for least, value in average.by_iou().items():
        assert content["average_precision"][f"iou_{least:g}"] == pytest.approx(value)
    assert content["protocols"]["simplified"]["on_excluded"] == 0


def test_each_scan_has_a_row(tmp_path: Path):
    evaluate([FOUND, LATE, HEALTHY], tmp_path, threshold=0.5)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "scans.csv").read_text())))
    assert [row["scan"] for row in rows] == ["a", "b", "c"]
    late, found, healthy = rows
    assert [late[name] for name in ("nodules", "hits", "misses", "false_positives")] == ["1", "0", "1", "1"]
    assert float(late["top_false_score"]) == pytest.approx(0.8)
    assert [found[name] for name in ("hits", "misses", "false_positives", "top_false_score")] == ["1", "0", "0", ""]
    assert healthy["nodules"] == "0"
    assert all(float(row["seconds"]) >= 0 for row in rows)


def test_the_order_of_scans_does_not_matter():
    scans = [read_scored_scan(item) for item in (FOUND, LATE, HEALTHY)]
    first, second = (evaluation_files(score_scans(order)) for order in (scans, scans[::-1]))
    assert first == second


def test_scans_without_marks_count():
    silent = scan("s", [], [], [NODULE], [])
    content = score_scans([read_scored_scan(silent), read_scored_scan(FOUND)]).to_json()
    assert content["scans"] == 2
    assert content["cpm"]["luna16"] == pytest.approx(0.5)


def test_without_nodules_there_is_no_score(tmp_path: Path):
    content = evaluate([HEALTHY, scan("d", [ELSEWHERE], [0.7], [], [])], tmp_path)
    assert content["cpm"] == {"luna16": None, "simplified": None}
    assert content["operating_point"]["false_positives_per_scan"] == 0.5
    assert content["average_precision"] == {"distance": None, "iou_0.1": None, "iou_0.5": None}
    assert (tmp_path / "froc.png").is_file()


def test_marks_on_what_is_ignored_are_no_errors():
    ignoring = read_scored_scan(scan("e", [ELSEWHERE, NODULE], [0.8, 0.2], [NODULE], [ELSEWHERE]))
    content = score_scans([ignoring]).to_json()
    assert content["cpm"]["luna16"] == 1.0
    assert content["average_precision"]["iou_0.5"] == 1.0
    assert content["operating_point"]["false_positives_per_scan"] == 0
    assert content["protocols"]["simplified"]["false_positives"] == 1


def test_the_name_says_when_nobody_said_what_to_ignore():
    official = score_scans([read_scored_scan(scan("f", [NODULE], [0.9], [NODULE]))]).to_json()["protocols"]["luna16"]
    assert official["protocol"] == "luna16 (no exclusion list)"
    assert official["notes"]


def test_the_worst_come_first_and_few_are_kept():
    worst = WorstCases(limit=2, threshold=0.5)
    sizes = {"small": 3.0, "large": 8.0, "dim": 5.0, "seen": 6.0}
    for name, size in sizes.items():
        box = [10.0, 10, 10, 10 + size, 10 + size, 10 + size]
        marks = {"dim": 0.4, "seen": 0.7}
        boxes, scores = ([box], [marks[name]]) if name in marks else ([ELSEWHERE], [size / 10])
        item = scan(name, boxes, scores, [box], [], ["solid"])
        worst.add(read_scored_scan(item), EvaluationSaver("unused")._volume(item["image"], read_scored_scan(item)))
    (missed, false) = worst.columns().values()
    assert [case.caption for case in missed] == [
        ("missed: 11.2 mm solid, no mark", "large at (-19, -19, 19) mm LPS"),
        ("missed: 4.2 mm solid, no mark", "small at (-15, -15, 15) mm LPS"),
    ]
    assert [case.caption[0] for case in false] == ["false: score 0.80, 5.6 mm", "false: score 0.30, 5.6 mm"]
    x0, y0, z0, x1, y1, z1 = map(int, missed[0].box)
    inside = missed[0].volume.array[x0:x1, y0:y1, z0:z1]
    assert (inside == 400).all()  # white in the window of detection
    assert (missed[0].volume.array == 400).sum() == inside.size
    joined = WorstCases.joined([worst, worst, WorstCases(2, 0.5)])
    assert joined.columns() == worst.columns()


def test_pictures_show_boxes_of_both_sorts(tmp_path: Path):
    evaluate([LATE], tmp_path)
    sheet = np.asarray(Image.open(tmp_path / "worst.png"))
    left, right = np.array_split(sheet, 2, axis=1)
    assert (left == MARK_INDEX).any()
    assert (right == MARK_INDEX).any()
    evaluate([HEALTHY], tmp_path)
    assert not (np.asarray(Image.open(tmp_path / "worst.png")) == MARK_INDEX).any()


def test_a_scan_that_two_processes_saw_counts_once(caplog: pytest.LogCaptureFixture):
    one, again, other = (read_scored_scan(item) for item in (FOUND, FOUND, LATE))
    assert unrepeated([one, again, other]) == [one, other]
    assert "more than once" in caplog.text
    nameless = read_scored_scan({**FOUND, "image": MetaTensor(torch.zeros(1, 4, 4, 4))})
    assert len(unrepeated([nameless, read_scored_scan({**FOUND, "image": MetaTensor(torch.zeros(1, 4, 4, 4))})])) == 2


def test_monais_evaluator_hands_on_scans_with_and_without_nodules(tmp_path: Path):
    """Empty boxes and empty lists of labels survive collation and its inverse."""

    def listed(number: int, nodules: int) -> dict[str, Any]:
        item = scan(f"scan-{number}", [], [], [NODULE] * nodules)
        kinds = ["solid", "ground_glass"][:nodules]
        return {"image": item["image"], "box": item["true_box"], "ignore_box": torch.empty(0, 6), "kind": kinds}

    def detect(item: dict[str, Any]) -> dict[str, Any]:
        found = {"pred_box": torch.tensor([NODULE]), "pred_score": torch.tensor([0.9])}
        return {**item, **found}

    names = CopyItemsd(
        ["box", "ignore_box", "kind"], names=["true_box", "true_ignore_box", "true_kind"], allow_missing_keys=True
    )
    evaluator = SupervisedEvaluator(
        device="cpu",
        val_data_loader=DataLoader([listed(0, 2), listed(1, 0), listed(2, 1)], batch_size=1),
        network=torch.nn.Identity(),
        postprocessing=Compose([detect, names]),
        key_val_metric={"cpm": NoduleFROC(spacing_mm=SPACING, output_transform=detections_from_engine())},
        val_handlers=[EvaluationSaver(tmp_path)],
    )
    evaluator.run()
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert (content["scans"], content["nodules"]) == (3, 3)
    assert content["cpm"]["luna16"] == evaluator.state.metrics["cpm"]
    labels = {part["label"]: part["nodules"] for part in content["protocols"]["luna16"]["strata"]}
    assert labels == {"< 6 mm": 3, "solid": 2, "ground_glass": 1}
    assert [row.split(",")[0] for row in (tmp_path / "scans.csv").read_text().split()[1:]] == [
        "scan-0", "scan-1", "scan-2",
    ]  # fmt: skip


def test_labels_must_fit_the_nodules():
    with pytest.raises(ValueError, match="'true_kind' holds 2 labels for 1 nodules"):
        read_scored_scan(scan("g", [], [], [NODULE], [], ["solid", "solid"]))


def test_without_matplotlib_only_curves_are_missing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    files = evaluation_files(score_scans([read_scored_scan(FOUND)]), WorstCases(1, 0.3))
    assert sorted(files) == ["metrics.json", "scans.csv", "worst.png"]
    assert "lungdet[plots]" in caplog.text


def test_a_folder_that_is_a_file_is_refused_before_the_work(tmp_path: Path):
    (tmp_path / "eval").write_text("")
    with pytest.raises(OSError, match="eval"):
        evaluate([FOUND], tmp_path / "eval")
