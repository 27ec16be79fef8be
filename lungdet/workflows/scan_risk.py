"""The probability of a label for a whole scan, from what a detector has found in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lungdet.records import CTVolume, Finding, ModelInfo, ScanCandidates, ScanRiskAnswer

from .candidate_embedder import CandidateEmbedder
from .candidate_finder import best_cubes, pack_cubes
from .opened_bundle import OpenedBundle

BUNDLE = "scan_risk"
NOT_KNOWN = ModelInfo("", "", "")


class ScanRiskModel:
    """A bundle's network with its weights, and the classifier that describes candidates to it.

    Args:
        bundle: name of a shipped bundle, or the root of another; only one that you trust: its settings name code to
            run.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        classifier: bundle of the nodule classifier; None leaves it to the bundle.
        overrides: new values of other settings of the bundle, by id.

    Attributes:
        model: name and version of the bundle, and SHA-256 of its weights.
        top: candidates of a scan that it looks at, at most.
        least_score: of the detector, for a candidate to be looked at.
        classifier: which classifier describes candidates; None where the network looks at them itself.
        detector_sha256: of the weights of the detector whose marks it has learnt from; empty for any.

    Raises:
        BundleError: the bundle or the classifier's cannot be found or opened, or weights are absent.
        ValueError: there is no such device.
    """

    def __init__(
        self,
        bundle: str | Path = BUNDLE,
        device: str | None = None,
        classifier: str | Path | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        given = dict(overrides or {}) | ({} if classifier is None else {"classifier": str(classifier)})
        opened = OpenedBundle(bundle, device, given)
        self.device, self.network = opened.device, opened.network()
        self.model = opened.load_weights(self.network)
        self.inferer, self.pack = opened.take("inferer"), opened.take("pack")
        self.top, self.least_score = int(opened.take("top")), float(opened.take("least_score"))
        # These two are not in bundles of before.
        self.detector_sha256, self.label_means = (
            str(opened.take(name)) if name in opened.parser else "" for name in ("detector_sha256", "label_means")
        )
        embed = opened.take("embed")
        # Opened now: a classifier that will not do is told before any work.
        self.classifier: ModelInfo | None = embed.model if isinstance(embed, CandidateEmbedder) else None

    def __call__(
        self, volume: CTVolume, findings: Sequence[Finding], detector: ModelInfo = NOT_KNOWN
    ) -> ScanRiskAnswer:
        """Judge a scan.

        Args:
            volume: in HU.
            findings: of a detector in this scan, of any score and in any order; where there are none, that is an
                answer, too. One without a cube, such as one outside of the scan, is passed over, and the answer's notes
                say so.
            detector: whose findings they are, if that is known; the notes tell of another one than it has learnt from.

        Raises:
            ValueError: there are findings worth a look, and none has a cube; see
                :func:`lungdet.geometry.cubes.cut_cube`.
        """
        worth = [finding for finding in findings if finding.score >= self.least_score]
        best, cubes, passed_over = best_cubes(volume, worth, self.top)
        answer = self.judge(pack_cubes(best, cubes, volume.info.source, detector))
        return replace(answer, notes=(*answer.notes, *(f"a mark was passed over: {reason}" for reason in passed_over)))

    @torch.no_grad()
    def judge(self, candidates: ScanCandidates) -> ScanRiskAnswer:
        """Judge a scan by its candidates."""
        kept = candidates.best(self.top, self.least_score)
        item = {"candidates": torch.from_numpy(kept.cubes).float(), "scores": torch.from_numpy(kept.scores)}
        packed = self.pack(item)["candidates"][None].to(self.device)
        logit = self.inferer(packed, self.network)
        notes: tuple[str, ...] = (
            () if len(kept) else ("no marks to judge by: this is the answer for every scan without any",)
        )
        notes += self._of_another(candidates.detector.weights_sha256)
        notes += (f"the label: {self.label_means}",) if self.label_means else ()
        return ScanRiskAnswer(float(logit.double().sigmoid().item()), self.model, len(kept), notes)

    def _of_another(self, detector_sha256: str) -> tuple[str, ...]:
        known = self.detector_sha256
        if not known or not detector_sha256 or detector_sha256 == known:
            return ()
        which = f"of other weights ({detector_sha256[:12]}) than those it learnt from ({known[:12]})"
        return (f"the marks are of a detector {which}",)
