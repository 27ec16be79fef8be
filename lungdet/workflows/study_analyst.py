"""What is to be known of a scan and its marks, beyond where they are."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from lungdet.engines.save_finding_answers import ANSWERS, UNRATED
from lungdet.geometry.lung_mask import LungMask
from lungdet.records import CTVolume, DetectionReport, Finding, LungsFound, ModelInfo, NoduleAnswer, ScanRiskAnswer
from lungdet.reports.analysis_words import OUTSIDE_LUNGS

from .bundle import BundleError, bundle_root
from .explain import explain
from .measure_findings import describe_lungs, measure_finding
from .nodule_classifier import BUNDLE as CLASSIFIER
from .nodule_classifier import NoduleRater, round_numbers, rounded
from .outside_lungs import outside_lungs
from .whole_lungs import partial_lungs

logger = logging.getLogger(__name__)
Model = TypeVar("Model")
ScanModel = Callable[[CTVolume, Sequence[Finding], ModelInfo], ScanRiskAnswer]
RISK = "scan_risk"
LEAST_SCORE = 0.02  # of marks that the filter and the scan's model look at
SCAN = "the risk of the scan"
OUTSIDE = f"{UNRATED}: it lies {OUTSIDE_LUNGS}"
NEUTRAL = 0.5  # a probability that moves no filtered score: its logit is 0


class StudyAnalyst:
    """The models of an analysis, as far as they are there.

    A shipped bundle without weights is no error: its answers are left out, and every report says so.

    Args:
        classifier: bundle of a nodule classifier; None asks none.
        risk: bundle of a model of the whole scan; None asks none.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundles.
        filter_marks: let the classifier change the scores and drop marks.
        least_score: that the user asked for; it wins over the filter's own. None asks for none.

    Attributes:
        filters: whether there is a filter, and it was asked for.

    Raises:
        BundleError: a bundle that was named cannot be used.
        ValueError: there is no such device.
    """

    def __init__(
        self,
        classifier: str | Path | None = CLASSIFIER,
        risk: str | Path | None = RISK,
        device: str | None = None,
        filter_marks: bool = False,
        least_score: float | None = None,
    ) -> None:
        self._notes: list[str] = []
        self._least_score = least_score
        self.rater = self._open(classifier, CLASSIFIER, ANSWERS, lambda bundle: NoduleRater(bundle, device))
        self.risk = self._open(
            risk, RISK, SCAN, lambda bundle: _open_scan_model(bundle, device, classifier or CLASSIFIER)
        )
        self.filters = filter_marks and self.rater is not None and self.rater.mark_filter is not None
        if filter_marks and not self.filters:
            self._notes.append("not filtered: there is no classifier with a fitted filter")
            logger.warning(self._notes[-1])

    def __call__(self, volume: CTVolume, marks: DetectionReport, lungs: LungMask, min_score: float) -> DetectionReport:
        """Analyze a scan.

        Args:
            volume: as read, HU.
            marks: what the detector marked, also with low scores.
            lungs: of the scan.
            min_score: leave out findings below it; where marks are filtered, the filter's own threshold counts in its
                place, unless the user asked for one.

        Returns:
            The report with all that could be told.
        """
        notes = [*marks.notes, *self._notes]
        inside, outside = _split(volume, marks.findings, lungs)
        if self.filters and self._fits(marks.model, notes):
            findings, least = self._filtered(volume, inside, min_score)
            notes.append(f"scores are of detector and classifier together; marks below {least:g} are left out")
        else:
            least = min_score
            findings = self._rated(volume, [mark for mark in inside if mark.score >= least])
        findings = self._on_marks(findings, marks.model, notes)
        findings += [mark for mark in outside if mark.score >= least]
        findings.sort(key=lambda finding: (-finding.score, finding.box_voxel))
        described = describe_lungs(volume, lungs)
        risk = self._risk_of(volume, replace(marks, findings=tuple(inside)), lungs, described, notes)
        return replace(
            marks,
            findings=tuple(measure_finding(volume, finding, lungs) for finding in findings),
            lungs=described,
            risk=risk,
            models=self._models(risk),
            notes=tuple(notes),
        )

    def _open(
        self, bundle: str | Path | None, usual: str, answers: str, build: Callable[[str | Path], Model]
    ) -> Model | None:
        if bundle is None:
            self._notes.append(f"left out: {answers}; nobody asked for it")
            return None
        try:
            return build(bundle)
        except BundleError as error:
            if str(bundle) != usual:
                raise
            logger.warning("left out: %s; %s", answers, error)
            why = "has no weights" if "no weights there" in str(error) else "cannot be used"
            self._notes.append(f"left out: {answers}; the bundle {usual} {why}")  # reports travel: no path in them
            return None

    def _rated(self, volume: CTVolume, findings: Sequence[Finding]) -> list[Finding]:
        if self.rater is None:
            return list(findings)
        answers = self.rater(volume, [finding.center_lps_mm for finding in findings])
        return [
            replace(finding, answer=answer)
            if isinstance(answer, NoduleAnswer)
            else replace(finding, notes=(*finding.notes, f"{UNRATED}: {answer.reason}"))
            for finding, answer in zip(findings, answers, strict=True)
        ]

    def _on_marks(self, findings: list[Finding], detector: ModelInfo, notes: list[str]) -> list[Finding]:
        """Give answers the sureness that fits this detector's marks; last of all, for the filter has its own."""
        if self.rater is None or not any(finding.answer for finding in findings):
            return findings
        answers, made_by = self.rater.answers, detector.weights_sha256
        notes += answers.notes(made_by)
        said = (None if each.answer is None else rounded(answers.on_marks(each.answer, made_by)) for each in findings)
        return [replace(finding, answer=answer) for finding, answer in zip(findings, said, strict=True)]

    def _fits(self, detector: ModelInfo, notes: list[str]) -> bool:
        """Tell whether the filter was fitted to the scores of this detector; they mean something else in another."""
        fitted = "" if self.rater is None else self.rater.filter_detector
        if fitted and fitted == detector.weights_sha256:
            return True
        whose = f"weights {fitted[:12]}" if fitted else "no detector in particular"
        notes.append(
            f"not filtered: the filter was fitted to scores of {whose}, these are of {detector.weights_sha256[:12]}"
        )
        logger.warning(notes[-1])
        return False

    def _filtered(self, volume: CTVolume, findings: Sequence[Finding], min_score: float) -> tuple[list[Finding], float]:
        """Combine both scores; for a mark without an answer the classifier is taken to be undecided."""
        if self.rater is None or self.rater.mark_filter is None:
            raise ValueError("there is no filter")
        known = (self._least_score, self.rater.threshold, min_score)
        least = next(score for score in known if score is not None)
        scored = []
        for finding in self._rated(volume, [each for each in findings if each.score >= LEAST_SCORE]):
            opinion = NEUTRAL if finding.answer is None else finding.answer.nodule
            score = float(self.rater.mark_filter.scores([finding.score], [opinion])[0])
            scored.append(replace(finding, score=round(score, 6), detector_score=finding.score))
        scored.sort(key=lambda finding: (-finding.score, finding.box_voxel))
        return [finding for finding in scored if finding.score >= least], least

    def _risk_of(
        self, volume: CTVolume, marks: DetectionReport, lungs: LungMask, described: LungsFound, notes: list[str]
    ) -> ScanRiskAnswer | None:
        if self.risk is None:
            return None
        partial = partial_lungs(volume, lungs, described)
        if partial:  # a scan without marks has an answer, which is of a chest
            notes.append(f"left out: {SCAN}; {partial}")
            return None
        try:
            answer = self.risk(volume, marks.findings, marks.model)
        except ValueError as error:  # a mark without a cube, say: the findings are not to be lost
            notes.append(f"left out: {SCAN}; {_without_source(explain(error), volume)}")
            return None
        told = (*(_without_source(note, volume) for note in answer.notes), *lungs.notes)
        return ScanRiskAnswer.from_dict(round_numbers(replace(answer, notes=told).to_dict(), 6))

    def _models(self, risk: ScanRiskAnswer | None) -> tuple[ModelInfo, ...]:
        """Whoever had a part in it, once each: the scan's model asks a classifier, too, also where nobody else does."""
        asked = [] if self.rater is None else [self.rater.model]
        if risk is not None:
            described: ModelInfo | None = getattr(self.risk, "classifier", None)
            asked += [*([] if described is None else [described]), risk.model]
        return tuple(dict.fromkeys(asked))


def _split(volume: CTVolume, marks: Sequence[Finding], lungs: LungMask) -> tuple[list[Finding], list[Finding]]:
    """Part marks in or near the lungs from those outside, which no model of nodules can judge, and note it."""
    away = outside_lungs(volume, marks, lungs)
    inside = [mark for mark, out in zip(marks, away, strict=True) if not out]
    outside = [replace(mark, notes=(*mark.notes, OUTSIDE)) for mark, out in zip(marks, away, strict=True) if out]
    return inside, outside


def _open_scan_model(bundle: str | Path, device: str | None, classifier: str | Path) -> ScanModel:
    root = bundle_root(bundle)
    from .scan_risk import ScanRiskModel

    return ScanRiskModel(root, device, classifier)


def _without_source(message: str, volume: CTVolume) -> str:
    """Leave out the scan that a message begins with; the report is of no other."""
    return message.removeprefix(f"{volume.info.source}: ")
