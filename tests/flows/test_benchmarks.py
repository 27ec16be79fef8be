"""The detector's benchmarks run, resume, and give their peer a fair stand-in for torchvision."""

import importlib
import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def benchmarks_on_path():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield
    sys.path.remove(str(ROOT / "benchmarks"))


def run(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-W", "ignore", str(ROOT / "benchmarks" / "detector.py"), *arguments, "--quick"]
    command += ["--cache", str(folder / "cache"), "--out", str(folder / "results.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_score_then_ablation_which_resumes(tmp_path: Path):
    table = run(tmp_path, "score")
    assert "with the second look" in table
    assert "without the second look" in table
    scored = lines(tmp_path)
    assert [line["settings"]["slice_mm"] for line in scored] == [3.5, 7.0, 3.5, 7.0]
    official = scored[0]["result"]["protocols"]["luna16"]
    assert official["scans"] == 2
    low, high = official["cpm_interval"]
    assert 0.0 <= low <= official["cpm"] <= high <= 1.0
    assert scored[0]["commit"]

    run(tmp_path, "ablation", "--second-look", "no")
    trained = lines(tmp_path)[4:]
    assert len(trained) == 1
    assert trained[0]["result"]["training"]["seconds"] >= 2.0
    assert trained[0]["result"]["training"]["patches"] > 0
    assert "already in" in run(tmp_path, "ablation", "--second-look", "no")
    assert len(lines(tmp_path)) == 5


def test_a_schedule_ends_with_its_budget_however_slow_the_steps(monkeypatch):
    training = importlib.import_module("detector_training")
    seconds = iter(range(1000))
    monkeypatch.setattr(training, "clock", lambda device: lambda: next(seconds))
    weight, rates = nn.Parameter(torch.zeros(1)), []
    advance = training._advance

    def spy(cycle, fraction):
        advance(cycle, fraction)
        rates.append(cycle.get_last_lr()[0])

    monkeypatch.setattr(training, "_advance", spy)
    batches = iter(lambda: (torch.zeros(3, 1, 2, 2, 2), [{}] * 3), None)
    log = training.train(lambda images, targets: (weight - 1).square().sum(), [weight], batches, 100, 0.1)
    assert max(rates) == pytest.approx(0.1, rel=0.05)
    assert rates[0] < 0.01
    assert rates[-1] < 0.001
    assert log.patches == 3 * len(log.losses) == 3 * len(rates)


def test_training_stops_at_a_loss_that_is_no_number():
    training = importlib.import_module("detector_training")
    weight = nn.Parameter(torch.zeros(1))
    batches = iter(lambda: (torch.zeros(1, 1, 2, 2, 2), [{}]), None)
    with pytest.raises(FloatingPointError, match="step 0 is nan"):
        training.train(lambda images, targets: (weight * torch.nan).sum(), [weight], batches, 1.0, 0.1)


def test_results_survive_a_line_cut_off_by_a_kill(tmp_path: Path):
    results = importlib.import_module("detector_results")
    out = tmp_path / "new" / "results.jsonl"
    assert results.read(out, "score") == []
    results.append(out, "score", {"a": 1}, {"cpm": 0.5})
    with out.open("a") as file:
        file.write('{"part": "sco')
    assert [line["result"] for line in results.read(out, "score")] == [{"cpm": 0.5}]
    assert results.markdown([{"a": 0.25}, {"b": [1, 2.0]}]) == "| a | b |\n|---|---|\n| 0.250 |  |\n|  | 1 to 2.00 |"


def test_a_cache_of_other_code_or_settings_is_refused_even_when_nothing_is_missing(tmp_path: Path, monkeypatch):
    scans = importlib.import_module("detector_scans")
    (tmp_path / "scan_9200_1.4mm.npz").write_bytes(b"")
    with pytest.raises(ValueError, match="was made with phantoms None, not"):
        scans.fill_cache(tmp_path, [9200], [1.4], {})
    (tmp_path / "scan_9200_1.4mm.npz").unlink()
    monkeypatch.setattr(scans, "make_scan", lambda *_: None)
    monkeypatch.setattr(scans, "write_scan", lambda *_: (tmp_path / "scan_9200_1.4mm.npz").write_bytes(b""))
    made = scans.fill_cache(tmp_path, [9200], [1.4], {})
    assert scans.fill_cache(tmp_path, [9200], [1.4], {"network_def#mixer": "none"}) == made == scans.made_by(tmp_path)
    with pytest.raises(ValueError, match=r"spacing_mm \[1.4, 1.4, 1.4\], not \[3, 3, 3\]: remove it"):
        scans.fill_cache(tmp_path, [9200], [1.4], {"spacing_mm": [3, 3, 3]})
    monkeypatch.setattr(scans, "fingerprint", lambda *_: "other")
    with pytest.raises(ValueError, match=f"phantoms {made['phantoms']}, not other: remove it"):
        scans.fill_cache(tmp_path, [9200], [1.4], {})


def test_a_fingerprint_tells_code_from_words(tmp_path: Path):
    fingerprint = importlib.import_module("detector_sources").fingerprint.__wrapped__
    file = tmp_path / "room" / "a.py"
    file.parent.mkdir()

    def after(text: str) -> str:
        file.write_text(text)
        return fingerprint("room", root=tmp_path)

    first = after('"""Words."""\ndef f():\n    """More."""\n    return 1\n')
    assert first == after('"""Other words."""\n\n\ndef f():  # a comment\n    return 1\n')
    assert first != after("def f():\n    return 2\n")
    after('"""Words."""\ndef f():\n    return 1\n')
    (tmp_path / "room" / "b.yaml").write_text("a: 1")
    assert first != fingerprint("room", root=tmp_path)


def test_results_of_other_code_or_threads_are_kept_apart(tmp_path: Path, capsys):
    ablation, out = importlib.import_module("detector_ablation"), tmp_path / "results.jsonl"
    settings = {"mixer": "none", "second_look": "no", "seconds": 2.0, "patch_size": (48, 48, 16)}
    protocols = {"luna16": {"cpm": 0.5, "cpm_interval": [0.4, 0.6]}}
    result = {
        "parameters": 3,
        "training": {"patches": 2},
        "scores": {"1.4": {"protocols": protocols, "seconds_median": 1}},
    }
    assert not ablation.is_done(out, settings)
    line = ablation.detector_results.append(out, "ablation", settings, result)
    assert ablation.is_done(out, settings)
    others = [{**line, "code": "other"}, {**line, "threads": line["threads"] + 1}]
    out.write_text("".join(json.dumps(each) + "\n" for each in others))
    assert not ablation.is_done(out, settings)
    ablation.print_table(out)
    assert capsys.readouterr().out.count("| none | no |") == 2


def test_the_cost_of_a_scan_is_that_of_the_windows_of_inference():
    patches_of = importlib.import_module("detector_retinanet").patches_of
    whole, bare = patches_of((510, 510, 224), (192, 192, 80))
    assert whole == pytest.approx(2 * 512 * 512 * 192 / (192 * 192 * 80))
    assert bare == pytest.approx(510 * 510 * 224 / (192 * 192 * 80))
    assert patches_of((510, 510, 224), (96, 192, 80))[0] == pytest.approx(2 * whole)


def test_noise_for_a_gpu_is_drawn_before_the_clock_runs(monkeypatch):
    speed = importlib.import_module("detector_speed_gpu")
    drawn, seen = [], []

    class Scan:
        def __init__(self, size):
            drawn.append(size)

        def to(self, device, non_blocking):
            return seen.append(device)

    monkeypatch.setattr(speed, "host_scan", Scan)
    monkeypatch.setattr(speed, "open_detector", lambda *_: (None, None))
    monkeypatch.setattr(speed, "detector_finder", lambda *_: lambda scan: None)
    monkeypatch.setattr(speed.retinanet, "zoo_detector", nn.Identity)
    monkeypatch.setattr(speed.retinanet, "find", lambda *_, **__: None)
    monkeypatch.setattr(nn.Module, "to", lambda self, device: self)
    jobs = speed.inference_jobs(Namespace(config_overrides={}, checkpoint=""))
    assert drawn == [speed.ROOM_VOXELS, speed.ZOO_VOXELS]
    for job in jobs.values():
        job()
    assert (len(drawn), len(seen)) == (2, len(jobs))
    assert any("random weights" in name for name in jobs)


def test_matcher_by_hand():
    names = importlib.import_module("peers.torchvision_names")
    overlap = torch.tensor([[0.9, 0.45, 0.1, 0.0], [0.2, 0.3, 0.1, 0.35]])
    assert names.Matcher(0.5, 0.4)(overlap).tolist() == [0, -2, -1, -1]
    assert names.Matcher(0.5, 0.4, allow_low_quality_matches=True)(overlap).tolist() == [0, -2, -1, 1]
    with pytest.raises(ValueError, match="no boxes"):
        names.Matcher(0.5, 0.4)(torch.empty(0, 4))


def test_sampler_fills_up_with_negatives_and_draws_nothing_ignored():
    names = importlib.import_module("peers.torchvision_names")
    labels = torch.tensor([-1, 0, 1, 0, 2, 0, 0, -1, 0, 3])
    positive, negative = names.BalancedPositiveNegativeSampler(6, 0.34)([labels])
    assert int(positive[0].sum()) == 2
    assert int(negative[0].sum()) == 4
    assert (labels[positive[0].bool()] > 0).all()
    assert (labels[negative[0].bool()] == 0).all()


def test_layers_are_those_asked_for():
    names = importlib.import_module("peers.torchvision_names")
    model = nn.Sequential()
    for name, layer in (("a", nn.Linear(2, 3)), ("b", nn.ReLU()), ("c", nn.Linear(3, 4)), ("d", nn.Linear(4, 5))):
        model.add_module(name, layer)
    getter = names.IntermediateLayerGetter(model, {"b": "0", "c": "1"})
    outputs = getter(torch.ones(1, 2))
    assert list(outputs) == ["0", "1"]
    assert torch.equal(outputs["1"], model.c(model.b(model.a(torch.ones(1, 2)))))
    assert "d" not in getter
    with pytest.raises(ValueError, match="names \\['x'\\]"):
        names.IntermediateLayerGetter(model, {"x": "0"})
    assert names.validate_trainable_layers(False, None, 5, 3) == 5
    assert names.validate_trainable_layers(True, None, 5, 3) == 3


@pytest.mark.slow
def test_the_peer_learns_a_patch_by_heart():
    retinanet = importlib.import_module("peers.retinanet")
    torch.manual_seed(0)
    detector = retinanet.small_detector(width=8, pyramid_channels=8).train()
    image = torch.zeros(1, 1, 32, 32, 16)
    box = torch.tensor([[12.0, 12, 6, 17, 17, 11]])
    image[0, 0, 12:17, 12:17, 6:11] = 1.0
    optimizer = torch.optim.AdamW(detector.network.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        retinanet.loss_of(detector, image, [{"box": box, "ignore_box": box[:0]}]).backward()
        optimizer.step()
    boxes, scores = retinanet.find(detector.eval(), image)
    assert scores[0] > 0.8
    assert importlib.import_module("detector_retinanet").hits(boxes[:1], box).all()
    assert torch.allclose(boxes[0], box[0], atol=2)


def test_the_peer_learns_nothing_from_what_is_to_be_ignored():
    retinanet = importlib.import_module("peers.retinanet")
    detector = retinanet.small_detector(width=8, pyramid_channels=8)
    anchors = torch.tensor([[0.0, 0, 0, 4, 4, 4], [10, 10, 10, 14, 14, 14], [20, 20, 20, 24, 24, 24]])
    nothing = {"box": torch.empty(0, 6), "label": torch.empty(0, dtype=torch.long)}
    detector.ignored = [torch.tensor([[9.0, 9, 9, 13, 13, 13]])]
    assert detector.compute_anchor_matched_idxs([anchors], [nothing], [1])[0].tolist() == [-1, -2, -1]


def test_windows_are_those_that_monai_takes():
    from monai.data.utils import dense_patch_slices

    count = importlib.import_module("detector_retinanet").count_windows
    size, window = (510, 510, 224), (192, 192, 80)
    step = tuple(int(side * 0.75) for side in window)
    assert count(size, window, 0.25) == len(dense_patch_slices(size, window, step)) == 64
    assert count((100, 192, 81), window, 0.25) == 2
