"""Pure functions on points, boxes, patches and CT numbers: no files, no metadata, no state.

Import from the module that names the idea, for example ``from lungdet.geometry.frames import ras_to_lps``; nothing is
re-exported here, so that ``frames`` can be had without torch.
"""
