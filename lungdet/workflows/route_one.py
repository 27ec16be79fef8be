"""From what a router says of one file to a copy in its place."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

from lungdet.readers.plain_text import printable
from lungdet.records import ClassList, Decision, LabelledFile, RadiographInfo, RoutedFile
from lungdet.records.decision import ANSWER
from lungdet.routing import Rules, header_agreement

from .explain import explain
from .place_file import place_file, placed_name

logger = logging.getLogger(__name__)

TOP = 5  # classes that are kept of each file


class FileRouter:
    """Put copies of labelled files where the rules say.

    Args:
        rules: what goes where.
        class_list: what the labels mean.
        destination: the folders of the rules are in it.
        link: make hard links where the disk can.
        mark: of the copies that are not finished; see :func:`~lungdet.workflows.place_file.sweep_unfinished`.
    """

    def __init__(
        self, rules: Rules, class_list: ClassList, destination: Path, link: bool = False, mark: str = ""
    ) -> None:
        self.rules, self.class_list = rules, class_list
        self.destination, self.link, self.mark = destination, link, mark

    def __call__(self, labelled: LabelledFile) -> RoutedFile:
        """Copy one file; what goes wrong is part of the answer."""
        routed = self._describe(labelled)
        if routed.error:
            return routed
        target = f"{routed.folder}/{placed_name(labelled.file, labelled.sha256)}"
        try:
            how = place_file(labelled.file, self.destination / target, labelled.sha256, self.link, self.mark)
        except (ValueError, OSError) as error:  # one bad file does not stop the rest
            logger.debug("%s: failed", labelled.file, exc_info=True)
            message = explain(error)  # some errors of the system name no file
            return replace(routed, error=message if target in message else f"{self.destination / target}: {message}")
        placed = replace(routed, target=target, how=how)
        return _after_link(placed) if how == "linked" else placed

    def _describe(self, labelled: LabelledFile) -> RoutedFile:
        """Return everything about a file but its copy."""
        state = {name: getattr(labelled, name) for name in ("size", "mtime_ns", "ctime_ns", "inode", "sha256")}
        facts = RoutedFile(labelled.file, **state, error=labelled.error)
        decision, info = labelled.decision, labelled.info
        if decision is None or info is None:
            return facts
        routed = self.rules.decide(decision, info)
        return replace(
            facts,
            sop_uid=info.sop_uid,
            series_uid=info.series_uid,
            study_uid=info.study_uid,
            modality=printable(info.modality),
            body_part_examined=printable(info.body_part_examined),
            label=decision.answer,
            probability=decision.probability,
            decision=decision.decision,
            reason=decision.reason,
            out_of_domain=decision.out_of_domain,
            top=decision.top[:TOP],
            agreement=self._agreement(decision, info),
            rule=routed.rule,
            folder=routed.folder,
            next_bundle=routed.bundle,
        )

    def _agreement(self, decision: Decision, info: RadiographInfo) -> str:
        if decision.decision != ANSWER:
            return ""
        classes = [self.class_list.classes[self.class_list.index(name)] for name in decision.labels]
        return header_agreement(info.body_part_examined, [entry.body_part_examined for entry in classes])


def _after_link(routed: RoutedFile) -> RoutedFile:
    """Note the change that the link itself was to the file, so that the next run sees none."""
    now = os.stat(routed.file)
    same = (now.st_size, now.st_mtime_ns, now.st_ino) == (routed.size, routed.mtime_ns, routed.inode)
    return replace(routed, ctime_ns=now.st_ctime_ns) if same else routed
