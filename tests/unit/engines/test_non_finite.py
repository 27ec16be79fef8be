import math

import pytest
import torch
from monai.data import MetaTensor

from lungdet.engines import StopOnNonFinite
from lungdet.engines.non_finite import name_items


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_it_stops_before_the_weights_are_hurt(make_trainer, value: float):
    trainer = make_trainer([StopOnNonFinite()], values=(1.0, 2.0, 3.0, value), epochs=2)
    with pytest.raises(FloatingPointError, match=r"epoch 1, iteration 2, on seed 2; seed 3\.") as failure:
        trainer.run()
    assert f"center {value}" in str(failure.value)
    assert all(torch.isfinite(parameter).all() for parameter in trainer.network.parameters())


def test_a_sound_training_runs_through(make_trainer):
    trainer = make_trainer([StopOnNonFinite()], epochs=2)
    trainer.run()
    assert trainer.state.epoch == 2


def test_items_are_named_by_file_and_place():
    meta = {"filename_or_obj": "scans/a.mhd", "patch_origin": torch.tensor([1, 2, 3])}
    patch = {"image": MetaTensor(torch.zeros(1, 2, 2, 2), meta=meta)}
    assert list(name_items([[patch], [{"image": torch.zeros(1)}]])) == [
        "scans/a.mhd at voxel [1, 2, 3]",
        "an item without a name",
    ]


def test_patches_of_a_scan_are_told_apart_and_named_once(make_trainer):
    trainer = make_trainer([StopOnNonFinite()], values=[math.nan] * 4)
    origins = [(1, 2, 3), (4, 5, 6), (1, 2, 3), None]
    items = [
        {"seed": 3, "image": MetaTensor(torch.tensor([math.nan]), meta={"patch_origin": origin})} for origin in origins
    ]
    trainer.data_loader = torch.utils.data.DataLoader(items, batch_size=4, collate_fn=trainer.data_loader.collate_fn)
    names = r"on seed 3 at voxel \[1, 2, 3\]; seed 3 at voxel \[4, 5, 6\]; seed 3\. Look"
    with pytest.raises(FloatingPointError, match=names):
        trainer.run()


def test_long_batches_are_not_named_in_full(make_trainer):
    trainer = make_trainer([StopOnNonFinite()], values=[math.nan] * 40)
    trainer.data_loader = torch.utils.data.DataLoader(
        trainer.data_loader.dataset, batch_size=40, collate_fn=trainer.data_loader.collate_fn
    )
    with pytest.raises(FloatingPointError, match="seed 15; and 24 more"):
        trainer.run()
