import csv
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
from sklearn.metrics import accuracy_score, cohen_kappa_score, log_loss, roc_auc_score
from torch import Tensor, nn

from lungdet.engines import CubeKeys, NoduleAnswerSaver, WorstCubes, read_scored_cube, score_cubes
from lungdet.engines.prepare_batch import flat_items
from lungdet.engines.scored_cube import unrepeated_cubes
from lungdet.metrics.rating_levels import levels_from_shares
from lungdet.records import NODULE_TYPES, ORDINAL_RATINGS, NoduleAnswer, RatingAnswer

SIDE = 8
FILES = {"metrics.json", "cubes.csv", "roc.png", "confusion.png", "reliability.png", "ratings.png", "worst.png"}
NOTHING = np.full((7, 4), np.nan, dtype=np.float32)


def answer(logits: Tensor) -> list[NoduleAnswer]:
    rows = logits.double().numpy()
    return [answer_of(row) for row in rows]


def answer_of(row: np.ndarray) -> NoduleAnswer:
    kinds = np.exp(row[1:5] - row[1:5].max())
    above = np.minimum.accumulate(1 / (1 + np.exp(-row[5:].reshape(7, 4))), axis=1)
    levels = levels_from_shares(above)
    ratings = [RatingAnswer.of_levels(name, part.tolist()) for name, part in zip(ORDINAL_RATINGS, levels, strict=True)]
    return NoduleAnswer(float(1 / (1 + np.exp(-row[0]))), tuple((kinds / kinds.sum()).tolist()), tuple(ratings))


class Told(nn.Module):
    """Reads its answer from the first voxels of a cube."""

    def forward(self, cubes: Tensor) -> Tensor:
        return 20 * (cubes.flatten(1)[:, :33] - 0.5)


def cube(said: np.ndarray, number: int, **truth: Any) -> dict[str, Any]:
    """A cube that says ``said`` when it is put through :class:`Told`."""
    voxels = torch.zeros(SIDE**3)
    voxels[:33] = torch.from_numpy(said / 20 + 0.5)
    meta = {"filename_or_obj": f"/data/scan{number // 4}.nii.gz"}
    known = {"nodule": 0.0, "kind": -1, "ratings": NOTHING, "diameter_mm": np.nan, "place": "vessel_fork"} | truth
    return {
        "image": MetaTensor(voxels.reshape(1, SIDE, SIDE, SIDE), affine=torch.eye(4), meta=meta),
        "nodule": torch.tensor(known["nodule"]),
        "kind": torch.tensor(known["kind"]),
        "ratings": torch.as_tensor(known["ratings"]),
        "diameter_mm": torch.tensor(float(known["diameter_mm"])),
        "center_lps_mm": torch.tensor([float(number), 0, 0]),
        "patient": f"p{number // 4}",
        "place": known["place"],
    }


def cubes(count: int = 60, seed: int = 0) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    items = []
    for place in range(count):
        said = rng.normal(0, 1, 33)
        said[5:] = np.sort(said[5:].reshape(7, 4), axis=1)[:, ::-1].ravel()
        if place % 2:
            kind, level = int(rng.integers(4)), int(rng.integers(1, 6))
            said[0] += 2
            said[1 + kind] += 2
            said[5:9] = 2 * (level - np.arange(1, 5) - 0.5) + rng.normal(0, 0.1)
            shares = np.tile((np.arange(1, 5) < level).astype(np.float32), (7, 1))
            truth = {"nodule": 1.0, "kind": kind, "ratings": shares, "diameter_mm": rng.uniform(4, 20)}
            items.append(cube(said, place, **truth, place="isolated"))
        else:
            items.append(cube(said, place))
    return items


def prepare(batch: Any, device: Any = None, non_blocking: bool = False) -> tuple[Tensor, dict[str, Tensor]]:
    if isinstance(batch, dict):
        return batch["image"].as_tensor(), {"nodule": batch["nodule"]}
    items = list(flat_items(batch))
    return torch.stack([item["image"].as_tensor() for item in items]), {
        "nodule": torch.stack([item["nodule"] for item in items])
    }


def evaluate(items: list[Any], folder: Path, decollate: bool = False, **options: Any) -> dict[str, Any]:
    collate = {} if decollate else {"collate_fn": no_collation}
    saver = NoduleAnswerSaver(folder, answer, **{"resamples": 50, **options})
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(items, batch_size=8, **collate),
        network=Told(),
        prepare_batch=prepare,
        decollate=decollate,
        val_handlers=[saver],
    )
    evaluator.run()
    content: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return content


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "cubes.csv").read_text())))


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("evaluated")
    return folder, evaluate(cubes(), folder)


def test_all_files_are_written_and_pictures_can_be_read(evaluated: tuple[Path, dict[str, Any]]):
    folder, _ = evaluated
    assert {path.name for path in folder.iterdir()} == FILES
    for path in folder.glob("*.png"):
        with Image.open(path) as picture:
            picture.load()


def test_scores_are_those_of_scikit_learn(evaluated: tuple[Path, dict[str, Any]]):
    folder, content = evaluated
    table = rows(folder)
    true, said = [int(row["nodule"]) for row in table], [float(row["p_nodule"]) for row in table]
    assert content["nodule"]["auc"]["value"] == pytest.approx(roc_auc_score(true, said))
    assert content["nodule"]["log_loss"]["value"] == pytest.approx(log_loss(true, said))
    nodules = [row for row in table if row["type"]]
    types = [row["type"] for row in nodules]
    assert content["types"]["accuracy"]["value"] == pytest.approx(
        accuracy_score(types, [row["said_type"] for row in nodules])
    )
    for row, name in zip(content["types"]["scores"]["classes"], NODULE_TYPES, strict=True):
        probabilities = [float(each[f"p_{name}"]) for each in nodules]
        assert row["auc"]["value"] == pytest.approx(roc_auc_score([kind == name for kind in types], probabilities))
    readers = [float(row["malignancy"]) for row in nodules]
    means = [float(row["said_malignancy"]) for row in nodules]
    malignancy = content["ratings"][0]
    assert malignancy["rating"] == "malignancy"
    assert malignancy["mean_error"]["value"] == pytest.approx(np.abs(np.subtract(readers, means)).mean())
    levels = np.argwhere(np.array(malignancy["confusion"]))
    counts = [malignancy["confusion"][a][b] for a, b in levels]
    expected = cohen_kappa_score(*np.repeat(levels + 1, counts, axis=0).T, labels=[1, 2, 3, 4, 5], weights="quadratic")
    assert malignancy["kappa"]["value"] == pytest.approx(expected)
    assert malignancy["cases"] == len(nodules) == 30


def test_sizes_and_places_are_scored_apart(evaluated: tuple[Path, dict[str, Any]]):
    folder, content = evaluated
    table = rows(folder)
    small = [row for row in table if row["diameter_mm"] and float(row["diameter_mm"]) < 6]
    first = content["sizes"][0]
    assert (first["diameter"], first["nodules"]) == ("< 6 mm", len(small))
    assert sum(row["nodules"] for row in content["sizes"]) == 30
    forks = [float(row["p_nodule"]) for row in table if row["place"] == "vessel_fork"]
    place = next(row for row in content["places"] if row["place"] == "vessel_fork")
    assert place["cubes"] == 30
    assert place["taken_for_nodules"] == pytest.approx(np.mean(np.array(forks) >= 0.5))
    assert content["patients"] == 15


def test_neither_order_nor_collation_matters(
    evaluated: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, content = evaluated
    assert evaluate(cubes()[::-1], tmp_path / "reversed") == content
    for name in FILES:
        assert (tmp_path / "reversed" / name).read_bytes() == (folder / name).read_bytes(), name
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)  # the rest needs no figures
    assert evaluate(cubes(), tmp_path / "collated", decollate=True) == content
    nested = [cubes()[start : start + 3] for start in range(0, 60, 3)]  # several samples of one background
    assert evaluate(nested, tmp_path / "nested") == content


def test_repeated_cubes_count_once(caplog: pytest.LogCaptureFixture):
    scored = [read_scored_cube(item, answer_of(np.zeros(33))) for item in cubes(6)]
    assert len(unrepeated_cubes([*scored, *scored[:2]])) == 6
    assert "2 cubes were evaluated more than once" in caplog.text
    unnamed = [read_scored_cube({"nodule": 1}, answer_of(np.zeros(33))) for _ in range(2)]
    assert len(unrepeated_cubes(unnamed)) == 2


def test_cubes_without_any_truth_give_no_scores_and_no_error(tmp_path: Path):
    items = [{"image": item["image"], "nodule": torch.tensor(-1.0)} for item in cubes(4)]
    content = evaluate(items, tmp_path)
    assert content["nodule"]["auc"] == {"value": None, "interval": [None, None]}
    assert (content["types"]["nodules"], content["ratings"][0]["cases"], content["sizes"]) == (0, 0, [])


def test_without_matplotlib_there_are_tables_and_the_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    evaluate(cubes(8), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"metrics.json", "cubes.csv", "worst.png"}


def test_no_sheet_where_none_is_asked_for_and_a_loss_where_a_training_wrote_it(tmp_path: Path):
    history = tmp_path / "history.csv"
    history.write_text("epoch,loss,val_heads\n1,2.5,\n2,1.5,0.4\n")
    evaluate(cubes(8), tmp_path / "out", cases=0, history=history)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == FILES - {"worst.png"} | {"loss.png"}


def test_the_worst_come_first_and_only_so_many():
    worst, scored = WorstCubes(2, 0.5), []
    for place, probability in enumerate((0.4, 0.1, 0.3, 0.9)):
        said = np.zeros(33)
        said[0] = np.log(probability / (1 - probability))
        scored.append(read_scored_cube(cube(said, place, nodule=1.0), answer_of(said)))
        worst.add(scored[-1], np.zeros((4, 4, 4), np.int16), np.eye(4))
    captions = [case.caption[1] for case in worst.columns()["nodules taken for look-alikes"]]
    assert [caption.split(",")[0] for caption in captions] == ["said: nodule 0.10", "said: nodule 0.30"]
    assert worst.columns()["look-alikes taken for nodules"] == []
    both = WorstCubes.joined([worst, worst])
    assert [case.caption[1] for case in both.columns()["nodules taken for look-alikes"]] == captions


def test_bad_targets_and_settings_are_refused(tmp_path: Path):
    said = answer_of(np.zeros(33))
    with pytest.raises(ValueError, match=r"scan0\.nii\.gz: nodule must be -1, 0 or 1"):
        read_scored_cube(cube(np.zeros(33), 0, nodule=2.0), said)
    with pytest.raises(ValueError, match=r"ratings must be \(7, 4\)"):
        read_scored_cube({"ratings": np.zeros((4, 7))}, said, CubeKeys())
    with pytest.raises(ValueError, match="no cube to score"):
        score_cubes([])
    with pytest.raises(ValueError, match="threshold must be in"):
        NoduleAnswerSaver(tmp_path, answer, threshold=1.5)
    with pytest.raises(ValueError, match="window"):
        NoduleAnswerSaver(tmp_path, answer, window_hu=(400, -1000))


def test_a_folder_that_cannot_be_written_to_is_told_before_the_run(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="it is no folder"):
        evaluate(cubes(4), tmp_path / "file")


def test_two_processes_write_what_one_writes(
    evaluated: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, content = evaluated
    savers = [NoduleAnswerSaver(tmp_path, answer, resamples=50) for _ in range(2)]
    items = cubes()
    for place, item in enumerate(items[:31] + items[30:]):  # a sampler repeats one, to make the parts as long
        logits = Told()(item["image"].as_tensor()[None])
        savers[place >= 31].add(item, answer(logits)[0])
    parts: dict[type, list[Any]] = {
        type(part): [*savers[0]._cubes, *savers[1]._cubes] if at == 0 else [saver._worst for saver in savers]
        for at, part in enumerate((savers[0]._cubes[0], savers[0]._worst))
    }
    monkeypatch.setattr("lungdet.engines.save_nodule_answers.gather", lambda own: parts[type(own[0])])
    savers[0].write()
    assert json.loads((tmp_path / "metrics.json").read_text()) == content
    for name in ("cubes.csv", "worst.png"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
