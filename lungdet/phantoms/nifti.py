"""Write a volume as NIfTI-1."""

from __future__ import annotations

import os
from pathlib import Path

from lungdet.geometry.frames import lps_to_ras
from lungdet.records import CTVolume


def write_nifti(volume: CTVolume, path: str | Path) -> Path:
    """Write ``volume`` as ``.nii`` or ``.nii.gz``, with its affine in RAS as the format wants it.

    Args:
        volume: ``(X, Y, Z)`` in HU.
        path: ends in ``.nii`` or ``.nii.gz``; an existing file is replaced at once, never half.

    Returns:
        The path that was written.

    Raises:
        ValueError: another ending.
    """
    import nibabel  # slow to import

    path = Path(path)
    ending = ".nii.gz" if path.name.endswith(".nii.gz") else ".nii"
    if not path.name.endswith(ending):
        raise ValueError(f"{path}: a NIfTI file ends in .nii or .nii.gz")
    image = nibabel.Nifti1Image(volume.array, lps_to_ras(volume.affine_lps))
    image.header.set_xyzt_units("mm")
    for kind in (image.set_sform, image.set_qform):
        kind(image.affine, code="scanner")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[: -len(ending)]}.part{ending}")
    nibabel.save(image, temporary)
    os.replace(temporary, path)
    return path
