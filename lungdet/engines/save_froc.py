"""Write the score of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path

from ignite.engine import Engine, Events

from lungdet.metrics import NoduleFROC
from lungdet.reports import write_files


class FrocSaver:
    """Ignite handler: ``froc.json`` with sensitivities, their mean, counts and 95 % intervals, when an evaluation ends.

    Args:
        metric: the evaluator's own metric, which holds the scans.
        output_dir: folder of the file; made if absent.
    """

    def __init__(self, metric: NoduleFROC, output_dir: str | Path) -> None:
        self.metric, self.output_dir = metric, Path(output_dir)

    def attach(self, engine: Engine) -> None:
        """Run at the end."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the file and print its content."""
        intervals = self.metric.intervals().to_json()
        del intervals["band"]  # it has hundreds of points, and can be made again from the seed
        content = {**self.metric.result().to_json(), "intervals": intervals}
        text = json.dumps(content, indent=2)
        write_files(self.output_dir, {"froc.json": text.encode()})
        print(text)
