"""What lesions have to do with each other: where they are, what looks alike, what is the same one later."""

from .embedded import EmbeddedLesions
from .embedded_file import EmbeddedFileError, load_embedded, save_embedded

__all__ = [
    "EmbeddedFileError",
    "EmbeddedLesions",
    "load_embedded",
    "save_embedded",
]
