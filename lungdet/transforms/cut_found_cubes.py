"""Cubes about a detector's marks as a MONAI transform: a CT and its ``findings.json`` become cubes."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.transforms.traits import MultiSampleTrait
from monai.utils.enums import TransformBackends

from lungdet.geometry.cubes import CUBE_SIDE, CUBE_SPACING_MM
from lungdet.geometry.frames import ras_to_lps
from lungdet.records import DetectionReport
from lungdet.reports import read_json

from .conversion import image_affine
from .cut_cube import CutCube

logger = logging.getLogger(__name__)
AFFINE_TOLERANCE_MM = 0.01


class CutFoundCubesd(MapTransform, MultiSampleTrait):
    """Cut a cube about each finding of a CT.

    Each item has ``image``, the cube (see :class:`CutCube`), ``center_lps_mm``, ``finding``, its number from 0 in the
    file, and ``inside``, the share of the cube that lies in the CT. A finding about which no cube can be cut, such as
    one in voxels that are not finite, is left out, with a warning.

    Args:
        keys: key of the CT: ``(1, X, Y, Z)`` in HU as read, with its affine.
        findings_key: key of the path of its ``findings.json``.
        side: voxels along each axis of a cube.
        spacing_mm: of a cube.
        allow_missing_keys: do not complain about a CT that is not there.

    Raises:
        FindingsFileError: on the call, if the file is none.
        ValueError: on the call, if the findings are of another image.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(
        self,
        keys: KeysCollection = "image",
        findings_key: Hashable = "findings",
        side: int = CUBE_SIDE,
        spacing_mm: float = CUBE_SPACING_MM,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.findings_key, self.cut = findings_key, CutCube(side, spacing_mm)

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[Hashable, Any]]:
        """Return an item for each finding; none where nothing was found."""
        items: list[dict[Hashable, Any]] = []
        for key in self.key_iterator(dict(data)):
            path, image = data[self.findings_key], data[key]
            report = read_json(path)
            _check_image(path, report, image)
            for number, finding in enumerate(report.findings):
                try:
                    cube: Any = self.cut(image, finding.center_lps_mm)
                except ValueError as error:
                    logger.warning("%s: finding %d has no cube: %s", path, number + 1, error)
                    continue
                center = torch.tensor(finding.center_lps_mm, dtype=torch.float64)
                inside = float(cube.meta["inside"])
                items.append({key: cube, "center_lps_mm": center, "finding": number, "inside": inside})
        return items


def _check_image(path: Any, report: DetectionReport, image: Any) -> None:
    """Refuse findings of another image than ``image``."""
    affine_lps, known = ras_to_lps(image_affine(image, "image").numpy()), np.asarray(report.affine_lps)
    shape = tuple(image.shape[1:])
    if shape != report.shape or not np.allclose(affine_lps, known, atol=AFFINE_TOLERANCE_MM):
        raise ValueError(
            f"{path}: its findings are of another image: {report.shape} voxels, first at {known[:3, 3].tolist()} mm, "
            f"but the CT has {shape}, first at {affine_lps[:3, 3].tolist()} mm; name the series that was searched"
        )
