"""lungdet: from a hospital's DICOM to answers, on MONAI.

Importing this package loads nothing heavy; import the room you need, for example
``from lungdet.transforms import ScaleHUd`` or ``from lungdet.readers import read_ct``.
"""

__version__ = "0.1.0.dev0"
