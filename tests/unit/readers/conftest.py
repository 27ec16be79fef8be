"""Small CT files made for one test each: every element can be set, changed for one slice, or taken away."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SERIES, STUDY = "1.2.3.4.5", "1.2.3.4"
SPACING = (0.7, 0.6)  # distance of rows, distance of columns


@dataclass
class CTFiles:
    """Writes CT files; ``None`` in place of a value takes the element away."""

    folder: Path

    def slice(self, name: str, stored: np.ndarray, position: Sequence[float], **elements: Any) -> Path:
        """Write one slice of stored values ``(rows, columns)``, int16 or uint16."""
        dataset = self._image(stored, elements.pop("SOPClassUID", CTImageStorage), f"{SERIES}.{_number(name)}")
        dataset.ImagePositionPatient = list(position)
        dataset.ImageOrientationPatient = list(AXIAL)
        dataset.PixelSpacing = list(SPACING)
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        return self._save(dataset, name, elements)

    def series(
        self,
        stored: np.ndarray,
        step_lps_mm: Sequence[float] = (0.0, 0.0, 2.0),
        first_lps_mm: Sequence[float] = (-10.0, -20.0, 5.0),
        subfolder: str = "",
        change: Callable[[int], dict[str, Any]] = lambda number: {},
        **elements: Any,
    ) -> Path:
        """Write ``stored``, ``(Z, Y, X)``, slice by slice, in an order that names do not show."""
        for number in range(len(stored)):
            position = np.asarray(first_lps_mm) + number * np.asarray(step_lps_mm)
            own = {"InstanceNumber": len(stored) - number, **elements, **change(number)}
            position = own.pop("position", position.tolist())
            name = f"{subfolder}/{(7 * number) % len(stored):03d}_{number}.dcm".lstrip("/")
            self.slice(own.pop("name", name), own.pop("stored", stored[number]), position, **own)
        return self.folder

    def enhanced(self, stored: np.ndarray, shared: Dataset, frames: Sequence[Dataset], **elements: Any) -> Path:
        """Write one enhanced CT of ``(Z, Y, X)`` with functional groups as given."""
        dataset = self._image(stored, EnhancedCTImageStorage, f"{SERIES}.77")
        dataset.NumberOfFrames = len(stored)
        dataset.SharedFunctionalGroupsSequence = [shared]
        dataset.PerFrameFunctionalGroupsSequence = list(frames)
        return self._save(dataset, "enhanced.dcm", elements)

    def _image(self, stored: np.ndarray, sop_class: str, sop_uid: str) -> Dataset:
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, sop_uid
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, SERIES
        dataset.Modality = "CT"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.SeriesDescription, dataset.ConvolutionKernel, dataset.SliceThickness = "CHEST", "B30f", 2.5
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.Rows, dataset.Columns = stored.shape[-2:]
        dataset.BitsAllocated = 8 * stored.dtype.itemsize
        dataset.BitsStored, dataset.HighBit = dataset.BitsAllocated, dataset.BitsAllocated - 1
        dataset.PixelRepresentation = int(stored.dtype.kind == "i")
        dataset.PixelData = stored.tobytes()
        dataset["PixelData"].VR = "OW"
        return dataset

    def _save(self, dataset: Dataset, name: str, elements: dict[str, Any]) -> Path:
        for keyword, value in elements.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path, enforce_file_format=True)
        return path


def _number(name: str) -> int:
    return sum(ord(letter) * 31**place for place, letter in enumerate(name)) + 1


@pytest.fixture
def ct_files(tmp_path: Path) -> CTFiles:
    """Writer of CT files into an empty folder."""
    folder = tmp_path / "ct"
    folder.mkdir()
    return CTFiles(folder)


@pytest.fixture
def stored() -> np.ndarray:
    """Stored values ``(6, 4, 5)`` of six slices, int16: 0 to 3000, all different from slice to slice."""
    return np.random.default_rng(7).integers(0, 3000, size=(6, 4, 5)).astype(np.int16)


@pytest.fixture
def damaged_copies() -> Callable[[bytes, int, int], list[bytes]]:
    """Flip bits, cut, insert, remove and overwrite, most of it in the header: ``count`` copies of ``data``."""

    def make(data: bytes, count: int, seed: int) -> list[bytes]:
        draw = random.Random(seed)
        copies = []
        for _ in range(count):
            copy = bytearray(data)
            place = draw.randrange(len(copy)) if draw.random() < 0.3 else draw.randrange(min(len(copy), 1500))
            kind = draw.randrange(5)
            if kind == 0:
                for _ in range(draw.choice((1, 2, 8))):
                    copy[(place + draw.randrange(40)) % len(copy)] ^= 1 << draw.randrange(8)
            elif kind == 1:
                del copy[draw.randrange(len(copy)) :]
            elif kind == 2:
                copy[place:place] = draw.randbytes(draw.choice((1, 2, 8, 100)))
            elif kind == 3:
                del copy[place : place + draw.choice((1, 2, 8, 100))]
            else:
                copy[place : place + 4] = draw.choice((b"\xff" * 4, bytes(4), b"\xff\xff\xff\x7f", draw.randbytes(4)))
            copies.append(bytes(copy))
        return copies

    return make
