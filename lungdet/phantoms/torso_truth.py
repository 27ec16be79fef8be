"""Write what is known about a synthetic trunk: landmarks, body coordinates of the slices, lesions."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lungdet.records.lesion import LESION_TYPES

from .torso_lesion import LesionState
from .torso_scan import TorsoPhantom


def torso_truth(
    phantom: TorsoPhantom, series_uid: str, *, image: str = "", lesions: Sequence[LesionState] = ()
) -> dict[str, Any]:
    """What is known about a trunk, to be written as JSON.

    Args:
        phantom: the scan and its patient.
        series_uid: SeriesInstanceUID, or any name of the scan.
        image: path of the image.
        lesions: that were painted into it.

    Returns:
        ``image``, ``series_uid``, ``landmarks_mm`` (LPS z by name), ``coordinates`` and ``parts`` of the slices in the
        order of the volume's last axis, and ``lesions``: identity, type, centre in LPS mm, and the reach of each.
    """
    torso = phantom.torso
    affine = phantom.volume.affine_lps
    heights = [float(affine[2, 3] + k * affine[2, 2]) for k in range(phantom.volume.array.shape[2])]
    return {
        "image": image,
        "series_uid": series_uid,
        "landmarks_mm": {name: round(float(z), 3) for name, z in torso.landmarks_mm.items()},
        "coordinates": [round(float(u), 6) for u in phantom.coordinates],
        "parts": [torso.part(z) for z in heights],
        "lesions": [
            {
                "identity": lesion.identity,
                "type": LESION_TYPES[lesion.lesion_type],
                "center_lps_mm": [round(float(value), 3) for value in lesion.center_mm],
                "reach_mm": round(lesion.shape.reach_mm, 3),
            }
            for lesion in lesions
        ],
    }


def write_torso_truth(
    path: str | Path,
    phantom: TorsoPhantom,
    series_uid: str,
    *,
    image: str = "",
    lesions: Sequence[LesionState] = (),
) -> None:
    """Write :func:`torso_truth` as a JSON file, whole or not at all."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    truth = torso_truth(phantom, series_uid, image=image, lesions=lesions)
    temporary.write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, target)
