"""All ways to damage a series that :func:`lungdet.phantoms.write_dicom_series` has written, by name.

Each takes the folder, changes or adds files in it, and returns those it touched. They act on uncompressed series.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import damage_files, damage_slices

Damage = Callable[[Path], tuple[Path, ...]]

#: What a reader must refuse, or go on with only when told to.
FATAL_DAMAGES: dict[str, Damage] = {
    "gap": damage_slices.drop_slices,
    "changed_step": damage_slices.change_step,
    "duplicate_different": damage_slices.duplicate_different,
    "gantry_tilt": damage_slices.tilt_gantry,
    "shear": damage_slices.shear,
    "mixed_orientations": damage_slices.mix_orientations,
    "no_position": damage_slices.remove_position,
    "no_pixel_spacing": damage_slices.remove_pixel_spacing,
    "one_without_position": damage_slices.remove_position_of_one,
    "second_series": damage_files.add_second_series,
    "truncated": damage_files.truncate_file,
}

#: What a reader must see through: the volume stays what it was.
HARMLESS_DAMAGES: dict[str, Damage] = {
    "duplicate_same": damage_slices.duplicate_same,
    "varied_rescale": damage_slices.vary_rescale,
    "shuffled": damage_slices.shuffle,
    "localizer": damage_files.add_localizer,
    "localizer_in_series": damage_files.add_localizer_in_series,
    "dose_page": damage_files.add_dose_page,
    "secondary_capture": damage_files.add_secondary_capture,
    "rubbish": damage_files.add_rubbish,
}

DAMAGES: dict[str, Damage] = {
    **FATAL_DAMAGES,
    **HARMLESS_DAMAGES,
    "padding": damage_slices.add_padding,  # changes the pixels outside the field of view, and nothing else
}
