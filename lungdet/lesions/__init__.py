"""What lesions have to do with each other: where they are, what looks alike, what is the same one later."""

from .embedded import EmbeddedLesions
from .embedded_file import EmbeddedFileError, load_embedded, save_embedded
from .fit_score_scale import LabelledScan, fit_score_scale
from .score_scale import ScoreScale, ScoreScaleError
from .slice_scores import judge_slices

__all__ = [
    "EmbeddedFileError",
    "EmbeddedLesions",
    "LabelledScan",
    "ScoreScale",
    "ScoreScaleError",
    "fit_score_scale",
    "judge_slices",
    "load_embedded",
    "save_embedded",
]
