"""Group CT slices into stacks that could each be one volume, and choose one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from .errors import SeriesError
from .plain_text import printable
from .read_options import allow
from .series_candidate import KEY_SEPARATOR, SeriesCandidate, candidate_of, facts_of, key_of
from .series_parts import continuing_parts, differences
from .series_passes import split_passes
from .series_scan import SeriesScan
from .slice_facts import SliceFacts, Vector

Choice: TypeAlias = Literal["thinnest"]

SAME_DIRECTION = 1e-3  # largest difference of two direction cosines of one orientation
SAME_SPACING = 1e-3  # largest relative difference of two pixel spacings of one grid
MOST_PLANES = 64  # different orientations or grids of one series: those of a real one are few
MOST_LISTED = 10  # candidates in an error; list_series tells them all
# Objects that differ in these are no parts of one stack, whatever their SeriesInstanceUID says.
GROUP_KEYWORDS = ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID")


def group_slices(scan: SeriesScan) -> list[SeriesCandidate]:
    """Group slices by series, study, patient, frame of reference, orientation, rows and columns, and pixel spacing.

    Where places repeat within such a group, it is split into passes, see :func:`split_passes`. Series of more than 64
    such groups, such as slices turned about an axis, are left out of ``scan.slices`` and counted in ``scan.left_out``.

    Args:
        scan: the slices.

    Returns:
        Candidates by series UID, in the order of their first files within a series.
    """
    series: dict[str, list[SliceFacts]] = {}
    for fact in scan.slices:
        series.setdefault(key_of(fact.series_uid), []).append(fact)
    candidates = []
    for key, slices in sorted(series.items()):
        planes = _same_plane_groups(slices)
        if planes is None:
            reason = f"of series {key}, which has more than {MOST_PLANES} different orientations or grids"
            scan.left_out += [(path, reason) for path in dict.fromkeys(fact.path for fact in slices)]
            continue
        groups = [part for plane in planes for part in split_passes(plane)]
        keys = [key] if len(groups) == 1 else [f"{key}{KEY_SEPARATOR}{n}" for n in range(1, len(groups) + 1)]
        candidates += [candidate_of(name, group) for name, group in zip(keys, groups, strict=True)]
    return candidates


def choose_series(
    candidates: Sequence[SeriesCandidate], scan: SeriesScan, series: str | None, choose: Choice | None
) -> SeriesCandidate:
    """Choose the one candidate to read.

    ``thinnest`` is the axial one, of two or more places, with the smallest slice width (the larger of step and
    SliceThickness, to 0.01 mm); of equals the one with most slices, then the first by key. Kernels do not count.

    Args:
        candidates: what there is.
        scan: where they come from, for the message.
        series: a key, a SeriesInstanceUID, or the unique beginning of one; ``choose`` does not count then.
        choose: a rule.

    Raises:
        SeriesError: none fits, or several do, or the one that does is but a part of a stack and was not named by its
            whole key: the message lists them.
        ValueError: ``choose`` is no rule.
    """
    if choose not in (None, "thinnest"):
        raise ValueError(f"choose must be 'thinnest' or None, got {choose!r}")
    fitting = list(candidates) if series is None else _named(candidates, series)
    if not fitting:
        raise SeriesError(_none_fits(candidates, scan, series))
    if len(fitting) == 1:
        chosen = fitting[0]
    elif series is None and choose == "thinnest":
        chosen = _thinnest(fitting, scan)
    else:
        rule = "" if series is not None else ", or choose='thinnest'"
        raise _several(fitting, scan, f"pass series= with the {'whole key' if series else 'beginning'} of one{rule}")
    rest = continuing_parts(chosen, candidates)
    if rest and series != chosen.key:
        what = f"series {chosen.key} goes on in {rest[0].key}, which differs in {differences(chosen, rest[0])}"
        remedy = f"to read this part alone pass series={chosen.key!r}"
        raise SeriesError(f"{printable(scan.source)}: {what}; {remedy}:{_listed([chosen, *rest])}")
    return chosen


def _thinnest(fitting: Sequence[SeriesCandidate], scan: SeriesScan) -> SeriesCandidate:
    axial = [candidate for candidate in fitting if candidate.plane == "axial" and candidate.step_mm is not None]
    if not axial:
        lone = f"a lone axial slice is read by series= (--series) with {allow('on_single', 'thickness')}"
        other = "another plane is read by series= (--series)"
        remedy = lone if any(candidate.plane == "axial" for candidate in fitting) else other
        raise _several(fitting, scan, f"none of them is a stack of axial slices; {remedy}")
    return min(axial, key=lambda one: (round(one.slice_width_mm, 2), -one.slices, one.key))


def _several(fitting: Sequence[SeriesCandidate], scan: SeriesScan, problem: str) -> SeriesError:
    return SeriesError(f"{printable(scan.source)}: {len(fitting)} series could be read, {problem}:{_listed(fitting)}")


def _named(candidates: Sequence[SeriesCandidate], series: str) -> list[SeriesCandidate]:
    whole = [candidate for candidate in candidates if series and series in (candidate.key, candidate.series_uid)]
    return whole or [candidate for candidate in candidates if series and candidate.key.startswith(series)]


def _none_fits(candidates: Sequence[SeriesCandidate], scan: SeriesScan, series: str | None) -> str:
    reasons = "".join(f"\n  {step}" for step in scan.steps())
    source = printable(scan.source)
    if series is not None and candidates:
        return f"{source}: no series begins with {series!r}; there are:{_listed(candidates)}{reasons}"
    remedy = "give a folder of axial CT slices, or a volume as NIfTI, MetaImage or NRRD"
    return f"{source}: no CT series found; {remedy}{':' if reasons else ''}{reasons}"


def _listed(candidates: Sequence[SeriesCandidate]) -> str:
    lines = "".join(f"\n  {candidate}" for candidate in candidates[:MOST_LISTED])
    more = len(candidates) - MOST_LISTED
    return f"{lines}\n  and {more} more, list_series() lists them" if more > 0 else lines


def _same_plane_groups(slices: Sequence[SliceFacts]) -> list[list[SliceFacts]] | None:
    """Group slices of one series by all that a stack shares, spacing and orientation to a tolerance.

    None if there are too many groups: to compare each with each would take for ever.
    """
    exact: dict[tuple[object, ...], list[SliceFacts]] = {}
    for fact in slices:
        same = (fact.grid, *map(fact.header.text, GROUP_KEYWORDS))
        exact.setdefault((same, fact.pixel_spacing_mm, fact.orientation), []).append(fact)
    groups: list[tuple[tuple[object, ...], list[SliceFacts]]] = []
    for key, members in exact.items():  # few, as most slices of a series agree to the last digit
        alike = next(
            (group for first, group in groups if first[0] == key[0] and _same_plane(group[0], members[0])), None
        )
        if alike is not None:
            alike.extend(members)
        elif len(groups) == MOST_PLANES:
            return None
        else:
            groups.append((key, list(members)))
    return [group for _, group in groups]


def _same_plane(one: SliceFacts, two: SliceFacts) -> bool:
    return _near(one.orientation, two.orientation) and all(
        abs(own - other) <= SAME_SPACING * other
        for own, other in zip(one.pixel_spacing_mm, two.pixel_spacing_mm, strict=True)
    )


def _near(one: Vector, two: Vector) -> bool:
    pairs: Iterable[tuple[float, float]] = zip(one, two, strict=True)
    return all(abs(own - other) <= SAME_DIRECTION for own, other in pairs)


__all__ = ["Choice", "SeriesCandidate", "choose_series", "facts_of", "group_slices"]
