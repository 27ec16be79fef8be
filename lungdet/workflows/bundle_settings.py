"""Whether two runs of a bundle do the same with a picture."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .bundle import bundle_root, open_bundle

PICTURE = ("preprocessing", "inferer")  # what the answer to a picture depends on, beside the weights


def settings_sha256(parser: Any, names: Iterable[str]) -> str:
    """Hash settings of a bundle as they are written, with all those that they refer to, and with what was overridden.

    Args:
        parser: a :class:`monai.bundle.ConfigParser` as :func:`~lungdet.workflows.open_bundle` returns it.
        names: of settings; one that is not there counts as nothing.
    """
    given = parser.globals.get("given_settings", {})
    found: dict[str, Any] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or name == "bundle_root":  # where a bundle lies changes nothing
            continue
        found[name] = given.get(name, parser.config.get(name))
        waiting += re.findall(r"[@%](\w+)", json.dumps(found[name], default=str))
    return hashlib.sha256(json.dumps(found, sort_keys=True, default=str).encode("ascii")).hexdigest()


def told_settings(bundle: str | Path, settings: Mapping[str, Any]) -> str:
    """Hash what a run of MONAI's command line does with a picture: its preprocessing and inferer.

    Args:
        bundle: root of the bundle that runs.
        settings: the plain ones that both refer to, as this run has them.

    Returns:
        The sum of the bundle opened with these values; a preprocessing that was replaced as a whole is not seen.
    """
    return settings_sha256(open_bundle(bundle_root(bundle), settings), PICTURE)
