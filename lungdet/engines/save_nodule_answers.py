"""Write the scores of a nodule classifier's evaluation, with figures and the worst cubes, when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.utils import convert_to_numpy
from torch import Tensor

from lungdet.geometry import frames
from lungdet.geometry.hounsfield import check_window, unscale_hu
from lungdet.metrics.detection_inputs import gather
from lungdet.records import NoduleAnswer
from lungdet.reports import prepare_output, write_files
from lungdet.reports.nodule_tables import nodule_scores_to_text

from .nodule_answer_files import nodule_answer_files
from .nodule_answer_scores import score_cubes
from .scored_cube import CubeKeys, ScoredCube, read_scored_cube
from .scored_picture import items_of
from .worst_cubes import WorstCubes

RAS_MM = np.diag([-1.0, -1.0, 1.0, 1.0])  # of a cube without metadata: 1 mm, axes as after Orientationd(axcodes="RAS")


class NoduleAnswerSaver:
    """Ignite handler: scores, tables, figures and a sheet of the worst cubes, see :func:`nodule_answer_files`.

    Attach it to a :class:`monai.engines.SupervisedEvaluator`, whether that decollates or not. In a distributed run
    every process adds its own cubes, and the first one writes; the scores depend neither on the number of processes
    nor on the order.

    Args:
        output_dir: folder of the files; made if absent.
        answer: from logits ``(B, 1 + types + ratings * 4)`` to ``B`` calibrated answers.
        window_hu: low and high HU of the window that scaled the cubes to [0, 1]; None if they are in HU.
        threshold: probability from which on a mark is taken for a nodule.
        size_edges_mm: diameters between the groups of sizes.
        cases: how many cubes of each sort of error ``worst.png`` shows; 0 for no such file.
        history: table that the training wrote, for ``loss.png``; see :func:`~lungdet.reports.history.read_history`.
        resamples: of the patients, for the intervals.
        keys: names of what is in the items.

    Raises:
        ValueError: the window does not rise, or the threshold is no probability.
        OSError: when the run starts, if nothing can be written to the folder.
    """

    def __init__(
        self,
        output_dir: str | Path,
        answer: Callable[[Tensor], Sequence[NoduleAnswer]],
        window_hu: Sequence[float] | None = (-1000.0, 400.0),
        threshold: float = 0.5,
        size_edges_mm: Sequence[float] = (6.0, 10.0, 15.0),
        cases: int = 6,
        history: str | Path | None = None,
        resamples: int = 1000,
        keys: CubeKeys | None = None,
    ) -> None:
        if window_hu is not None:
            check_window(*window_hu)
        if not 0.0 <= threshold <= 1.0:
            raise ValueError(f"threshold must be in [0, 1], got {threshold}")
        self.output_dir, self.answer, self.window_hu = Path(output_dir), answer, window_hu
        self.threshold, self.size_edges_mm, self.cases = threshold, tuple(size_edges_mm), cases
        self.history, self.resamples, self.keys = history, resamples, keys or CubeKeys()
        self._reset()

    def attach(self, engine: Engine) -> None:
        """Make ready when a run starts, look at every iteration, and write at the end."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def __call__(self, engine: Engine) -> None:
        """Add the cubes that are in ``engine.state``."""
        state: Any = engine.state
        outputs = list(items_of(state.output))
        logits = [torch.as_tensor(output[self.keys.prediction]).detach().float().cpu() for output in outputs]
        for inputs, answer in zip(items_of(state.batch), self.answer(torch.stack(logits)), strict=True):
            self.add(inputs, answer)

    def add(self, item: Mapping[Any, Any], answer: NoduleAnswer) -> None:
        """Add one cube by its item, see :class:`CubeKeys`."""
        cube = read_scored_cube(item, answer, self.keys)
        self._cubes.append(cube)
        if self.cases and item.get(self.keys.image) is not None:
            self._worst.add(cube, *self._voxels(item[self.keys.image]))

    def write(self) -> None:
        """Gather the cubes of all processes, and write the files in the first one; all of them must call this."""
        cubes, worst = gather(self._cubes), WorstCubes.joined(gather([self._worst]))
        if idist.get_rank() != 0:
            return
        scores = score_cubes(cubes, self.threshold, self.size_edges_mm, self.resamples)
        files = nodule_answer_files(scores, worst if self.cases else None, self.history)
        write_files(self.output_dir, files)
        print(f"{nodule_scores_to_text(scores.to_json())}\n\nwritten: {self.output_dir}/ {', '.join(files)}")

    def _start(self, engine: Engine) -> None:
        self._reset()
        if idist.get_rank() == 0:
            prepare_output(self.output_dir)

    def _finish(self, engine: Engine) -> None:
        self.write()

    def _reset(self) -> None:
        self._cubes: list[ScoredCube] = []
        self._worst = WorstCubes(self.cases, self.threshold)

    def _voxels(self, image: Any) -> tuple[Any, Any]:
        """The network's image ``(1, X, Y, Z)`` in HU, int16, and its affine to LPS mm."""
        values = image if self.window_hu is None else unscale_hu(torch.as_tensor(image), *self.window_hu)
        affine = getattr(image, "affine", None)
        to_lps = RAS_MM if affine is None else frames.ras_to_lps(convert_to_numpy(affine).astype("float64"))
        hu = np.nan_to_num(convert_to_numpy(values)[0]).clip(-32768, 32767).round().astype(np.int16)
        return hu, to_lps
