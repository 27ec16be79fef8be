"""Tell at which borders of a scan the lungs are cut off."""

from __future__ import annotations

from .lung_grid import Mask

LARGE_PART = 0.15  # of what is seen of the lungs along the axis; the top of a lung that is grazed is less
NAMES = (("lower", "upper"), ("front", "back"), ("right", "left"))  # along Z, Y, X


def cut_borders(lungs: Mask) -> tuple[str, ...]:
    """Name the borders that the lungs touch over a large area.

    Args:
        lungs: ``(Z, Y, X)``: slices to the head, rows to the back, columns to the patient's left.

    Example:
        >>> import numpy as np
        >>> lungs = np.zeros((4, 5, 6), dtype=bool)
        >>> lungs[2:, 1:4, 1:5] = True
        >>> cut_borders(lungs)
        ('upper',)
        >>> cut_borders(lungs[:, :, 2:])
        ('upper', 'right')
    """
    cut = []
    for axis, names in enumerate(NAMES):
        shade = int(lungs.any(axis=axis).sum())
        for name, end in zip(names, (0, -1), strict=True):
            if shade and int(lungs.take(end, axis).sum()) >= LARGE_PART * shade:
                cut.append(name)
    return tuple(cut)


def border_notes(lungs: Mask) -> tuple[str, ...]:
    """Say that volumes are of a part, if any border cuts the lungs; ``lungs`` as for :func:`cut_borders`.

    Example:
        >>> import numpy as np
        >>> border_notes(np.ones((2, 2, 2), dtype=bool))[0][:58]
        "the scan's lower, upper, front, back, right and left borde"
        >>> border_notes(np.zeros((2, 2, 2), dtype=bool))
        ()
    """
    names = cut_borders(lungs)
    if not names:
        return ()
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    verb = "border cuts" if len(names) == 1 else "borders cut"
    return (f"the scan's {listed} {verb} the lungs: volumes are of the part that is seen",)
