"""Feed an XML file to a parser that accepts no document type, no entities, and nothing larger than its budgets.

The standard library's expat does the parsing. Without a document type there are no entities beyond the five of XML
itself, so nothing can expand and nothing outside is ever opened.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from typing import BinaryIO, NoReturn
from xml.parsers import expat

from .label_errors import AnnotationError, LabelProblem
from .lidc_limits import LidcLimits

SEPARATOR = " "  # between a name's namespace and the name: neither can hold a space
_CHUNK_BYTES = 1 << 16


class XmlFeed:
    """One pass through one XML. Subclasses take ``on_start`` and ``on_end``.

    Args:
        name: what to call the file in errors.
        limits: budgets.

    Attributes:
        text: characters since the last tag began.
        is_leaf: in ``on_end``, whether the element held no other.
        done: set it to stop before the end of the file.
    """

    def __init__(self, name: str, limits: LidcLimits) -> None:
        self.name, self.limits = name, limits
        self.text, self.done, self._depth = "", False, 0
        self.is_leaf = True
        self._expat = parser = expat.ParserCreate(namespace_separator=SEPARATOR)
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.EntityDeclHandler = self._refuse_doctype
        parser.ExternalEntityRefHandler = self._refuse_doctype

    def on_start(self, name: str) -> None:
        """Take the beginning of an element ``name``, ``"namespace local"``."""

    def on_end(self, name: str) -> None:
        """Take the end of an element; ``self.text`` is its text if it holds no other element."""

    def fail(self, what: str) -> NoReturn:
        """Refuse the file at the line that is being read.

        Raises:
            AnnotationError: always.
        """
        raise AnnotationError([LabelProblem(self.name, self._expat.CurrentLineNumber, what)])

    def place(self) -> str:
        """Name file and line that are being read."""
        return f"{self.name}, line {self._expat.CurrentLineNumber}"

    def run(self, stream: BinaryIO) -> None:
        """Read ``stream`` to its end, or until ``self.done``.

        Raises:
            AnnotationError: it is no well-formed XML, is cut short, or goes beyond the limits.
        """
        fed = 0
        try:
            while not self.done and (chunk := _read(stream, self.name)):
                fed += len(chunk)
                if fed > self.limits.max_file_bytes:
                    self.fail(
                        f"larger than the limit of {self.limits.max_file_bytes} bytes; raise LidcLimits to read it"
                    )
                self._expat.Parse(chunk, False)
                if fed - self._expat.CurrentByteIndex > self.limits.max_token_bytes + _CHUNK_BYTES:
                    self.fail(f"a single tag is longer than {self.limits.max_token_bytes} bytes; no LIDC file has one")
            if not self.done:
                self._expat.Parse(b"", True)
        except expat.ExpatError as error:
            what = f"no well-formed XML ({expat.ErrorString(error.code)}); is it cut short? Download it again"
            raise AnnotationError([LabelProblem(self.name, error.lineno, what)]) from error
        except AnnotationError:
            raise
        except (LookupError, ValueError) as error:  # unknown encoding, or one of several bytes a character
            raise AnnotationError([LabelProblem(self.name, 1, f"{error}; save it as UTF-8")]) from error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.text, self.is_leaf = "", True
        self._depth += 1
        if self._depth > self.limits.max_depth:
            self.fail(f"elements lie deeper than {self.limits.max_depth} inside each other; no LIDC file does that")
        if not self.done:
            self.on_start(name)

    def _end(self, name: str) -> None:
        self._depth -= 1
        if not self.done:
            self.on_end(name)
        self.text, self.is_leaf = "", False  # whatever ends next holds this one

    def _characters(self, data: str) -> None:
        self.text += data
        if len(self.text) > self.limits.max_text:
            self.fail(f"text longer than {self.limits.max_text} characters; no LIDC file has that")

    def _refuse_doctype(self, *_: object) -> int:
        self.fail("has a document type or entities, which LIDC files never do; they are refused as an attack")


def _read(stream: BinaryIO, name: str) -> bytes:
    try:
        return stream.read(_CHUNK_BYTES)
    except (OSError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        # zipfile raises RuntimeError for members with a password, NotImplementedError for unknown compression.
        raise AnnotationError([LabelProblem(name, None, f"cannot be read ({error}); download it again")]) from error
