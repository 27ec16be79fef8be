"""Walking a whole scan with a network."""

from .slab_stream import SlabStreamInferer

__all__ = ["SlabStreamInferer"]
