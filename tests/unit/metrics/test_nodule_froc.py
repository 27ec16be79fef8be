import pytest
import torch
import torch.distributed
import torch.multiprocessing
from ignite.engine import Engine
from ignite.exceptions import NotComputableError
from monai.data import MetaTensor

from lungdet.metrics import NoduleFROC

NODULE = torch.tensor([[10.0, 10.0, 10.0, 16.0, 16.0, 16.0]])
ELSEWHERE = NODULE + 50
SCORE = torch.tensor([0.9])
NOTHING = (torch.empty(0, 6), torch.empty(0))


def test_a_hit_a_miss_and_an_empty_scan() -> None:
    metric = NoduleFROC()
    metric.update(([(NODULE + 1, SCORE), NOTHING, NOTHING], [NODULE, NODULE, torch.empty(0, 6)]))
    result = metric.result()
    assert (result.scans, result.nodules, result.true_positives) == (3, 2, 1)
    assert metric.compute() == 0.5


def test_every_form_of_input_means_the_same() -> None:
    boxes, scores = torch.cat([NODULE, ELSEWHERE]), torch.tensor([0.6, 0.9])
    forms = [
        ((boxes, scores), NODULE),
        ({"box": boxes, "score": scores}, {"box": NODULE}),
        ((boxes.bfloat16(), scores), {"box": MetaTensor(NODULE), "ignore_box": torch.empty(0, 6)}),
        ((boxes.tolist(), scores.numpy()), NODULE.numpy()),
    ]
    cpms = []
    for prediction, target in forms:
        metric = NoduleFROC()
        metric.update(([prediction], [target]))
        cpms.append(metric.compute())
    assert cpms == pytest.approx([cpms[0]] * 4)
    assert 0.0 < cpms[0] < 1.0


def test_marks_on_ignored_boxes_are_no_errors() -> None:
    metric = NoduleFROC()
    metric.update(([(ELSEWHERE, SCORE)], [{"box": NODULE, "ignore_box": ELSEWHERE}]))
    assert metric.result().false_positives == 0
    assert metric.result().on_excluded == 1


def test_spacing_turns_voxels_into_mm() -> None:
    """A shift of 2 voxels along z is within a radius of 3 voxels, but not where slices are 4 times as far apart."""
    shift = torch.tensor([0.0, 0, 2, 0, 0, 2])
    for spacing_mm, found in (((1.0, 1.0, 1.0), 1.0), ((0.5, 0.5, 0.5), 1.0), ((1.0, 1.0, 4.0), 0.0)):
        metric = NoduleFROC(spacing_mm=spacing_mm)
        metric.update(([(NODULE + shift, SCORE)], [NODULE]))
        assert metric.compute() == found


def test_reset_forgets() -> None:
    metric = NoduleFROC()
    metric.update(([NOTHING], [NODULE]))
    metric.reset()
    metric.update(([(NODULE, SCORE)], [NODULE]))
    assert metric.compute() == 1.0


def test_only_so_many_marks_count() -> None:
    metric = NoduleFROC(max_marks=1)
    metric.update(([(torch.cat([NODULE, ELSEWHERE]), torch.tensor([0.5, 0.9]))], [NODULE]))
    assert metric.result().marks == 1
    assert metric.compute() == 0.0


def test_it_attaches_to_an_engine() -> None:
    batches = [[((NODULE, SCORE), NODULE)], [(NOTHING, NODULE), (NOTHING, torch.empty(0, 6))]]
    engine = Engine(lambda engine, batch: {"pred": [b[0] for b in batch], "label": [b[1] for b in batch]})
    NoduleFROC(output_transform=lambda output: (output["pred"], output["label"])).attach(engine, "cpm")
    assert engine.run(batches).metrics["cpm"] == 0.5
    assert engine.run(batches).metrics["cpm"] == 0.5


def test_without_scans_there_is_no_answer() -> None:
    with pytest.raises(NotComputableError, match="update"):
        NoduleFROC().compute()


def test_predictions_and_targets_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="1 predictions for 2 targets"):
        NoduleFROC().update(([NOTHING], [NODULE, NODULE]))


def test_other_boxes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(N, 6\)"):
        NoduleFROC().update(([(torch.zeros(1, 4), SCORE)], [NODULE]))


def _one_process(rank: int, folder: str) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    metric = NoduleFROC()
    metric.update(([(NODULE, SCORE)] if rank == 0 else [NOTHING], [NODULE]))
    cpm, scans = metric.compute(), metric.result().scans
    torch.distributed.destroy_process_group()
    if (cpm, scans) != (0.5, 2):
        raise RuntimeError(f"rank {rank} got {cpm} from {scans} scans")


def test_processes_share_their_scans(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not torch.distributed.is_available():
        pytest.skip("this torch has no distributed package")
    context = torch.multiprocessing.get_context("fork")
    workers = [context.Process(target=_one_process, args=(rank, str(tmp_path)), daemon=True) for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(240)
    assert [worker.exitcode for worker in workers] == [0, 0]


def test_protocols_differ_in_what_excluded_boxes_are() -> None:
    for protocol, false in (("luna16", 0), ("simplified", 1)):
        for hit in ("distance", "iou"):
            metric = NoduleFROC(protocol=protocol, hit=hit)
            metric.update(([(torch.cat([NODULE, ELSEWHERE]), [0.9, 0.8])], [{"box": NODULE, "ignore_box": ELSEWHERE}]))
            assert (metric.result().false_positives, metric.result().true_positives) == (false, 1)
            metric.reset()
            metric.update_scan([[0, 0, 0]], [0.9], [], [], [[0, 0, 1]], [6.0], mark_diameters_mm=[6.0])
            assert metric.result().false_positives == false
            assert metric.result().protocol.name.startswith(protocol)


def test_hits_by_overlap_do_not_hang_on_the_spacing() -> None:
    shift = torch.tensor([0.0, 0, 2, 0, 0, 2])  # IoU 1/2
    for spacing_mm in ((1.0, 1.0, 1.0), (0.5, 0.5, 4.0)):
        for min_iou, found in ((0.5, 1.0), (0.51, 0.0)):
            metric = NoduleFROC(spacing_mm=spacing_mm, hit="iou", min_iou=min_iou)
            metric.update(([(NODULE + shift, SCORE)], [NODULE]))
            assert metric.compute() == found


def test_cubes_around_balls_overlap() -> None:
    metric = NoduleFROC(hit="iou", min_iou=0.5)
    metric.update_scan([[0, 0, 2]], [0.9], [[0, 0, 0]], [6.0], mark_diameters_mm=[6.0])
    assert metric.compute() == 1.0
    with pytest.raises(ValueError, match="diameters of marks"):
        metric.update_scan([[0, 0, 2]], [0.9], [[0, 0, 0]], [6.0])


def test_slices_are_scored_by_deeplesions_protocol() -> None:
    metric = NoduleFROC(protocol="deeplesion")
    metric.update(([([[0, 0, 4, 4], [9, 9, 12, 12]], [0.8, 0.9])], [[[0, 0, 4, 3]]]))
    assert metric.result().sensitivities == (0.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="hit='iou'"):
        NoduleFROC().update(([([[0, 0, 4, 4]], [0.8])], [[[0, 0, 4, 3]]]))


def test_strata_of_labels_and_sizes() -> None:
    metric = NoduleFROC(strata_keys=("readers",), size_edges_mm=(6.5,))
    target = {"box": torch.cat([NODULE, ELSEWHERE]), "readers": torch.tensor([3, 4])}
    metric.update(([(NODULE, SCORE)], [target]))
    metric.update_scan([], [], [[0, 0, 0]], [9.0], strata={"readers": ["4"]})
    found = {(part.kind, part.label): (part.true_positives, part.nodules) for part in metric.result().strata}
    assert found == {
        ("size", "< 6.5 mm"): (1, 2), ("size", ">= 6.5 mm"): (0, 1), ("readers", "3"): (1, 1), ("readers", "4"): (0, 2)
    }  # fmt: skip


def test_intervals_come_with_the_protocol() -> None:
    metric = NoduleFROC(max_marks=50)
    with pytest.raises(NotComputableError):
        metric.intervals()
    metric.update(([(NODULE, SCORE), NOTHING], [NODULE, NODULE]))
    assert metric.intervals(resamples=200).cpm == (0.0, 1.0)
    assert metric.result().protocol.name == "luna16 (max_marks=50)"


def test_one_spacing_for_all_axes():
    boxes = [[0.0, 0.0, 0.0, 6.0, 6.0, 6.0]]
    for spacing in (2.0, (2.0, 2.0, 2.0)):
        metric = NoduleFROC(spacing_mm=spacing, size_edges_mm=(10.0,))
        metric.update(([(boxes, [0.9])], [boxes]))
        assert [part.label for part in metric.result().strata] == [">= 10 mm"]
    for spacing in (0.0, (1.0, float("nan"), 1.0), (1.0,)):
        with pytest.raises(ValueError, match="spacing_mm must be"):
            NoduleFROC(spacing_mm=spacing)
    metric = NoduleFROC(spacing_mm=(1.0, 1.0))
    with pytest.raises(ValueError, match="need a spacing of three axes"):
        metric.update(([(boxes, [0.9])], [boxes]))
    with pytest.raises(ValueError, match="min corner, then max corner"):
        metric.update(([([[6.0, 0.0, 0.0, 0.0, 6.0, 6.0]], [0.9])], [boxes]))
