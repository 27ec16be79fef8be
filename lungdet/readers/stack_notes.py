"""What a user should know of a series that can be read: no reason to refuse it, but one to look at it."""

from __future__ import annotations

from collections.abc import Sequence

from .series_candidate import is_uid
from .slice_facts import SliceFacts
from .stack_pixels import BODY_HU, Tally

HU_TYPES = frozenset({"", "HU"})
NOT_HU_ABOVE = -50.0  # a chest or head CT without one voxel this low is probably not in HU
ONE_OF_A_STACK = ("ConvolutionKernel", "KVP")  # what one scan has one value of
LISTED_VALUES = 3
ONE_SLICE = "one slice"  # begins the step that says whose word was taken for its thickness


def notes_on_slices(slices: Sequence[SliceFacts]) -> list[str]:
    """Tell what is odd in the headers of the slices to be read, one line for each.

    A UID that is not written as one (digits and dots, 64 at most) is taken as a mere name.
    """
    notes = []
    for keyword in ("SeriesInstanceUID", "StudyInstanceUID"):
        uid = slices[0].header.text(keyword)
        if not uid:
            notes.append(f"it has no {keyword}: files without one are taken to belong together")
        elif not is_uid(uid):
            notes.append(f"its {keyword} {uid!r} is no UID, and is taken as a name")
    odd = sorted({fact.rescale_type for fact in slices} - HU_TYPES)
    if odd:
        notes.append(f"RescaleType {', '.join(map(repr, odd))} taken as HU")
    if any(fact.slope < 0 for fact in slices):
        notes.append("RescaleSlope is negative, which no scanner writes: is air dark?")
    for keyword in ONE_OF_A_STACK:
        values = list(dict.fromkeys(_plain(fact.header.text(keyword)) for fact in slices))
        if len(values) > 1:
            more = f" and {len(values) - LISTED_VALUES} more" if len(values) > LISTED_VALUES else ""
            notes.append(f"{keyword} changes within it: {', '.join(map(repr, values[:LISTED_VALUES]))}{more}")
    return notes


def doubtful_steps(steps: Sequence[str]) -> tuple[str, ...]:
    """Pick, of what a reader did, that for which findings may mean nothing: a single slice that was believed.

    Example:
        >>> doubtful_steps(["one slice: the step of 5 mm is SliceThickness", "left out 1 file: no CT image"])
        ('one slice: the step of 5 mm is SliceThickness',)
    """
    return tuple(step for step in steps if step.startswith(ONE_SLICE))


def _plain(text: str) -> str:
    """Write a number in one way: 120 and 120.0 are the same voltage."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def notes_on_values(tally: Tally, padding_hu: float | None) -> list[str]:
    """Tell what is odd in the values that were read, one line for each.

    Args:
        tally: what was met.
        padding_hu: what padding was set to.
    """
    notes = []
    if tally.in_body and padding_hu is not None:
        notes.append(
            f"PixelPaddingValue is a value of the body (above {BODY_HU:g} HU), and {tally.in_body} voxels that have it "
            f"were set to {padding_hu:g} HU; pass padding_hu=None to keep them"
        )
    if tally.lowest_hu > NOT_HU_ABOVE:
        notes.append(f"its values run from {tally.lowest_hu:g} to {tally.highest_hu:g}: are they HU?")
    return notes
