import csv
import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import DataLoader, MetaTensor
from monai.data.utils import no_collation
from monai.engines import SupervisedEvaluator
from PIL import Image
from sklearn.metrics import f1_score
from torch import Tensor, nn

from lungdet.engines import (
    CalibrationFitter,
    ClassificationEvaluationSaver,
    DisturbedOutput,
    ScoredPicture,
    classification_files,
    evaluate_pictures,
    prepare_picture_batch,
    read_scored_picture,
)
from lungdet.engines.save_classification import read_router
from lungdet.engines.scored_picture import unrepeated_pictures
from lungdet.inferers import EmbeddingInferer
from lungdet.records import BodyPartClass, ClassList
from lungdet.routing import Router

SINGLE = ClassList("three", tuple(BodyPartClass(name) for name in ("dark", "grey", "bright")))
GROUPED = ClassList(
    "shades",
    (BodyPartClass("dark", group="dull"), BodyPartClass("grey", group="dull"), BodyPartClass("bright", group="vivid")),
    multi_label=True,
    groups=("vivid", "dull"),
)
SIDE = 16
FILES = {
    "metrics.json", "classes.csv", "pictures.csv", "label_errors.csv", "speed.json", "robustness.csv",
    "label_errors.png", "confusion.png", "reliability.png", "coverage.png", "robustness.png",
}  # fmt: skip


class Brightness(nn.Module):
    """Knows three shades of grey by the mean of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.centers = nn.Parameter(torch.tensor([0.1, 0.5, 0.9]))

    def embed(self, images: Tensor) -> Tensor:
        flat = images.flatten(1)
        return torch.stack([flat.mean(dim=1), flat.std(dim=1)], dim=1)

    def classify(self, embedding: Tensor) -> Tensor:
        return -50 * (embedding[:, :1] - self.centers).square()

    def forward(self, images: Tensor) -> Tensor:
        return self.classify(self.embed(images))


def shade(label: Any, name: str, level: float, patient: Any = None) -> dict[str, Any]:
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    noise = 0.02 * torch.rand(1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    item = {"image": MetaTensor(noise + level, meta={"filename_or_obj": f"/data/{name}.png"}), "label": label}
    return item if patient is None else {**item, "patient": patient}


def shades(count: int = 30, seed: int = 0) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    levels = np.array([0.1, 0.5, 0.9])[labels] + rng.normal(0, 0.08, count)
    return [
        shade(int(label), f"{seed}/{number:03d}", float(np.clip(level, 0, 0.95)), f"p{number // 2}")
        for number, (label, level) in enumerate(zip(labels, levels, strict=True))
    ]


def evaluate(items: list[dict[str, Any]], folder: Path, classes: ClassList = SINGLE, **options: Any) -> dict[str, Any]:
    decollate, network = options.pop("decollate", False), options.pop("network", None) or Brightness()
    collate = {} if decollate else {"collate_fn": no_collation}
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(items, batch_size=8, **collate),
        network=network,
        inferer=EmbeddingInferer(),
        prepare_batch=prepare_picture_batch if not decollate else prepare_collated,
        decollate=decollate,
        val_handlers=[ClassificationEvaluationSaver(folder, classes, resamples=50, **options)],
    )
    evaluator.run()
    content: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return content


def prepare_collated(batch: Any, device: Any = None, non_blocking: bool = False) -> tuple[Tensor, Tensor]:
    return batch["image"].as_tensor(), batch["label"]


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / name).read_text())))


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluated")
    items = shades()
    items[3]["label"] = (items[3]["label"] + 1) % 3  # a wrong label
    evaluate(items, folder)
    return folder


def test_all_files_are_written_and_pictures_can_be_read(evaluated: Path):
    assert {path.name for path in evaluated.iterdir()} == FILES
    for path in evaluated.glob("*.png"):
        assert min(Image.open(path).size) > 50, path


def test_scores_are_those_of_scikit_learn(evaluated: Path):
    content, table = json.loads((evaluated / "metrics.json").read_text()), rows(evaluated, "pictures.csv")
    scores = content["labels"]["scores"]
    given, chosen = [row["label"] for row in table], [row["chosen"] for row in table]
    assert scores["macro_f1"] == pytest.approx(f1_score(given, chosen, average="macro"))
    assert scores["accuracy"] == pytest.approx(np.mean([int(row["right"]) for row in table]))
    assert content["pictures"] == len(table) == 30
    assert content["patients"] == content["labels"]["intervals"]["patients"] == 15
    low, high = content["labels"]["intervals"]["macro_f1"]
    assert low <= scores["macro_f1"] <= high
    for row in table:
        assert sum(float(row[f"p_{name}"]) for name in SINGLE.names) == pytest.approx(1)


def test_the_wrong_label_is_found_and_shown(evaluated: Path):
    found = rows(evaluated, "label_errors.csv")
    assert found[0]["file"] == "003.png"
    assert found[0]["label"] == found[0]["doubted"] != found[0]["suggested"]
    assert json.loads((evaluated / "metrics.json").read_text())["label_errors"]["pictures"] == len(found)


def test_every_disturbance_has_a_row(evaluated: Path):
    table = {row["disturbance"]: row for row in rows(evaluated, "robustness.csv")}
    assert set(table) >= {"none", "inversion", "quarter_turn_left", "collimation_40", "burned_in_text", "low_exposure", "levels_64"}  # fmt: skip # noqa: E501
    scores = json.loads((evaluated / "metrics.json").read_text())["labels"]["scores"]
    assert float(table["none"]["accuracy"]) == scores["accuracy"]
    assert float(table["half_turn"]["accuracy"]) == scores["accuracy"]  # the mean of a picture does not care
    assert float(table["inversion"]["accuracy"]) < 0.7  # but for the grey ones all are wrong


def test_speed_is_told_apart_from_the_scores(evaluated: Path, tmp_path: Path):
    speed = json.loads((evaluated / "speed.json").read_text())
    assert speed["pictures"] == 30
    assert 0 < speed["pictures_per_second"] <= speed["pictures_per_second_labelling"]
    items = shades()
    items[3]["label"] = (items[3]["label"] + 1) % 3
    evaluate(items[::-1], tmp_path)
    for name in FILES - {"speed.json"}:
        assert (tmp_path / name).read_bytes() == (evaluated / name).read_bytes(), name


def test_an_evaluator_that_decollates_gives_the_same(evaluated: Path, tmp_path: Path):
    items = shades()
    items[3]["label"] = (items[3]["label"] + 1) % 3
    evaluate(items, tmp_path, decollate=True)
    assert (tmp_path / "pictures.csv").read_bytes() == (evaluated / "pictures.csv").read_bytes()


def test_several_doubts_about_one_picture_are_one_row():
    sure, doubtful = [9.0, 0, 0], [0, 9.0, 0]
    both = np.array([True, True, False])
    pictures = [scored(f"a{k}", 0, sure) for k in range(5)] + [scored(f"b{k}", 1, doubtful) for k in range(5)]
    pictures += [scored("c", 1, sure), ScoredPicture("d", "", both, False, np.array([5.0, 5, -5]))]
    router = read_router(GROUPED, None, None, None)
    scores = evaluate_pictures(pictures, router, resamples=5)
    found = scores.label_error_rows()
    assert [(row["file"], row["label"], row["doubted"], row["suggested"]) for row in found] == [
        ("c", "grey", "grey", "dark")
    ]
    assert [picture.name for picture in scores.doubtful_pictures()] == ["c"]
    assert scores.to_json()["label_errors"] == {"pictures": 1, "part": 1 / 12}


class Fickle(Brightness):
    """Says something else while it is trained, and learns from what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.drop = nn.BatchNorm2d(1, momentum=0.5), nn.Dropout(0.5)

    def embed(self, images: Tensor) -> Tensor:
        return super().embed(self.drop(self.norm(images)))


def test_disturbing_does_not_train(tmp_path: Path):
    network = Fickle()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    evaluate(shades(), tmp_path, network=network, disturbances=["none"])
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    scores = json.loads((tmp_path / "metrics.json").read_text())["labels"]["scores"]
    assert float(rows(tmp_path, "robustness.csv")[0]["macro_f1"]) == scores["macro_f1"]


def test_several_labels_and_groups(tmp_path: Path):
    items = [
        shade(np.array([0.0, 0, 1]), "a", 0.9),
        shade(np.array([1.0, 1, 0]), "b", 0.3),  # half way between dark and grey
        shade(np.array([0.0, 0, 0]), "c", 0.5),
        shade(np.array([1.0, 0, 0]), "d", 0.1),
    ]
    content = evaluate(items, tmp_path, GROUPED, disturbances=["none", "inversion"])
    assert (tmp_path / "confusion_groups.png").is_file()
    table = {row["file"]: row for row in rows(tmp_path, "pictures.csv")}
    assert (table["b.png"]["label"], table["b.png"]["chosen"], table["b.png"]["right"]) == (
        "dark;grey",
        "dark;grey",
        "1",
    )
    assert (table["c.png"]["label"], table["c.png"]["chosen"], table["c.png"]["right"]) == ("", "grey", "0")
    assert content["labels"]["scores"]["accuracy"] == 0.75
    names = [row["class"] for row in content["groups"]["scores"]["classes"]]
    assert (names, content["groups"]["scores"]["macro_recall"]) == (["vivid", "dull"], 1.0)
    assert [row["name"] for row in rows(tmp_path, "classes.csv")] == ["dark", "grey", "bright", "vivid", "dull"]
    assert float(rows(tmp_path, "robustness.csv")[0]["group_accuracy"]) == 0.75


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_one_picture_of_one_patient_and_classes_without_an_example(tmp_path: Path, activation: str):
    classes = GROUPED if activation == "sigmoid" else SINGLE
    label = np.array([0.0, 1, 0]) if activation == "sigmoid" else 1
    content = evaluate([shade(label, "only", 0.5, 7)], tmp_path, classes, activation=activation)
    assert content["labels"]["scores"]["classes_without_example"] == ["dark", "bright"]
    assert content["labels"]["intervals"]["macro_f1"] == [None, None]
    assert rows(tmp_path, "pictures.csv")[0]["patient"] == "7"
    assert {path.name for path in tmp_path.iterdir()} >= FILES


def test_pictures_of_another_kind_count_for_the_domain_alone(tmp_path: Path):
    network = Brightness()
    torch.save(network.state_dict(), tmp_path / "model.pt")
    router = fitter(network, tmp_path, shades(40, 1), shades(40, 2)).fit()
    assert router is not None
    noise = [
        {"image": torch.rand(1, SIDE, SIDE, generator=torch.Generator().manual_seed(k)), "label": -1} for k in range(8)
    ]
    options = {"router_file": tmp_path / "router.json", "checkpoint": tmp_path / "model.pt"}
    content = evaluate([*shades(), *noise], tmp_path / "eval", **options)
    assert (content["pictures"], content["out_of_domain"]["foreign_pictures"]) == (30, 8)
    assert content["out_of_domain"]["auroc"] == 1.0
    assert content["out_of_domain"]["foreign_above_limit"] == 1.0
    assert content["decision"]["temperature"] == router.calibration.temperature
    decided = router.decide_batch(
        np.stack([network(item["image"][None].as_tensor()).detach().numpy()[0] for item in shades()]),
        np.stack([network.embed(item["image"][None].as_tensor()).detach().numpy()[0] for item in shades()]),
    )
    assert [row["decision"] for row in rows(tmp_path / "eval", "pictures.csv")] == [each.decision for each in decided]


def fitter(network: nn.Module, folder: Path, validation: Any, training: Any, **options: Any) -> CalibrationFitter:
    options = {"target_accuracy": 0.9, "confidence": None, **options}
    files = folder / "model.pt", folder / "router.json"
    return CalibrationFitter(network, *files, SINGLE, validation, training, inferer=EmbeddingInferer(), **options)


def test_the_fitter_writes_a_router_for_the_saved_weights(tmp_path: Path, make_trainer: Any):
    best = Brightness()
    torch.save(best.state_dict(), tmp_path / "model.pt")
    latest = Brightness()
    with torch.no_grad():
        latest.centers.fill_(0.0)  # what training went on to
    make_trainer([fitter(latest, tmp_path, shades(30, 1), shades(30, 2))]).run()
    router = Router.load(tmp_path / "router.json", checkpoint=tmp_path / "model.pt")
    assert router.out_of_domain is not None
    assert router.abstention.reached
    assert (latest.centers == 0).all()
    best.centers.data += 0.01
    torch.save(best.state_dict(), tmp_path / "model.pt")
    with pytest.raises(ValueError, match="fit it again"):
        Router.load(tmp_path / "router.json", checkpoint=tmp_path / "model.pt")


def test_a_fit_without_training_pictures_or_validation(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    network = Brightness()
    torch.save(network.state_dict(), tmp_path / "model.pt")
    assert fitter(network, tmp_path, [], shades()).fit() is None
    assert "no labelled validation picture" in caplog.text
    assert not (tmp_path / "router.json").exists()
    router = fitter(network, tmp_path, shades(10), None, target_accuracy=0.99, confidence=0.9).fit()
    assert router is not None
    assert not router.abstention.reached
    assert "everything goes to a person" in caplog.text
    torch.save(nn.Linear(1, 1).state_dict(), tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"model\.pt: weights of another network"):
        fitter(network, tmp_path, shades(10), None).fit()


def scored(name: str, label: int, logits: list[float], **more: Any) -> ScoredPicture:
    return ScoredPicture(name, "", np.arange(3) == label, label < 0, np.array(logits), **more)


def test_a_picture_that_is_there_twice_counts_once(caplog: pytest.LogCaptureFixture):
    pictures = [
        scored("b", 0, [1, 0, 0]),
        scored("a", 0, [1, 0, 0]),
        scored("b", 0, [1, 0, 0]),
        scored("", 1, [0, 1, 0]),
    ]
    assert [picture.name for picture in unrepeated_pictures([*pictures, scored("", 1, [0, 1, 0])])] == [
        "",
        "",
        "a",
        "b",
    ]
    assert "1 pictures were there more than once" in caplog.text


def test_disturbed_pictures_out_of_the_domain_are_not_answered():
    pictures = [
        scored(str(k), 0, [9, 0, 0], disturbed={"inversion": DisturbedOutput(np.array([9.0, 0, 0]), strange)})
        for k, strange in enumerate((None, 0.5, 1.5))
    ]
    row = evaluate_pictures(pictures, read_router(SINGLE, None, None, None), resamples=5).robustness[0]
    assert (row["accuracy"], row["answered"]) == (1.0, pytest.approx(2 / 3))


def test_what_cannot_be_scored_is_refused(tmp_path: Path):
    router = read_router(SINGLE, None, None, None)
    with pytest.raises(ValueError, match="none of 1 pictures has a label of three"):
        evaluate_pictures([scored("a", -1, [0, 0, 0])], router)
    image = MetaTensor(torch.zeros(1, 2, 2), meta={"filename_or_obj": "x.png"})
    with pytest.raises(ValueError, match=r"x\.png: wanted 3 logits, got numbers that are not finite"):
        read_scored_picture({"image": image, "pred": torch.tensor([0.0, np.nan, 0]), "label": 0}, 3)
    with pytest.raises(ValueError, match=r"wanted 3 logits, got shape \(2,\)"):
        read_scored_picture({"pred": torch.zeros(2), "label": 0}, 3)
    with pytest.raises(ValueError, match="no disturbance 'storm'"):
        ClassificationEvaluationSaver(tmp_path, SINGLE, disturbances=["storm"])
    Router(GROUPED, router.calibration, type(router.choice)(True, "softmax")).save(tmp_path / "router.json")
    with pytest.raises(ValueError, match="the router is for shades"):
        read_router(SINGLE, tmp_path / "router.json", None, None)


def test_without_matplotlib_the_tables_and_the_sheet_are_written(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    scores = evaluate_pictures([scored("a", 0, [1, 0, 0])], read_router(SINGLE, None, None, None), resamples=5)
    files = classification_files(scores)
    assert sorted(files) == ["classes.csv", "label_errors.csv", "label_errors.png", "metrics.json", "pictures.csv"]
    assert "no figures are drawn" in caplog.text
