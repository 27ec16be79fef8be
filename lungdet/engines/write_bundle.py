"""A bundle of one's own at the end of a training, ready for ``lungdet label --bundle``."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from lungdet.records import ClassList
from lungdet.reports.folder_swap import write_folder

from .bundle_card import bundle_pages, with_training

logger = logging.getLogger(__name__)
CLASS_LIST_FILES = (".yaml", ".yml", ".csv")


class BundleWriter:
    """Ignite handler of a trainer: copy the bundle with the new weights, and with the settings that they were made by.

    The copy has the same configs, ``models/model.pt``, ``models/router.json``, and a ``metadata.json``, a model card
    and a page on the data's licence that tell what is known of this training. A class list that is a file goes with it.
    Attach it last, in the first process only.

    Args:
        bundle_root: of the bundle that trains.
        folder: of the new bundle; an older one there is replaced as a whole.
        weights: file of the state dictionary.
        router_file: what belongs to it; left out if it is not there.
        classes: what the network's outputs mean.
        class_list: their name, or their file.
        settings: new values of lines at the top of ``common.yaml``, by name; with ``network_name`` and ``image_size``.
        data_source: what it was trained on, in words.

    Raises:
        ValueError: when a training ends, if a setting has no line of its own in ``common.yaml``.
    """

    def __init__(
        self,
        bundle_root: str | Path,
        folder: str | Path,
        weights: str | Path,
        router_file: str | Path,
        classes: ClassList,
        class_list: str | Path,
        settings: Mapping[str, Any],
        data_source: str = "",
    ) -> None:
        self.root, self.folder, self.classes = Path(bundle_root), Path(folder), classes
        self.weights, self.router_file, self.class_list = Path(weights), Path(router_file), Path(class_list)
        self.settings, self.data_source = dict(settings), data_source

    def attach(self, engine: Engine) -> None:
        """Write when the training ends."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write now."""
        write_folder(self.folder, self.files(), ignore=lambda folder, names: set(names))
        logger.info("the bundle of this training: %s", self.folder)

    def files(self) -> dict[str, bytes]:
        """Return the new bundle's files by name."""
        configs = self.root / "configs"
        files = {f"configs/{path.name}": path.read_bytes() for path in sorted(configs.iterdir()) if path.is_file()}
        settings: dict[str, Any] = {**self.settings, "class_list": str(self.class_list)}
        if self.class_list.suffix.lower() in CLASS_LIST_FILES:
            own = f"class_list{self.class_list.suffix.lower()}"
            files[f"configs/{own}"] = self.class_list.read_bytes()
            settings["class_list"] = f"$@bundle_root + '/configs/{own}'"
        common = files["configs/common.yaml"].decode("utf-8")
        files["configs/common.yaml"] = with_settings(common, settings).encode("utf-8")
        metadata = json.loads(files["configs/metadata.json"])
        metadata = with_training(metadata, self.classes, self.settings, self.data_source)
        files["configs/metadata.json"] = (json.dumps(metadata, indent=2) + "\n").encode("ascii")
        files |= bundle_pages(metadata, self.settings)
        for name, path in (("LICENSE", self.root / "LICENSE"), ("models/router.json", self.router_file)):
            if path.is_file():
                files[name] = path.read_bytes()
        return {**files, "models/model.pt": self.weights.read_bytes()}


def with_settings(common: str, settings: Mapping[str, Any]) -> str:
    r"""Give lines at the top of a YAML file new values; everything else, comments too, stays as it is.

    Raises:
        ValueError: a setting has no line of its own.

    Example:
        >>> with_settings("a: 1\nb:\n  a: 2\n", {"a": "x y"})
        'a: "x y"\nb:\n  a: 2\n'
    """
    for name, value in settings.items():
        line = f"{name}: {json.dumps(value)}"
        as_it_stands = line.replace("\\", r"\\")  # a backslash is special where re puts in a text
        common, found = re.subn(rf"^{re.escape(name)}: .*$", as_it_stands, common, flags=re.MULTILINE)
        if found != 1:
            raise ValueError(f"common.yaml: wanted one line with {name}: and a value, found {found}")
    return common
