"""Walking a whole scan with a network."""

from .autocast import AutocastInferer
from .slab_stream import SlabStreamInferer

__all__ = ["AutocastInferer", "SlabStreamInferer"]
