"""Readers, geometry and phantoms dressed as MONAI transforms: each as ``X`` and, for dictionaries, ``Xd``.

Images are ``(C, X, Y, Z)``, boxes ``(N, 6)`` in the edge frame of their image (:mod:`lungdet.geometry.frames`).
Pictures are ``(C, rows, columns)``, float in ``[0, 1]``.
"""

from .axial_slices import AxialSlices, AxialSlicesd
from .body_mask import BodyMask, BodyMaskd
from .box_frames import BoxToVoxel, BoxToVoxeld, BoxToWorld, BoxToWorldd
from .contours_to_mask import ContoursToMask, ContoursToMaskd
from .crop_to_lungs import CropToLungs, CropToLungsd
from .cut_cube import CutCube, CutCubed
from .cut_found_cubes import CutFoundCubesd
from .disturb import Disturb, Disturbd
from .fit_picture import FitPicture, FitPictured
from .grid_patches import GridPatches, GridPatchesd
from .load_candidates import LoadCandidatesd
from .load_ct import LoadCT, LoadCTd
from .load_cube import LoadCube, LoadCubed
from .load_lesion import LoadLesion, LoadLesiond
from .load_radiograph import LoadRadiograph, LoadRadiographd
from .lung_mask import LungMask, LungMaskd
from .mask_padding import MaskPadding, MaskPaddingd
from .move_boxes import MoveBoxes, MoveBoxesd, RandMoveBoxesd
from .pad_to_multiple import PadToMultiple, PadToMultipled
from .phantom import MakePhantomd
from .radiograph_augmentation import RadiographAugmentation, RadiographAugmentationd
from .rand_burned_in_text import RandBurnedInText, RandBurnedInTextd
from .rand_collimation import RandCollimation, RandCollimationd
from .rand_crop_around_boxes import RandCropAroundBoxes, RandCropAroundBoxesd
from .rand_cut_out import RandCutOut, RandCutOutd
from .rand_empty_scan import RandEmptyScand
from .rand_equidistant_slices import RandEquidistantSlices, RandEquidistantSlicesd
from .rand_exposure import RandExposure, RandExposured
from .rand_insert_nodule import RandInsertNoduled
from .rand_invert_picture import RandInvertPicture, RandInvertPictured
from .rand_keep_middle import RandKeepMiddle, RandKeepMiddled
from .rand_lesion_slices import RandLesionSlices, RandLesionSlicesd
from .rand_move_picture import RandMovePicture, RandMovePictured
from .rand_nodule_cubes import RandNoduleCubesd
from .rand_phantom_patch import MakeBackgroundd, RandPhantomPatchd
from .rand_quarter_turn import RandQuarterTurn, RandQuarterTurnd
from .rand_shift_mark import RandShiftMarkd
from .rand_two_views import RandTwoViewsd
from .recist_to_box import RecistToBox, RecistToBoxd
from .recist_to_ellipse_mask import RecistToEllipseMask, RecistToEllipseMaskd
from .rescale_to_hu import RescaleToHU, RescaleToHUd
from .scale_hu import ScaleHU, ScaleHUd
from .slice_augmentation import SliceAugmentation, SliceAugmentationd
from .stitch_patches import StitchPatches, StitchPatchesd
from .torso import MakeTorsod

__all__ = [
    "AxialSlices",
    "AxialSlicesd",
    "BodyMask",
    "BodyMaskd",
    "BoxToVoxel",
    "BoxToVoxeld",
    "BoxToWorld",
    "BoxToWorldd",
    "ContoursToMask",
    "ContoursToMaskd",
    "CropToLungs",
    "CropToLungsd",
    "CutCube",
    "CutCubed",
    "CutFoundCubesd",
    "Disturb",
    "Disturbd",
    "FitPicture",
    "FitPictured",
    "GridPatches",
    "GridPatchesd",
    "LoadCT",
    "LoadCTd",
    "LoadCandidatesd",
    "LoadCube",
    "LoadCubed",
    "LoadLesion",
    "LoadLesiond",
    "LoadRadiograph",
    "LoadRadiographd",
    "LungMask",
    "LungMaskd",
    "MakeBackgroundd",
    "MakePhantomd",
    "MakeTorsod",
    "MaskPadding",
    "MaskPaddingd",
    "MoveBoxes",
    "MoveBoxesd",
    "PadToMultiple",
    "PadToMultipled",
    "RadiographAugmentation",
    "RadiographAugmentationd",
    "RandBurnedInText",
    "RandBurnedInTextd",
    "RandCollimation",
    "RandCollimationd",
    "RandCropAroundBoxes",
    "RandCropAroundBoxesd",
    "RandCutOut",
    "RandCutOutd",
    "RandEmptyScand",
    "RandEquidistantSlices",
    "RandEquidistantSlicesd",
    "RandExposure",
    "RandExposured",
    "RandInsertNoduled",
    "RandInvertPicture",
    "RandInvertPictured",
    "RandKeepMiddle",
    "RandKeepMiddled",
    "RandLesionSlices",
    "RandLesionSlicesd",
    "RandMoveBoxesd",
    "RandMovePicture",
    "RandMovePictured",
    "RandNoduleCubesd",
    "RandPhantomPatchd",
    "RandQuarterTurn",
    "RandQuarterTurnd",
    "RandShiftMarkd",
    "RandTwoViewsd",
    "RecistToBox",
    "RecistToBoxd",
    "RecistToEllipseMask",
    "RecistToEllipseMaskd",
    "RescaleToHU",
    "RescaleToHUd",
    "ScaleHU",
    "ScaleHUd",
    "SliceAugmentation",
    "SliceAugmentationd",
    "StitchPatches",
    "StitchPatchesd",
]
