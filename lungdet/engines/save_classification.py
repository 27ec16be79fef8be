"""Write the scores of a classifier's evaluation, with figures and doubtful labels, when it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.utils import convert_to_tensor
from torch import Tensor

from lungdet.metrics.detection_inputs import as_array, gather
from lungdet.records import ClassList
from lungdet.reports import prepare_output, write_files
from lungdet.reports.classification_tables import classification_to_text
from lungdet.routing.calibration import SOFTMAX, Calibration
from lungdet.routing.label_choice import LabelChoice
from lungdet.routing.router import Router
from lungdet.transforms.disturb import DISTURBANCES, Disturb

from .classification_evaluation import evaluate_pictures
from .classification_files import classification_files
from .picture_gallery import PictureGallery
from .picture_speed import PictureSpeed, speed_to_json
from .scored_picture import DisturbedOutput, PictureKeys, ScoredPicture, items_of, read_scored_picture

PICTURES_FOR_SHEET = 16  # pictures kept for each that the sheet shows: which ones it shows is known at the end only


class ClassificationEvaluationSaver:
    """Ignite handler: scores, tables and figures of a classifier, see :func:`classification_files`.

    Attach it to a :class:`monai.engines.SupervisedEvaluator`, whether that decollates or not. Every picture is also
    disturbed as the network sees it, and put through the network again. In a distributed run every process adds its own
    pictures, and the first one writes; the scores depend neither on the number of processes nor on the order.

    Args:
        output_dir: folder of the files; made if absent.
        class_list: names in the order of the logits.
        router_file: calibration, threshold and out-of-domain score, as ``Router.save`` wrote them. Without it, or if it
            is not there, probabilities are the network's own and everything is answered.
        checkpoint: the network's weights, to make sure that the router belongs to them.
        activation: ``"softmax"`` or ``"sigmoid"`` of a network without a router; softmax if None.
        disturbances: names from ``lungdet.transforms.DISTURBANCES``; all if None, and no table of robustness if empty.
        resamples: of the patients, for the intervals.
        sheet: how many doubtful labels ``label_errors.png`` shows; 0 for no such file.
        history: table that the training wrote, for ``loss.png``; see :func:`~lungdet.reports.history.read_history`.
        keys: names of what is in the items.

    Raises:
        ValueError: there is no such disturbance. When the run starts: the router is for other classes or weights.
        OSError: when the run starts, if nothing can be written to the folder.
    """

    def __init__(
        self,
        output_dir: str | Path,
        class_list: ClassList,
        router_file: str | Path | None = None,
        checkpoint: str | Path | None = None,
        activation: str | None = None,
        disturbances: Sequence[str] | None = None,
        resamples: int = 1000,
        sheet: int = 24,
        history: str | Path | None = None,
        keys: PictureKeys | None = None,
    ) -> None:
        self.output_dir, self.class_list = Path(output_dir), class_list
        self.router_file, self.checkpoint, self.activation = router_file, checkpoint, activation
        names = tuple(DISTURBANCES) if disturbances is None else tuple(disturbances)
        self.disturbances = {name: Disturb(name) for name in names}
        self.resamples, self.sheet, self.history, self.keys = resamples, sheet, history, keys or PictureKeys()
        self.speed = PictureSpeed()
        self._router = read_router(class_list, None, None, activation)  # until the run starts
        self._reset()

    def attach(self, engine: Engine) -> None:
        """Make ready when a run starts, look at every iteration, and write at the end."""
        engine.add_event_handler(Events.STARTED, self._start)
        self.speed.attach(engine)  # its clock stops before this handler looks at the pictures
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def __call__(self, engine: Engine) -> None:
        """Add the pictures that are in ``engine.state``."""
        state: Any = engine.state
        pairs = zip(items_of(state.output), items_of(state.batch), strict=True)
        items = [{**outputs, **inputs} for outputs, inputs in pairs]
        disturbed = self._disturbed(engine, [item[self.keys.image] for item in items])
        self.speed.sizes.append(len(items))
        for row, item in enumerate(items):
            self.add(item, {name: outputs[row] for name, outputs in disturbed.items()})

    def add(self, item: Mapping[Any, Any], disturbed: Mapping[str, DisturbedOutput] | None = None) -> None:
        """Add one picture by its item, see :class:`PictureKeys`, and what is said of it after disturbances."""
        picture = read_scored_picture(item, len(self.class_list), self.keys, disturbed)
        self._pictures.append(picture)
        if item.get(self.keys.image) is not None:
            self._gallery.add(picture, item[self.keys.image])

    def write(self) -> None:
        """Gather the pictures of all processes, and write the files in the first one; all of them must call this."""
        pictures, speeds = gather(self._pictures), gather([self.speed])
        gallery = PictureGallery.joined(gather([self._gallery]))
        if idist.get_rank() != 0:
            return
        scores = evaluate_pictures(pictures, self._router, self.resamples)
        files = classification_files(scores, gallery, self.sheet, speed_to_json(speeds), self.history)
        write_files(self.output_dir, files)
        print(f"{classification_to_text(scores.to_json())}\n\nwritten: {self.output_dir}/ {', '.join(files)}")

    def _start(self, engine: Engine) -> None:
        self._reset()
        self._router = read_router(self.class_list, self.router_file, self.checkpoint, self.activation)
        if idist.get_rank() == 0:
            prepare_output(self.output_dir)

    def _finish(self, engine: Engine) -> None:
        self.write()

    def _reset(self) -> None:
        self._pictures: list[ScoredPicture] = []
        self._gallery = PictureGallery(PICTURES_FOR_SHEET * self.sheet)
        self.speed.clear()

    def _disturbed(self, engine: Any, images: Sequence[Any]) -> dict[str, list[DisturbedOutput]]:
        """What the network says of the pictures after each disturbance."""
        if not self.disturbances or not images:
            return {}
        pictures = [convert_to_tensor(image, track_meta=False) for image in images]
        said = {}
        for name, disturb in self.disturbances.items():
            batch = torch.stack([disturb(picture) for picture in pictures]).to(self._device(engine))
            # As the evaluator does; outside of its own step the network is back in the mode that it was in before.
            with engine.mode(engine.network), torch.autocast("cuda") if engine.amp else nullcontext():
                said[name] = self._outputs(engine.inferer(batch, engine.network))
        return said

    def _outputs(self, said: Tensor | Mapping[str, Tensor]) -> list[DisturbedOutput]:
        outputs = said if isinstance(said, Mapping) else {"logits": said}
        logits, domain = as_array(outputs["logits"]), self._router.out_of_domain
        if domain is None or "embedding" not in outputs:
            return [DisturbedOutput(row) for row in logits]
        strange = domain.score(as_array(outputs["embedding"]), logits).tolist()
        return [DisturbedOutput(row, score) for row, score in zip(logits, strange, strict=True)]

    def _device(self, engine: Any) -> torch.device:
        return next((value.device for value in engine.network.parameters()), torch.device("cpu"))


def read_router(
    class_list: ClassList, router_file: str | Path | None, checkpoint: str | Path | None, activation: str | None
) -> Router:
    """Read a router if there is one; else make one that takes the network at its word and answers always.

    Raises:
        ValueError: the router is for other classes, or other weights.
    """
    if router_file is None or not Path(router_file).is_file():
        kind = activation or SOFTMAX
        return Router(class_list, Calibration(activation=kind), LabelChoice(class_list.multi_label, kind))
    router = Router.load(router_file, checkpoint=checkpoint)
    if router.class_list.names != class_list.names or router.class_list.multi_label != class_list.multi_label:
        known = f"{router.class_list.name}: {', '.join(router.class_list.names)}"
        raise ValueError(f"{router_file}: the router is for {known}; the evaluation for {class_list.name}")
    return router
