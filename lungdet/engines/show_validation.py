"""Pictures of a validation in TensorBoard."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
from ignite.engine import Engine, Events
from numpy.typing import NDArray
from PIL import Image

from lungdet.metrics import FrocResult, NoduleFROC
from lungdet.reports.score_figures import CurveToDraw, MissingPlotsError, draw_froc

from .draw_boxes import best_slice, draw_slice


class ValidationPictures:
    """Ignite handler of an evaluator: the FROC curve, and slices with true and found boxes, after every validation.

    Attach it in all processes of a distributed run, for the metric joins their scans; the first one draws. Without
    matplotlib there is no curve.

    Args:
        metric: the evaluator's own metric.
        log_dir: folder of TensorBoard's files.
        max_slices: slices to show, of as many scans.
        min_score: found boxes below it are not drawn.
        keys: names of the image, the true boxes, the found boxes and their scores in the evaluator's output.
    """

    def __init__(
        self,
        metric: NoduleFROC,
        log_dir: str | Path,
        max_slices: int = 4,
        min_score: float = 0.3,
        keys: tuple[str, str, str, str] = ("image", "true_box", "pred_box", "pred_score"),
    ) -> None:
        self.metric, self.log_dir = metric, Path(log_dir)
        self.max_slices, self.min_score, self.keys = max_slices, min_score, keys
        self._slices: list[NDArray[np.uint8]] = []
        self._writer: Any = None

    def attach(self, engine: Engine) -> None:
        """Collect slices scan by scan, and write all when the validation ends."""
        engine.add_event_handler(Events.STARTED, self._slices.clear)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.collect)
        engine.add_event_handler(Events.COMPLETED, self.write)

    def collect(self, engine: Engine) -> None:
        """Draw a slice of each scan in ``engine.state.output``, until there are enough."""
        output: Any = engine.state.output
        for item in output if idist.get_rank() == 0 else ():
            if len(self._slices) < self.max_slices:
                self._slices.append(self._draw(item))

    def write(self, engine: Engine) -> None:
        """Hand the pictures to TensorBoard."""
        result = self.metric.result()  # in all processes: it waits for them
        if idist.get_rank() != 0:
            return
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.log_dir))
        epoch = int(engine.state.epoch)
        for number, picture in enumerate(self._slices):
            self._writer.add_image(f"validation/scan_{number}", picture, epoch, dataformats="HWC")
        with suppress(MissingPlotsError):  # the CPM is among the scalars
            self._writer.add_image("validation/froc", froc_picture(result), epoch, dataformats="HWC")
        self._writer.flush()

    def _draw(self, item: Mapping[str, Any]) -> NDArray[np.uint8]:
        image, true, found, scores = (item[key] for key in self.keys)
        found = found[scores >= self.min_score]
        return draw_slice(image, best_slice(true, found, image.shape[-1]), true, found)


def froc_picture(result: FrocResult) -> NDArray[np.uint8]:
    """Draw a FROC curve as pixels, ``(H, W, 3)``.

    Raises:
        MissingPlotsError: matplotlib is not installed.
    """
    curve = CurveToDraw(
        f"CPM {result.cpm:.3f}",
        result.curve_fp_rates,
        result.curve_sensitivities,
        dots_x=result.fp_rates,
        dots_y=result.sensitivities,
    )
    png = draw_froc([curve], result.fp_rates, result.protocol.unit)["png"]
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.uint8)
