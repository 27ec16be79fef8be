import numpy as np
import pytest
from pydicom.dataset import Dataset

from lungdet.readers import SeriesError, read_ct


def frame_of(position, orientation=(1, 0, 0, 0, 1, 0), spacing=(0.7, 0.6), slope=1, intercept=-1024, **more) -> Dataset:
    """Functional groups of one frame; None leaves a macro out."""
    frame = Dataset()
    for macro, elements in {
        "PlanePositionSequence": {"ImagePositionPatient": position},
        "PlaneOrientationSequence": {"ImageOrientationPatient": orientation},
        "PixelMeasuresSequence": {"PixelSpacing": spacing, "SliceThickness": 3.0},
        "PixelValueTransformationSequence": {"RescaleSlope": slope, "RescaleIntercept": intercept, "RescaleType": "HU"},
        **more,
    }.items():
        if None not in elements.values():
            item = Dataset()
            for keyword, value in elements.items():
                setattr(item, keyword, list(value) if isinstance(value, tuple) else value)
            setattr(frame, macro, [item])
    return frame


def test_enhanced_ct_with_everything_per_frame(ct_files, stored):
    order = [3, 0, 5, 1, 4, 2]
    frames = [frame_of((-10, -20, 5 + 2 * number), intercept=-1000 - number) for number in order]
    volume = read_ct(ct_files.enhanced(stored[order], Dataset(), frames))
    expected = stored - 1000 - np.arange(6, dtype=np.int16)[:, None, None]
    np.testing.assert_array_equal(volume.array, expected.transpose(2, 1, 0))
    assert volume.affine_lps[2, 2] == 2.0
    assert volume.info.thickness_mm == 3.0
    assert set(volume.info.slice_uids) == {"1.2.3.4.5.77"}


def test_enhanced_ct_with_shared_groups(ct_files, stored):
    frames = [frame_of((-10, -20, 5 + 2 * n), orientation=None, spacing=None, slope=None) for n in range(6)]
    volume = read_ct(ct_files.enhanced(stored, frame_of(None), frames))
    np.testing.assert_array_equal(volume.array, (stored - 1024).transpose(2, 1, 0))


def test_enhanced_ct_obeys_the_same_checks(ct_files, stored):
    heights = [0, 2, 4, 8, 10, 12]
    frames = [frame_of((0, 0, height)) for height in heights]
    path = ct_files.enhanced(stored, Dataset(), frames)
    with pytest.raises(SeriesError, match=r"between enhanced.dcm \(frame 3\) and enhanced.dcm \(frame 4\)"):
        read_ct(path)
    volume = read_ct(path, on_gap="interpolate")
    assert volume.array.shape == (5, 4, 7)
    assert volume.info.slice_uids.count("") == 1


def test_enhanced_ct_leaves_out_localizer_frames(ct_files, stored):
    scout = {"CTImageFrameTypeSequence": {"FrameType": ["ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"]}}
    frames = [frame_of((0, 0, number), **(scout if number == 5 else {})) for number in range(6)]
    assert read_ct(ct_files.enhanced(stored, Dataset(), frames)).array.shape == (5, 4, 5)
    path = ct_files.enhanced(stored[:1], Dataset(), frames[5:])
    with pytest.raises(SeriesError, match="left out 1 file: localizer"):
        read_ct(path)


def test_broken_enhanced_ct_is_refused(ct_files, stored):
    frames = [frame_of((0, 0, number)) for number in range(6)]
    for broken, message in (
        (frames[:5], "NumberOfFrames is 6, but it has functional groups of 5 frames"),
        ([frame_of(None), *frames[1:]], "PlanePositionSequence.ImagePositionPatient must hold 3 numbers, found none"),
    ):
        with pytest.raises(SeriesError, match=message):
            read_ct(ct_files.enhanced(stored, Dataset(), broken))


def test_enhanced_ct_with_groups_that_cannot_be_read(ct_files, stored):
    frames = [frame_of((0, 0, number)) for number in range(6)]
    path = ct_files.enhanced(stored, Dataset(), frames)
    path.write_bytes(path.read_bytes().replace(b"0.0\\0.0\\3.0", b"0.0\\0.0\\x.0"))
    with pytest.raises(SeriesError, match="functional groups cannot be read"):
        read_ct(path)
