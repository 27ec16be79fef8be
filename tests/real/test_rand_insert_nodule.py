"""Synthetic nodules in a real chest CT: in its lungs, visible, under its own noise."""

from pathlib import Path

import numpy as np

from lungdet.geometry.frames import spacing_of
from lungdet.phantoms import map_lungs
from lungdet.transforms import LoadCTd, RandInsertNoduled


def test_nodules_in_a_real_chest(real_data: Path):
    item = LoadCTd("image")({"image": real_data / "ct" / "acrin_nsclc_chest"})
    image = item["image"]
    hu, spacing = image[0].numpy(), spacing_of(image.affine.numpy())
    lungs = map_lungs(hu, spacing)
    litres = (lungs.depth_mm > 0).sum() * lungs.step_mm.prod() / 1e6
    assert 4 < litres < 7.5
    out = RandInsertNoduled(prob=1.0, count=(8, 8)).set_random_state(0)(item)
    assert len(out["box"]) == 8
    added = out["image"][0].numpy() - hu
    assert (added >= 0).all()
    for box in out["box"].numpy():
        low, high = np.floor(box[:3]).astype(int), np.ceil(box[3:]).astype(int)
        span = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        assert added[span].max() >= 80
        was = hu[span][added[span] > 0.5 * added[span].max()]
        assert np.median(was) < -500, box  # lung, neither wall nor table
        assert lungs.depth_at(((low + high) / 2 * spacing)[None])[0] > 0
    assert (added > 0).mean() < 0.01
