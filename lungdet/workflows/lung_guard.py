"""Warn before anyone believes a nodule detector about a scan without lungs."""

from __future__ import annotations

import logging
from pathlib import Path

from lungdet.records import CTVolume, FlagKind

from .body_scorer import BUNDLE, BodyScorer
from .bundle import BundleError
from .devices import usable_device

logger = logging.getLogger(__name__)

MOST_SLICES = 20  # enough to see lungs, and which way a body runs
WARNS_OF: tuple[FlagKind, ...] = ("empty", "upside_down", "no_order", "no_lungs")
ORDER_MM = 250.0  # at real shoulders the shipped weights err over so much that shorter scans seem to have no order


class LungGuard:
    """Tell of a CT whether a detector of lung nodules has any business with it.

    Where the regressor has no weights, or cannot be used for another reason, there is no guard; that is logged once. A
    scan that cannot be scored is let pass, and that is logged, too: the guard may not stand in the way of findings.

    Args:
        bundle: of a body-part regressor.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.

    Raises:
        ValueError: there is no such device.
    """

    def __init__(self, bundle: str | Path = BUNDLE, device: str | None = None) -> None:
        self.scorer: BodyScorer | None = None
        if device is not None:
            usable_device(device)  # a wrong name is the caller's error, and not the bundle's
        try:
            self.scorer = BodyScorer(bundle, device)
        except (BundleError, ValueError, OSError) as error:  # these say what to do
            logger.warning("no guard against scans without lungs: %s", error)
        except Exception as error:  # a device without memory, say
            logger.warning("no guard against scans without lungs: %s: %s", type(error).__name__, error)

    def __call__(self, volume: CTVolume) -> tuple[str, ...]:
        """Return what is wrong with the scan for a search for lung nodules; nothing if all is well."""
        if self.scorer is None:
            return ()
        try:
            scan = self.scorer(volume, MOST_SLICES)
        except ValueError as error:
            logger.warning("%s; not checked for lungs", error)
            return ()
        except Exception as error:  # findings are there already, and are not to be lost
            logger.warning("%s: %s: %s; not checked for lungs", volume.info.source, type(error).__name__, error)
            return ()
        short = scan.z_mm[0] - scan.z_mm[-1] < ORDER_MM
        said = [flag for flag in scan.flags if flag.kind in WARNS_OF and not flag.rows]
        said = [flag for flag in said if not (short and flag.kind == "no_order")]
        if scan.has("empty"):
            said = [flag for flag in said if flag.kind == "empty"] or said
        return tuple(flag.message for flag in said)
