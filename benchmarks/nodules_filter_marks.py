"""The detector's marks on synthetic chests that it has not seen, each with its cube: made once, filtered often."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from detector_scans import open_configs
from monai.data import MetaTensor
from numpy.typing import NDArray

from lungdet.detection import DecodeBoxesd
from lungdet.geometry.cubes import cut_cube
from lungdet.geometry.frames import ras_to_lps
from lungdet.phantoms import make_chest
from lungdet.reports import write_files
from lungdet.transforms import BoxToWorldd, MakePhantomd

Floats = NDArray[np.float64]
CHEST_MM = (314.0, 314.0, 246.0)
PIXEL_MM = 1.0
LEAST_SCORE, MOST_MARKS = 0.02, 60
SHOWN_FROM = 0.3  # score of the marks that the detector shows


@dataclass(frozen=True, eq=False)
class ScanMarks:
    """Marks of one scan by falling score, and its truth; all in LPS mm.

    Attributes:
        seed: of the phantom.
        slice_mm: distance and thickness of its slices.
        marks_mm: ``(N, 3)`` centres.
        scores: ``(N,)`` of the detector.
        cubes: ``(N, 48, 48, 48)`` int16 HU, of 1 mm, in RAS.
        nodules_mm: ``(M, 3)``.
        diameters_mm: ``(M,)``, of nodules.
        kinds: ``M`` texts.
        excluded_mm: ``(K, 3)``, of what is neither to be found nor false.
        excluded_diameters_mm: ``(K,)``.
    """

    seed: int
    slice_mm: float
    marks_mm: Floats
    scores: Floats
    cubes: NDArray[np.int16]
    nodules_mm: Floats
    diameters_mm: Floats
    kinds: tuple[str, ...]
    excluded_mm: Floats
    excluded_diameters_mm: Floats

    def hits(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which marks lie in a nodule's ball, and which count: those on what is excluded alone do not."""
        right = in_balls(self.marks_mm, self.nodules_mm, self.diameters_mm)
        return right, right | ~in_balls(self.marks_mm, self.excluded_mm, self.excluded_diameters_mm)


def in_balls(points: Floats, centers: Floats, diameters: Floats) -> NDArray[np.bool_]:
    """Whether each of ``(N, 3)`` points lies in one of ``(M, 3)`` balls: ``(N,)``.

    Example:
        >>> in_balls(np.array([[0.0, 0, 1], [0, 0, 3]]), np.zeros((1, 3)), np.array([4.0])).tolist()
        [True, False]
    """
    away = np.linalg.norm(points[:, None] - centers[None], axis=2)  # (N, M)
    return np.asarray((away < diameters / 2).any(axis=1))


def marked_scans(folder: Path, seeds: Sequence[int], slices_mm: Sequence[float]) -> Iterator[ScanMarks]:
    """Read the marks of each seed, made where they are not there yet; slices take turns."""
    check_folder(folder)
    for number, seed in enumerate(seeds):
        slice_mm = slices_mm[number % len(slices_mm)]
        path = folder / f"marks_{seed}_{slice_mm:g}mm.npz"
        if not path.is_file():
            write_marks(path, mark_scan(seed, slice_mm))
        yield read_marks(path)


def check_folder(folder: Path) -> None:
    """Write beside the marks what they are made with, or make sure that it is what is there.

    Raises:
        ValueError: it is not.
    """
    path, weights = folder / "made_by.json", Path(open_configs({}).get_parsed_content("checkpoint"))
    chest = make_chest(0, spacing_mm=(12.0, 12.0, 12.0), shape=(24, 24, 20)).volume.array
    wanted = {
        "phantom": sha256(chest.tobytes()).hexdigest()[:12],
        "weights": sha256(weights.read_bytes()).hexdigest()[:12],
        "least_score": LEAST_SCORE,
    }
    if path.is_file() and json.loads(path.read_text()) != wanted:
        raise ValueError(f"{folder} was made with {path.read_text()}, not {wanted}: remove it, or name another folder")
    write_files(folder, {path.name: json.dumps(wanted).encode()})


@cache
def detector() -> Any:
    """The shipped detector: a function from an image in HU on its own grid to marks."""
    from lungdet.inferers import SlabStreamInferer

    parser = open_configs({"device": torch.device("cpu")})
    network = parser.get_parsed_content("network")
    network.load_state_dict(torch.load(parser.get_parsed_content("checkpoint"), weights_only=True))
    inferer: SlabStreamInferer = parser.get_parsed_content("inferer")
    grid = parser.get_parsed_content("to_network_grid")
    decode = DecodeBoxesd(keys="pred", min_score=LEAST_SCORE, max_boxes=MOST_MARKS)

    def find(image: MetaTensor) -> tuple[Floats, Floats]:
        item = grid({"image": image})
        with torch.no_grad():
            item["pred"] = inferer(item["image"].as_tensor()[None], network.eval())[0]
        found = BoxToWorldd("pred_box", ref_image_key="image")(decode(item))
        boxes = torch.as_tensor(found["pred_box"]).reshape(-1, 6).double().numpy()
        return (boxes[:, :3] + boxes[:, 3:]) / 2, torch.as_tensor(found["pred_score"]).double().numpy()

    return find


def detector_sha256() -> str:
    """Which weights the marks come from."""
    checkpoint = open_configs({"device": torch.device("cpu")}).get_parsed_content("checkpoint")
    return sha256(Path(checkpoint).read_bytes()).hexdigest()


def mark_scan(seed: int, slice_mm: float) -> ScanMarks:
    """Make the chest of a seed, let the detector mark it, and cut a cube at each mark."""
    shape = tuple(round(length / step) for length, step in zip(CHEST_MM, (PIXEL_MM, PIXEL_MM, slice_mm), strict=True))
    item = MakePhantomd(spacing_mm=(PIXEL_MM, PIXEL_MM, slice_mm), shape=shape)({"seed": seed})
    image = item["image"]
    marks, scores = detector()(image)
    affine = np.asarray(ras_to_lps(image.affine.numpy()), dtype=np.float64)
    hu = image.as_tensor()[0].numpy()
    cubes = [np.rint(cut_cube(hu, affine, mark).hu[0]).astype(np.int16) for mark in marks]
    (nodules, diameters), (excluded, others) = (balls_of(item[key]) for key in ("box", "ignore_box"))
    stacked = np.stack(cubes) if cubes else np.zeros((0, 48, 48, 48), np.int16)
    kinds = tuple(item["kind"])
    return ScanMarks(seed, slice_mm, marks, scores, stacked, nodules, diameters, kinds, excluded, others)


def balls_of(boxes: Any) -> tuple[Floats, Floats]:
    """Middles ``(N, 3)`` and mean sides ``(N,)`` of boxes ``(N, 6)``, as LUNA16 takes them."""
    rows = np.asarray(boxes, dtype=np.float64).reshape(-1, 6)
    return (rows[:, :3] + rows[:, 3:]) / 2, np.cbrt((rows[:, 3:] - rows[:, :3]).prod(axis=1))


def write_marks(path: Path, scan: ScanMarks) -> None:
    stream = io.BytesIO()
    facts = {name: value for name, value in vars(scan).items() if name != "kinds"}
    np.savez_compressed(stream, kinds=np.array(scan.kinds, dtype=str), **facts)
    write_files(path.parent, {path.name: stream.getvalue()})


def read_marks(path: Path) -> ScanMarks:
    with np.load(path) as file:
        facts: dict[str, Any] = {name: file[name] for name in file.files}
    facts |= {"seed": int(facts["seed"]), "slice_mm": float(facts["slice_mm"]), "kinds": tuple(facts["kinds"].tolist())}
    return ScanMarks(**facts)
