"""Synthetic chests and trunks with known lesions, as DICOM, NIfTI or DeepLesion; ways to damage a series. No torch."""

from .background import Background, make_background
from .chest import ChestPhantom, make_chest
from .cohort_folder import write_cohort
from .damage import DAMAGES, FATAL_DAMAGES, HARMLESS_DAMAGES
from .deeplesion_folder import WrittenDeepLesion, write_deeplesion
from .dicom_enhanced import write_enhanced_ct
from .dicom_series import TRANSFER_SYNTAXES, write_dicom_series
from .insertion import Insertion, InsertionStyle, draw_insertion
from .lidc_xml import write_lidc_xml
from .lookalike import PhantomLookalike
from .lung_map import LungMap, map_lungs
from .lung_truth import chest_lungs, torso_lungs
from .mark_places import MARK_PLACES
from .nifti import write_nifti
from .nodule import PhantomNodule
from .nodule_cube import CubeStyle, PhantomCube, draw_cubes
from .nodule_cut import NoduleCut, make_nodule_cut
from .nodule_readers import malignancy_level, rating_shares, read_nodule
from .patch import PhantomPatch, draw_patches
from .radiograph import RADIOGRAPH_KINDS, make_radiograph
from .radiograph_dicom import write_radiograph_dicom
from .risk_cohort import CohortPatient, cancer_probability, draw_cohort_patient
from .torso import Torso, draw_torso
from .torso_lesion import LesionState, TorsoLesion
from .torso_lesion_history import draw_lesions
from .torso_places import Place
from .torso_scan import Paintable, TorsoPhantom, make_torso
from .torso_truth import write_torso_truth
from .truth import write_truth

__all__ = [
    "DAMAGES",
    "FATAL_DAMAGES",
    "HARMLESS_DAMAGES",
    "MARK_PLACES",
    "RADIOGRAPH_KINDS",
    "TRANSFER_SYNTAXES",
    "Background",
    "ChestPhantom",
    "CohortPatient",
    "CubeStyle",
    "Insertion",
    "InsertionStyle",
    "LesionState",
    "LungMap",
    "NoduleCut",
    "Paintable",
    "PhantomCube",
    "PhantomLookalike",
    "PhantomNodule",
    "PhantomPatch",
    "Place",
    "Torso",
    "TorsoLesion",
    "TorsoPhantom",
    "WrittenDeepLesion",
    "cancer_probability",
    "chest_lungs",
    "draw_cohort_patient",
    "draw_cubes",
    "draw_insertion",
    "draw_lesions",
    "draw_patches",
    "draw_torso",
    "make_background",
    "make_chest",
    "make_nodule_cut",
    "make_radiograph",
    "make_torso",
    "malignancy_level",
    "map_lungs",
    "rating_shares",
    "read_nodule",
    "torso_lungs",
    "write_cohort",
    "write_deeplesion",
    "write_dicom_series",
    "write_enhanced_ct",
    "write_lidc_xml",
    "write_nifti",
    "write_radiograph_dicom",
    "write_torso_truth",
    "write_truth",
]
