"""Measure what a detector marked, and the lungs around it."""

from __future__ import annotations

import math
from dataclasses import replace

from lungdet.geometry.frames import spacing_of
from lungdet.geometry.lung_facts import LungFacts, lung_facts
from lungdet.geometry.lung_mask import LungMask
from lungdet.geometry.nodule_window import NoduleError
from lungdet.lesions import measure_nodule
from lungdet.records import CTVolume, Finding, LungsFound, LungSideFacts, NoduleMeasurement

from .lung_places import lung_places
from .nodule_classifier import round_numbers

DIGITS = 4


def measure_finding(volume: CTVolume, finding: Finding, lungs: LungMask) -> Finding:
    """Add sizes, density and place to a finding; one that cannot be measured gets a note that says why.

    Args:
        volume: the scan, HU.
        finding: with its box in LPS mm.
        lungs: of the scan; without any, the nodule is measured without them.
    """
    labels = lungs.labels if lungs.found else None
    try:
        found = measure_nodule(volume, finding.center_lps_mm, finding.diameter_mm, labels)
    except NoduleError as error:
        return replace(finding, notes=(*finding.notes, f"not measured: {error}"))
    rounded = NoduleMeasurement.from_dict(round_numbers(found.to_dict(), DIGITS))
    return replace(finding, measurement=rounded)


def describe_lungs(volume: CTVolume, lungs: LungMask) -> LungsFound:
    """Measure the lungs of a scan; without any, say why."""
    spacing = spacing_of(volume.affine_lps).tolist()
    facts = lung_facts(volume.array, lungs.labels, (spacing[0], spacing[1], spacing[2]))
    both, right, left = (_side(facts[name]) for name in ("both", "right", "left"))
    places = lung_places(lungs.labels, volume.affine_lps)
    return LungsFound(both, right, left, places.middle, lungs.reason, lungs.notes, places.top, places.cut_at)


def _side(facts: LungFacts) -> LungSideFacts:
    known = not math.isnan(facts.mean_hu)
    return LungSideFacts(
        round(facts.volume_ml, 1),
        round(facts.mean_hu, 1) if known else None,
        round(facts.emphysema_percent, 2) if known else None,
    )
