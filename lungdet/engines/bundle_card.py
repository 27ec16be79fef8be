"""What is known of a router that somebody trained: its metadata, and the two pages that go with its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lungdet.records import ClassList

_CARD = """# {name}

A router of radiographs, trained by its owner with lungdet. **Not a medical device, not for clinical use.**

| | |
|---|---|
| network | `{network_name}`, on pictures shrunk to {image_size} x {image_size} pixels, aspect kept |
| classes | {label_classes} |
| data | {data_source} |

Nobody has written down yet: who trained it and when, where the pictures come from and who is on them, what they may be
used for, and what it is not good at. Please do, here.

## Scores

None are known. Score it on pictures that had no part in its training:

```bash
python -m monai.bundle run --config_file "['configs/common.yaml','configs/evaluate.yaml']" \\
    --bundle_root . --datalist LIST.json --dataset_dir FOLDER
```

## Run it

```bash
lungdet label --bundle . PICTURES
```
"""
_LICENSE = """The weights of this bundle (models/model.pt) and what was fitted to them (models/router.json) were trained
on: {data_source}

Under which terms these data, and therefore the weights, may be used is not stated. Ask who trained them.
models/router.json holds embeddings of training pictures: treat it as you treat data made from those pictures.

The settings of this bundle (configs/, docs/) are under the Apache License 2.0, see LICENSE.
"""


def with_training(
    metadata: Mapping[str, Any], classes: ClassList, settings: Mapping[str, Any], data_source: str
) -> dict[str, Any]:
    """Tell of another training in the content of a ``metadata.json``.

    Args:
        metadata: of the bundle that trained.
        classes: what the network's outputs mean.
        settings: with ``network_name`` and ``image_size``, in pixels.
        data_source: what it was trained on, in words.
    """
    several = "any of" if classes.multi_label else "one of"
    network, side = settings["network_name"], settings["image_size"]
    content = json.loads(json.dumps(metadata))  # a deep copy
    content |= {
        "version": "0.0.1",
        "changelog": {"0.0.1": "first training on these data"},
        "name": f"Router of radiographs: {classes.name}",
        "task": f"Classification of radiographs by the {len(classes)} classes of {classes.name}",
        "description": f"{network} looks at a whole picture, shrunk to {side} x {side} pixels without squashing it. "
        "Its logits are calibrated on validation pictures; an answer below the threshold, or a picture unlike those of "
        "the training, becomes the request that a person look.",
        "authors": "not stated",
        "copyright": "not stated",
        "data_source": data_source or "not stated",
        "label_classes": f"{several} {', '.join(classes.names)}",
        "pred_classes": "logits of the same classes; after calibration a label with its probability, or review",
        "eval_metrics": {},
        "intended_use": "Research, on pictures like those of its training. Not a medical device, not for clinical use.",
    }
    if not network.startswith("densenet"):
        content["references"] = [each for each in content["references"] if "Densely Connected" not in each]
    content["network_data_format"]["inputs"]["image"]["spatial_shape"] = [side, side]
    outputs = content["network_data_format"]["outputs"]["pred"]
    outputs["num_channels"] = len(classes)
    outputs["channel_def"] = {str(place): name for place, name in enumerate(classes.names)}
    return dict(content)


def bundle_pages(metadata: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Write the model card and the data's licence, by file name, as far as they are known.

    Args:
        metadata: from :func:`with_training`.
        settings: as there.
    """
    known = {**metadata, **settings}
    pages = {"docs/README.md": _CARD, "docs/data_license.txt": _LICENSE}
    return {name: page.format_map(known).encode("utf-8") for name, page in pages.items()}
