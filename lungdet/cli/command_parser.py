"""Say of an option that a command does not have how the command is used, and which other has it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any


class CommandParser(argparse.ArgumentParser):
    """Parser of a command that refuses itself what it does not know; argparse shows the whole program's usage.

    Attributes:
        siblings: parsers of all commands by name, to say which has an option.
    """

    siblings: Mapping[str, argparse.ArgumentParser] = {}

    def parse_known_args(  # type: ignore[override]  # its overloads say the same, at length
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse all arguments; leave with code 2 where one is not known."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._owners(unknown)}")
        return found, []

    def _owners(self, unknown: Sequence[str]) -> str:
        owners = {
            option: [f"`{other.prog}`" for other in self.siblings.values() if option in other._option_string_actions]
            for option in (word.partition("=")[0] for word in unknown if word.startswith("--"))
        }
        return "".join(f"; {option} is an option of {' and '.join(names)}" for option, names in owners.items() if names)
