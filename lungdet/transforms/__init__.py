"""Readers, geometry and phantoms dressed as MONAI transforms: each as ``X`` and, for dictionaries, ``Xd``.

Images are ``(C, X, Y, Z)``, boxes ``(N, 6)`` in the edge frame of their image (:mod:`lungdet.geometry.frames`).
"""

from .box_frames import BoxToVoxel, BoxToVoxeld, BoxToWorld, BoxToWorldd
from .contours_to_mask import ContoursToMask, ContoursToMaskd
from .grid_patches import GridPatches, GridPatchesd
from .load_ct import LoadCT, LoadCTd
from .mask_padding import MaskPadding, MaskPaddingd
from .move_boxes import MoveBoxes, MoveBoxesd, RandMoveBoxesd
from .pad_to_multiple import PadToMultiple, PadToMultipled
from .phantom import MakePhantomd
from .rand_crop_around_boxes import RandCropAroundBoxes, RandCropAroundBoxesd
from .rand_insert_nodule import RandInsertNoduled
from .rand_phantom_patch import MakeBackgroundd, RandPhantomPatchd
from .recist_to_box import RecistToBox, RecistToBoxd
from .recist_to_ellipse_mask import RecistToEllipseMask, RecistToEllipseMaskd
from .rescale_to_hu import RescaleToHU, RescaleToHUd
from .scale_hu import ScaleHU, ScaleHUd
from .stitch_patches import StitchPatches, StitchPatchesd

__all__ = [
    "BoxToVoxel",
    "BoxToVoxeld",
    "BoxToWorld",
    "BoxToWorldd",
    "ContoursToMask",
    "ContoursToMaskd",
    "GridPatches",
    "GridPatchesd",
    "LoadCT",
    "LoadCTd",
    "MakeBackgroundd",
    "MakePhantomd",
    "MaskPadding",
    "MaskPaddingd",
    "MoveBoxes",
    "MoveBoxesd",
    "PadToMultiple",
    "PadToMultipled",
    "RandCropAroundBoxes",
    "RandCropAroundBoxesd",
    "RandInsertNoduled",
    "RandMoveBoxesd",
    "RandPhantomPatchd",
    "RecistToBox",
    "RecistToBoxd",
    "RecistToEllipseMask",
    "RecistToEllipseMaskd",
    "RescaleToHU",
    "RescaleToHUd",
    "ScaleHU",
    "ScaleHUd",
    "StitchPatches",
    "StitchPatchesd",
]
