"""A body-part regressor's bundle, ready for one CT after another, without MONAI's command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lungdet.geometry.axial import AxialView, axial_view
from lungdet.geometry.slice_areas import slice_areas
from lungdet.lesions import ScoreScale, judge_slices
from lungdet.records import CTVolume, ScanScore, SeriesInfo

from .bundle import BundleError
from .opened_bundle import OpenedBundle

BUNDLE = "body_part_regressor"
RawScores: TypeAlias = Callable[[Any, CTVolume], NDArray[np.float64]]


class BodyScorer:
    """A bundle's network and scale, ready for one CT after another.

    Args:
        bundle: name of a shipped bundle, or the root of another; only one that you trust: its settings name code to
            run.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        overrides: new values of the bundle's settings, by id; see :func:`~lungdet.workflows.open_bundle`.

    Attributes:
        model: name and version of the bundle, and SHA-256 of its weights.
        scale: from raw scores to heights in the trunk.

    Raises:
        BundleError: the bundle cannot be found or opened, scores no slices, or its weights cannot be loaded.
        ValueError: there is no such device, or the scale does not belong to the weights.
    """

    def __init__(
        self,
        bundle: str | Path = BUNDLE,
        device: str | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        opened = OpenedBundle(bundle, device, overrides)
        if "score_file" not in opened.parser.config:
            raise BundleError(
                f"{opened.root}: no body-part regressor: it has no setting 'score_file'; name another bundle"
            )
        self.device, self.network = opened.device, opened.network()
        self.model = opened.load_weights(self.network)
        score_file = Path(opened.take("score_file"))
        if not score_file.is_file():
            raise BundleError(f"{score_file}: no scale of the scores there; train the bundle first, or name another")
        self.scale = ScoreScale.load(score_file, weights_sha256=self.model.weights_sha256)
        self.raw_scores: RawScores = opened.take("inferer")

    def __call__(self, volume: CTVolume, most_slices: int | None = None) -> ScanScore:
        """Score a CT.

        Args:
            volume: in HU, axes in any order; slices that the reader made by interpolation do not count.
            most_slices: look at no more, evenly spaced; None for all.

        Raises:
            ValueError: its slices cannot be made axial, or the network gave no numbers.
        """
        info = volume.info
        try:
            view = axial_view(volume.array, volume.affine_lps)
        except ValueError as error:
            raise ValueError(f"{info.source}: {error}") from error
        if most_slices is not None:
            view = view.every(max(1, -(-view.array.shape[2] // most_slices)))
        bare = SeriesInfo(info.source, info.series_uid, info.study_uid)
        raw = self.raw_scores(self.network, CTVolume(view.array, view.affine_lps, bare))
        spacing_mm = np.linalg.norm(view.affine_lps[:3, :2], axis=0).tolist()
        body_cm2, lung_cm2 = slice_areas(view.array, spacing_mm)
        kept = _made_by_no_one(volume, view)
        try:
            return judge_slices(
                view.z_mm[kept],
                np.asarray(raw)[kept],
                self.scale,
                series=info,
                model=self.model,
                slice_index=view.slice_index[kept],
                body_cm2=body_cm2[kept],
                lung_cm2=lung_cm2[kept],
            )
        except ValueError as error:
            raise ValueError(f"{info.source}: {error}") from error


def _made_by_no_one(volume: CTVolume, view: AxialView) -> NDArray[np.bool_]:
    """Tell which slices are there as they were taken.

    Those that fill a gap have no UID, and a gap is to be seen. Where most slices have none, all were resampled.
    """
    uids = volume.info.slice_uids
    count = view.array.shape[2]
    everything = np.ones(count, dtype=bool)
    if len(uids) <= view.slice_index.max() or volume.array.shape[2] != len(uids):
        return everything
    taken = np.array([bool(uids[index]) for index in view.slice_index])
    return taken if 2 * taken.sum() >= count else everything
