"""A router as one JSON file that holds everything but the network's weights, and knows them by their SHA-256."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lungdet.records import BodyPartClass, ClassList
from lungdet.reports import write_files

from .abstention import Abstention
from .calibration import Calibration
from .label_choice import LabelChoice
from .out_of_domain import OutOfDomain

if TYPE_CHECKING:
    from .router import Router

FORMAT = "lungdet router 2"
_MOST_BYTES = 64 << 20


class RouterFileError(ValueError):
    """A router file cannot be trusted, or belongs to other weights; the message names it and the remedy."""


def write_router(router: Router, path: str | Path) -> None:
    """Write ``router``; the file is there whole or not at all."""
    content = {
        "format": FORMAT,
        "weights_sha256": router.weights_sha256,
        "class_list": asdict(router.class_list),
        "calibration": asdict(router.calibration),
        "choice": asdict(router.choice),
        "abstention": {name: _or_null(value) for name, value in asdict(router.abstention).items()},
        "out_of_domain": None if router.out_of_domain is None else _packed(router.out_of_domain),
    }
    text = json.dumps(content, indent=1, allow_nan=False)
    write_files(Path(path).parent, {Path(path).name: (text + "\n").encode()})


def read_router(path: str | Path, *, checkpoint: str | Path | None = None, weights_sha256: str = "") -> Router:
    """Read a router and check that it belongs to the weights, if they are named; see :meth:`Router.load`."""
    with open(path, "rb") as stream:
        data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise RouterFileError(f"{path}: more than {_MOST_BYTES >> 20} MiB; that is no router")
    try:
        router = _router(json.loads(data))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, binascii.Error) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise RouterFileError(f"{path}: no router of this version ({reason}); fit it again to the weights") from error
    if checkpoint is not None:
        weights_sha256 = hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest()
    if weights_sha256 and weights_sha256 != router.weights_sha256:
        known = router.weights_sha256[:12] or "no weights in particular"
        raise RouterFileError(
            f"{path}: fitted to {known}, but the network's weights are {weights_sha256[:12]}; fit it again to them"
        )
    return router


def _router(content: dict[str, Any]) -> Router:
    from .router import Router

    if content.get("format") != FORMAT:
        raise ValueError(f"wanted the format {FORMAT!r}, got {str(content.get('format'))[:40]!r}")
    far = content["out_of_domain"]
    abstention: dict[str, Any] = dict(content["abstention"])
    for name in ("accuracy", "accuracy_low"):
        abstention[name] = math.nan if abstention[name] is None else abstention[name]
    calibration, choice = content["calibration"], content["choice"]
    return Router(
        class_list=_class_list(content["class_list"]),
        calibration=Calibration(**{**calibration, "offsets": _floats(calibration["offsets"])}),
        choice=LabelChoice(**{**choice, "thresholds": _floats(choice["thresholds"])}),
        abstention=Abstention(**abstention),
        out_of_domain=None if far is None else _unpacked(far),
        weights_sha256=str(content["weights_sha256"]),
    )


def _class_list(fields: dict[str, Any]) -> ClassList:
    classes = tuple(BodyPartClass(**entry) for entry in fields["classes"])
    return ClassList(**{**fields, "classes": classes, "groups": tuple(fields["groups"])})


def _floats(values: list[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _or_null(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _packed(far: OutOfDomain) -> dict[str, Any]:
    """Little-endian half floats in base64: a tenth of the same numbers as text."""
    return {
        "limit": far.limit,
        "in_domain": far.in_domain,
        "shape": list(far.references.shape),
        "references": _base64(far.references.astype("<f2")),
        "scales": _base64(far.scales.astype("<f4")),
        "labels": far.members.shape[1],
        "members": _base64(np.packbits(far.members)),
    }


def _unpacked(fields: dict[str, Any]) -> OutOfDomain:
    rows, columns = fields["shape"]
    data = _from_base64(fields["references"], "<f2")
    if min(rows, columns) < 1 or rows * columns != data.size:
        raise ValueError(f"{data.size} numbers for {rows} x {columns} references")
    references = data.reshape(rows, columns).astype(np.float16)
    scales, labels = _from_base64(fields["scales"], "<f4").astype(np.float64), int(fields["labels"])
    bits = np.unpackbits(_from_base64(fields["members"], "u1"))
    if not 0 <= rows * labels <= bits.size < rows * labels + 8:
        raise ValueError(f"{bits.size} bits for the {labels} labels of {rows} references")
    members = bits[: rows * labels].reshape(rows if labels else 0, labels).astype(bool)
    return OutOfDomain(references, float(fields["limit"]), float(fields["in_domain"]), scales, members)


def _base64(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _from_base64(text: str, kind: str) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=kind)
