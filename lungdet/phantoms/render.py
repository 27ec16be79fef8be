"""Paint a patient slice by slice in HU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bones import (
    CARTILAGE_HU,
    CORTEX_HU,
    MARROW_HU,
    RIB_GAP_MM,
    RIB_HALF_DEPTH_MM,
    RIB_HALF_HEIGHT_MM,
    blade_distance,
    breastbone_distance,
    spine_profile,
)
from .capsules import coverage
from .lookalike import paint_lookalike
from .mediastinum import spine_y_mm
from .patient import LATTICE_REACH_MM, LATTICE_STEPS_MM, Patient, fissure_heights_mm
from .thorax import ANGLES, Y_TABLE, table_row

Array = NDArray[Any]
Image = NDArray[np.float32]

AIR_HU, SKIN_HU = -1000.0, 15.0
FISSURE_MM = 0.3
# Middles of stomach, spleen, left and right lobe of the liver.
ORGANS_MM = np.array([(48, -18, -132), (84, 42, -128), (12, -48, -120), (-62, -2, -132)], dtype=float)
SKIN_MM = 1.6


class Painter:
    """Paints slices of one patient on one in-plane grid; what does not change with z is worked out once.

    Args:
        patient: who.
        x, y: ``(X,)`` and ``(Y,)`` voxel centres, patient mm, evenly rising.
    """

    def __init__(self, patient: Patient, x: Array, y: Array) -> None:
        self.patient = patient
        self.x, self.y = x.astype(np.float32)[None, :], y.astype(np.float32)[:, None]
        self.blur = np.float32(x[1] - x[0])  # an edge is spread over one voxel
        self.radius = np.hypot(self.x, self.y)
        self.angle = np.arctan2(self.x, -self.y)
        turn = (self.angle + np.float32(np.pi)) * np.float32(ANGLES / (2 * np.pi))
        self.column = np.minimum(turn.astype(np.int32), ANGLES - 1)
        thorax = patient.thorax
        self.diaphragm = thorax.diaphragm_mm(self.x, self.y).astype(np.float32)
        self.roof = thorax.roof_mm(self.x, self.y).astype(np.float32)
        self.fissures = [height.astype(np.float32) for height in self._fissures()]
        self.weights = [(_linear(y, step), _linear(x, step).T.copy()) for step in LATTICE_STEPS_MM]
        self.blank = _couch(self.x, self.y, patient)

    def block(self, z: Array) -> Image:
        """Paint slices at heights ``z``, ``(Z,)`` patient mm, evenly rising: ``(Z, Y, X)`` HU."""
        hu = np.stack([self.slice(float(height)) for height in z])
        self._add_tubes(hu, z)
        return hu

    def slice(self, z_mm: float) -> Image:
        """Paint everything but the tubes in one slice: ``(Y, X)`` HU."""
        thorax, tissues = self.patient.thorax, self.patient.tissues
        textures = [self._texture(number, z_mm) for number in range(len(LATTICE_STEPS_MM))]
        wall = self.radius - table_row(thorax.cavity_mm, z_mm)[self.column]
        body = self.radius - table_row(thorax.body_mm, z_mm)[self.column]
        muscle = self.radius - table_row(thorax.muscle_mm, z_mm)[self.column]
        hu = self.blank.copy()
        soft = tissues.fat + 5 * textures[2] + 4 * textures[1]
        self._blend(hu, np.where(body > -SKIN_MM, np.float32(SKIN_HU), soft), body)
        flesh = self._flesh(z_mm, wall, muscle, textures)
        self._blend(hu, flesh, muscle)
        self._blend(hu, tissues.fat + 6 * textures[1], wall)
        if z_mm > 60:  # above the lungs the neck begins
            self._blend(hu, tissues.muscle - 60 * (textures[1] > 0.9), np.maximum(wall, self.roof + 3 - z_mm))
        self._add_heart(hu, z_mm)
        depth = self.diaphragm - np.float32(z_mm)
        if depth.max() > 0:
            self._add_abdomen(hu, z_mm, wall, depth)
        self._add_lungs(hu, z_mm, wall, depth, textures)
        self._add_bones(hu, z_mm, wall)
        return hu

    def _flesh(self, z_mm: float, wall: Array, muscle: Array, textures: list[Image]) -> Image:
        """Muscles in layers with fat between them, and the fat of the armpits."""
        tissues = self.patient.tissues
        thick = np.maximum(wall - muscle, 1)
        depth = wall / thick + 0.07 * textures[0] + 0.035 * textures[1]
        gap = np.minimum(np.abs(depth - 0.36), np.abs(depth - 0.68)) * thick
        fat = np.clip(1.6 - gap, 0, 1) * np.clip((thick - 16) / 12, 0, 1) * (wall > 10)
        fat *= np.clip(0.45 + 0.9 * textures[0] + 0.4 * textures[1], 0, 1)
        if 10 < z_mm < 105:
            middle = np.float32(np.radians(88 - 0.1 * z_mm))
            pit = 1 - ((np.abs(self.angle) - middle) / 0.34) ** 2 - ((depth - 0.45) / 0.34) ** 2
            pit *= np.float32(min(z_mm - 10, 105 - z_mm, 25) / 25)
            fat = np.maximum(fat, np.clip(6 * (pit - 0.35) + 0.9 * textures[1], 0, 1))
        flesh: Image = tissues.muscle + 5 * textures[2] + fat * np.float32(tissues.fat - tissues.muscle)
        return flesh

    def _blend(self, hu: Image, value: Array | float, distance: Array) -> None:
        """Put ``value`` where ``distance`` is negative, with an edge one voxel wide."""
        part = np.clip(np.float32(0.5) - distance / self.blur, 0, 1)
        hu += part * (value - hu)

    def _texture(self, number: int, z_mm: float) -> Image:
        lattice, (down, across) = self.patient.lattices[number], self.weights[number]
        position = np.clip((z_mm + LATTICE_REACH_MM) / LATTICE_STEPS_MM[number], 0, len(lattice) - 1.001)
        low = int(position)
        plane = lattice[low] + np.float32(position - low) * (lattice[low + 1] - lattice[low])
        image: Image = down @ plane @ across
        return image

    def _add_heart(self, hu: Image, z_mm: float) -> None:
        for x, y, z, wide, deep, tall in self.patient.mediastinum.chambers:
            level = 1 - ((z_mm - z) / tall) ** 2
            if level <= 0:
                continue
            a, b = wide * np.sqrt(level), deep * np.sqrt(level)
            distance = min(a, b) * (np.sqrt(((self.x - x) / a) ** 2 + ((self.y - y) / b) ** 2) - 1)
            self._blend(hu, self.patient.tissues.muscle + 20, distance)
            self._blend(hu, self.patient.tissues.blood, distance + 5)

    def _add_abdomen(self, hu: Image, z_mm: float, wall: Array, depth: Array) -> None:
        tissues = self.patient.tissues
        organs = np.full_like(hu, tissues.fat + 5)
        stomach, spleen, left_lobe, right_lobe = ORGANS_MM + self.patient.organ_shift_mm
        self._organ(organs, stomach, (44, 44, 52), z_mm, 40.0)
        gas_above_y = stomach[1] + 4 * self.patient.organ_shift_mm[0, 0] - 8
        self._organ(organs, stomach, (40, 40, 48), z_mm, 18.0, gas_above_y)
        self._organ(organs, spleen, (30, 40, 48), z_mm, tissues.spleen)
        self._organ(organs, left_lobe, (52, 32, 46), z_mm, tissues.liver)
        self._organ(organs, right_lobe, (88, 104, 92), z_mm, tissues.liver)
        organs = np.where(depth < 4, np.float32(tissues.muscle), organs)
        spine_fat = np.hypot(self.x, self.y - spine_y_mm(z_mm)) < 30
        organs = np.where(spine_fat, np.float32(tissues.fat + 60), organs)
        self._blend(hu, organs, np.maximum(wall, -0.7 * depth))

    def _organ(
        self,
        hu: Image,
        center: Array,
        half: tuple[float, float, float],
        z_mm: float,
        value: float,
        gas_above_y: float | None = None,
    ) -> None:
        level = 1 - ((z_mm - center[2]) / half[2]) ** 2
        if level <= 0:
            return
        a, b = half[0] * np.sqrt(level), half[1] * np.sqrt(level)
        distance = min(a, b) * (np.sqrt(((self.x - center[0]) / a) ** 2 + ((self.y - center[1]) / b) ** 2) - 1)
        filling = value if gas_above_y is None else np.where(self.y < gas_above_y, np.float32(-960), np.float32(value))
        self._blend(hu, filling, distance)

    def _add_lungs(self, hu: Image, z_mm: float, wall: Array, depth: Array, textures: list[Image]) -> None:
        tissues, thorax = self.patient.tissues, self.patient.thorax
        rows = [table_row(table, z_mm) for table in (thorax.left_mm, thorax.right_mm)]
        left, right = (np.interp(self.y[:, 0], Y_TABLE, row).astype(np.float32)[:, None] for row in rows)
        slant = [1 / np.sqrt(1 + np.gradient(side[:, 0], float(self.blur)) ** 2)[:, None] for side in (left, right)]
        medial = np.minimum((left - self.x) * slant[0], (self.x - right) * slant[1])
        lung = np.maximum(wall, medial)
        if depth.max() > -40:
            lung = np.maximum(lung, np.float32(0.7) * depth)
        if z_mm > 0:
            lung = np.maximum(lung, np.float32(0.7) * (np.float32(z_mm) - self.roof))
        regional, lobular, fine = textures
        fresh = tissues.lung + np.float32(tissues.gravity) * self.y + 10 * regional + 17 * lobular
        fresh += 15 * fine + 9 * np.maximum(fine, 0) ** 2
        if tissues.emphysema:
            hole = np.clip(1.3 * lobular + 0.7 * regional + np.float32(z_mm / 100 - 0.5), 0, 1)  # most of it above
            fresh -= np.float32(tissues.emphysema * 125) * hole
        fresh += np.float32(45) * np.exp(np.minimum(wall, 0) / 7) * (self.y > 25)
        fade = min(FISSURE_MM / float(self.blur), 1.0)
        for number, height in enumerate(self.fissures):
            side: Array = np.where((self.x > 0) == (number == 0), np.float32(1), np.float32(0))
            sheet = np.clip(1 - np.abs(height - np.float32(z_mm)) * np.float32(0.75) / self.blur, 0, 1)
            fresh += sheet * side * np.float32(fade * 850)
        self._blend(hu, np.maximum(fresh, -1010), lung)

    def _add_bones(self, hu: Image, z_mm: float, wall: Array) -> None:
        across, cartilage = self.patient.skeleton.nearest_rib(z_mm)
        deep = (wall - np.float32(RIB_GAP_MM)) / np.float32(RIB_HALF_DEPTH_MM)
        shape = np.sqrt((across / np.float32(RIB_HALF_HEIGHT_MM))[self.column] ** 2 + deep**2)
        rib = np.float32(RIB_HALF_DEPTH_MM) * (shape - 1)
        bone = np.where(rib > -1.5, np.float32(CORTEX_HU), np.float32(MARROW_HU))
        self._blend(hu, np.where(cartilage[self.column], np.float32(CARTILAGE_HU), bone), rib)
        sternum = breastbone_distance(self.x, wall, self.y, z_mm)
        self._blend(hu, np.where(sternum > -1.3, np.float32(420), np.float32(170)), sternum)
        blade = blade_distance(self.angle, wall, z_mm)
        self._blend(hu, np.where(blade > -1.4, np.float32(CORTEX_HU), np.float32(MARROW_HU)), blade)
        columns = slice(*np.searchsorted(self.x[0], (-42, 42)))
        rows = slice(*np.searchsorted(self.y[:, 0], (20, 130)))
        if columns.start < columns.stop and rows.start < rows.stop:
            spine, value = spine_profile(self.x[:, columns], self.y[rows], z_mm, self.patient.skeleton.spine_shift_mm)
            self._blend(hu[rows, columns], value, spine)

    def _add_tubes(self, hu: Image, z: Array) -> None:
        """Draw vessels, airways, look-alikes and bones that are tubes into a block of slices."""
        patient, (x, y) = self.patient, (self.x[0], self.y[:, 0])
        blood = coverage(patient.mediastinum.vessels, x, y, z)
        coverage(patient.vessels, x, y, z, blood)
        _raise(hu, patient.tissues.blood, blood)
        for lookalike in patient.lookalikes:
            paint_lookalike(hu, (x, y, z), patient.thorax, lookalike)
        _raise(hu, 35.0, coverage(patient.mediastinum.gullet, x, y, z))
        walls = coverage(patient.airways.grown(1.1, 0.4), x, y, z)
        coverage(patient.mediastinum.windpipe.grown(1.0, 1.6), x, y, z, walls)
        _raise(hu, 30.0, walls)
        lumens = coverage(patient.airways, x, y, z)
        coverage(patient.mediastinum.windpipe, x, y, z, lumens)
        for image, share in zip(hu, lumens, strict=True):
            image += share * np.minimum(AIR_HU + 5 - image, 0)
        _raise(hu, CORTEX_HU - 100, coverage(patient.skeleton.shoulders, x, y, z))
        hu -= np.float32(CORTEX_HU - 100 - MARROW_HU) * coverage(patient.skeleton.shoulders.grown(1.0, -2.2), x, y, z)

    def _fissures(self) -> list[Array]:
        left, right, flat = fissure_heights_mm(self.patient.fissures, self.x, self.y)
        return [left, right, np.where(flat > right, flat, np.float32(1e4))]


def _raise(hu: Image, value: float, part: Array) -> None:
    """Blend towards ``value`` where that raises the HU: tubes show in lung and fat, not in bone."""
    for image, share in zip(hu, part, strict=True):  # slice by slice stays in the cache
        image += share * np.maximum(np.float32(value) - image, 0)


def _couch(x: Array, y: Array, patient: Patient) -> Image:
    """Air with the scanner's table under the patient, ``(Y, X)`` HU."""
    back = float(np.percentile(patient.thorax.body_mm[:, 0], 90)) + 14
    top = back - (x / 210.0) ** 2 * 26  # it hugs the back
    hu = np.full(np.broadcast_shapes(x.shape, y.shape), AIR_HU, dtype=np.float32)
    inside = (y > top) & (y < back + 26) & (np.abs(x) < 215)
    shell = (np.abs(y - top) < 1.6) | (np.abs(y - back - 26) < 1.6)
    hu[inside] = -940.0
    hu[(shell & (np.abs(x) < 215)) | (inside & (np.abs(x) > 212))] = -180.0
    return hu


def _linear(places: Array, step_mm: float) -> Image:
    """Weights of linear interpolation from a lattice to ``places``: ``(N, lattice)``."""
    count = int(np.ceil(2 * LATTICE_REACH_MM / step_mm)) + 1
    position = np.clip((places + LATTICE_REACH_MM) / step_mm, 0, count - 1)
    return np.maximum(1 - np.abs(position[:, None] - np.arange(count)[None]), 0).astype(np.float32)
