"""Where the lungs of synthetic patients are: truth for lung masks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lungdet.records import CTVolume

from .capsules import join
from .patient import Patient
from .thorax import LUNG_HIGH_MM, LUNG_LOW_MM, Array
from .torso import Torso
from .torso_frame import BodyFrame
from .torso_paint import Anatomy, TorsoPainter

RIGHT, LEFT = 1, 2
REACH_MM = 12.0  # lungs may reach out of the box in which nodules are placed
STEP_HU = 1000.0


def chest_lungs(patient: Patient, volume: CTVolume) -> NDArray[np.uint8]:
    """Label the lungs of a chest phantom: all within their surfaces, vessels, bronchi and nodules included.

    Args:
        patient: whom :func:`~lungdet.phantoms.patient.draw_patient` drew from the phantom's seed.
        volume: the phantom's.

    Returns:
        ``(X, Y, Z)``, 1 right, 2 left.
    """
    axes = [own - middle for own, middle in zip(_axes(volume), patient.offset_lps_mm, strict=True)]
    low, high = LUNG_LOW_MM - REACH_MM, LUNG_HIGH_MM + REACH_MM
    spans = [slice(*np.searchsorted(axis, ends)) for axis, ends in zip(axes, zip(low, high, strict=True), strict=True)]
    x, y = (grid.ravel() for grid in np.meshgrid(axes[0][spans[0]], axes[1][spans[1]], indexing="ij"))
    labels = np.zeros(volume.array.shape, dtype=np.uint8)
    for index in range(len(axes[2]))[spans[2]]:
        inside = patient.thorax.lung_distance_mm(x, y, np.full(len(x), axes[2][index])) < 0
        plane = labels[spans[0], spans[1], index]
        plane[...] = (np.where(x < 0, RIGHT, LEFT) * inside).reshape(plane.shape)
    return labels


def torso_lungs(torso: Torso, volume: CTVolume) -> NDArray[np.uint8]:
    """Label the lungs of a trunk: what is at least half lung if vessels, airways and noise are left out.

    Args:
        torso: who.
        volume: the phantom's, of :func:`~lungdet.phantoms.make_torso`.

    Returns:
        ``(X, Y, Z)``, 1 right, 2 left.
    """
    x, y, z = _axes(volume)
    painters = [TorsoPainter(_with_lung_hu(torso, hu)) for hu in (0.0, STEP_HU)]
    labels = np.zeros(volume.array.shape, dtype=np.uint8)
    for index, height in enumerate(z):
        center = torso.center_mm(float(height))
        place = _standard(torso.frame, float(height), x - center[0], y - center[1])
        low, high = (painter.paint(*place) for painter in painters)
        sides = np.where(x < center[0], RIGHT, LEFT)[None]
        labels[:, :, index] = (sides * (high - low >= STEP_HU / 2)).T
    return labels


def _with_lung_hu(torso: Torso, hu: float) -> Anatomy:
    """The patient with lungs of another density, and without vessels and airways in them."""
    anatomy = torso.anatomy
    build = replace(anatomy.build, tissue_hu={**anatomy.build.tissue_hu, "lung": hu})
    tubes = replace(anatomy.tubes, lung=join([]), airway=join([]), pulmonary=join([]))
    return replace(anatomy, build=build, tubes=tubes)


def _standard(frame: BodyFrame, height: float, x: Array, y: Array) -> tuple[float, Array, Array]:
    return float(frame.to_standard(height)), x / frame.scale[0], y / frame.scale[1]


def _axes(volume: CTVolume) -> list[Array]:
    """Voxel centres along x, y and z, LPS mm; the phantoms' axes are the patient's."""
    affine = volume.affine_lps
    return [affine[n, 3] + affine[n, n] * np.arange(size) for n, size in enumerate(volume.array.shape)]
