"""From stored values to brightness, as a DICOM header tells it: modality LUT, window, polarity, padding.

The order is that of the standard (PS3.4 N.2): stored value, modality LUT or rescale, VOI LUT or window, then the
polarity of the photometric interpretation. Padding is left out of every statistic and becomes black at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dicom_header import DicomHeader
from .dicom_padding import in_range, padding_range
from .errors import DicomFileError
from .radiograph_lut import find_lut
from .radiograph_window import WINDOW_FUNCTIONS, Window

Values = NDArray[Any]
Brightness = NDArray[np.float32]

PERCENTILES = (0.5, 99.5)
LEAST_CONTRAST = 0.02  # of a window that shows less, nothing can be seen


@dataclass(frozen=True)
class Greyscale:
    """How the stored values of one picture become brightness in [0, 1].

    Attributes:
        modality: stored values to values of the modality, float32.
        voi: these to brightness.
        inverted: whether bright and dark change places at the end.
        padding: lowest and highest stored value that is padding, and becomes 0.
        steps: the same in words.
    """

    modality: Callable[[Values], Values]
    voi: Callable[[Values], Brightness]
    inverted: bool
    padding: tuple[int, int] | None
    steps: tuple[str, ...]

    def __call__(self, stored: Values) -> Brightness:
        """Return the brightness of ``stored``, of any shape."""
        shown = self.voi(self.modality(stored))
        if self.inverted:
            shown = np.float32(1) - shown
        if self.padding is not None:
            shown[in_range(stored, self.padding)] = 0
        return shown


def greyscale_of(header: DicomHeader, sample: Values) -> Greyscale:
    """Work out how a picture is to be shown.

    Args:
        header: header of the file.
        sample: stored values to take statistics of; behind no shutter, of any number and shape.

    Raises:
        DicomFileError: the header contradicts itself.
    """
    steps: list[str] = []
    padding = padding_range(header, sample.dtype)
    if padding is not None:
        sample = sample[~in_range(sample, padding)]
        steps.append(f"padding: {padding[0]} to {padding[1]}" if padding[0] != padding[1] else f"padding: {padding[0]}")
    modality, signed = _modality(header, sample.dtype.kind == "i", steps)
    values = modality(sample)
    voi = _voi(header, values, signed, steps)
    inverted = _inverted(header, steps)
    return Greyscale(modality, voi, inverted, padding, tuple(steps))


def stretch_of(values: Values) -> Window:
    """Return the window from the 0.5 to the 99.5 percentile; black for pictures of one value.

    Args:
        values: to take the percentiles of; without any, everything is black.
    """
    if not values.size:
        return Window(0.5, 1.0, "LINEAR_EXACT")
    low, high = np.percentile(values, PERCENTILES)
    if not high > low:
        low, high = float(values.min()), float(values.max())
    width = float(high - low)
    if not width > 0 or not math.isfinite(width):
        return Window(float(high) + 0.5, 1.0, "LINEAR_EXACT")
    return Window(float(low) + width / 2, width, "LINEAR_EXACT")


def words_of(stretch: Window) -> str:
    """Say between which values :func:`stretch_of` stretches.

    Example:
        >>> words_of(stretch_of(np.arange(1001)))
        'percentiles 0.5 and 99.5: 5 to 995'
    """
    low, high = stretch.center - stretch.width / 2, stretch.center + stretch.width / 2
    return f"percentiles {PERCENTILES[0]} and {PERCENTILES[1]}: {low:g} to {high:g}"


def _modality(header: DicomHeader, signed: bool, steps: list[str]) -> tuple[Callable[[Values], Values], bool]:
    """Return the modality's function and whether it gives negative values; a LUT wins over slope and intercept."""
    lut = find_lut(header, "ModalityLUTSequence", signed)
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
    if lut is not None:
        steps.append(f"modality LUT: {len(lut.entries)} entries of {lut.bits} bits")
        return lut, False
    slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
    if slope == 0:
        steps.append("RescaleSlope 0 passed over")
        slope = 1.0
    if (slope, intercept) == (1.0, 0.0):
        return (lambda stored: stored), signed
    steps.append(f"rescaled: slope {slope:g}, intercept {intercept:g}")
    return (lambda stored: stored * slope + intercept), signed or intercept < 0 or slope < 0


def _voi(header: DicomHeader, values: Values, signed: bool, steps: list[str]) -> Callable[[Values], Brightness]:
    """Return the first of VOI LUT, window and percentiles that can be used and shows something."""
    lut = find_lut(header, "VOILUTSequence", signed)
    if lut is not None:
        top = np.float32(lut.top)
        table = lut

        def show(values: Values) -> Brightness:
            return table(values) / top

        if _shows(show, values):
            steps.append(f"VOI LUT: {len(lut.entries)} entries of {lut.bits} bits, white is {lut.top}")
            return show
        steps.append("VOI LUT passed over: it leaves the picture blank")
    window = _window(header, steps)
    if window is not None:
        words = f"window: center {window.center:g}, width {window.width:g}, {window.function}"
        if _shows(window, values):
            steps.append(words)
            return window
        steps.append(f"{words} passed over: it leaves the picture blank")
    stretch = stretch_of(values)
    steps.append(words_of(stretch))
    return stretch


def _window(header: DicomHeader, steps: list[str]) -> Window | None:
    """Return the first window of the header; None, with a word why, if there is none to be used."""
    function = header.text("VOILUTFunction") or "LINEAR"
    if function not in WINDOW_FUNCTIONS:
        steps.append(f"VOILUTFunction {function[:16]!r} is unknown, taken as LINEAR")
        function = "LINEAR"
    try:
        centers, widths = header.numbers("WindowCenter"), header.numbers("WindowWidth")
        if not centers or not widths:
            if centers or widths:
                steps.append("window passed over: it lacks its center or its width")
            return None
        return Window(centers[0], widths[0], function)
    except (DicomFileError, ValueError) as error:
        problem = error.problem if isinstance(error, DicomFileError) else str(error)
        steps.append(f"window passed over: {problem}")
        return None


def _inverted(header: DicomHeader, steps: list[str]) -> bool:
    """Whether low values are to be bright; PresentationLUTShape says the same as MONOCHROME1, and is no second turn.

    Raw data of a detector (FOR PROCESSING) are not made to be looked at: there the sign of the values' relation to the
    X-ray intensity tells where bone is (PS3.3 C.8.11.3.1.2), if it is given.
    """
    low_is_bright = header.text("PhotometricInterpretation") == "MONOCHROME1"
    sign = header.number("PixelIntensityRelationshipSign")
    if header.text("PresentationIntentType") == "FOR PROCESSING" and sign in (1, -1):
        if sign == 1:
            steps.append("inverted: raw data whose low values are less X-rays")
        elif low_is_bright:
            steps.append("MONOCHROME1 passed over: raw data whose high values are less X-rays")
        return sign == 1
    if low_is_bright:
        steps.append("inverted: MONOCHROME1")
    elif header.text("PresentationLUTShape") == "INVERSE":
        steps.append("PresentationLUTShape INVERSE passed over: it contradicts MONOCHROME2")
    return low_is_bright


def _shows(show: Callable[[Values], Brightness], values: Values) -> bool:
    """Whether anything can be told apart, or nothing could be in the first place."""
    if not values.size or values.min() == values.max():
        return True
    shown = show(values)
    return bool(shown.max() - shown.min() > LEAST_CONTRAST)
