"""What a contract document shows, finished: every text in its language, in the order in which it is read."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from evbilling.shell.paper.letterhead import Letterhead, PartyBlock


class BlockKind(StrEnum):
    """How a block is set."""

    PARAGRAPH = "paragraph"  # numbered within its section
    LIST = "list"  # a numbered lead and its points
    RATES = "rates"  # a name with where and since when it holds, and its sentences
    TABLE = "table"  # head and rows


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a section."""

    kind: BlockKind
    text: str = ""
    note: str = ""
    items: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its blocks; sections are numbered in their order."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class SideBlock:
    """One side of the contract: its role in words, who it is, and who may sign for it."""

    role: str
    party: PartyBlock
    signatories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """Labels of the sheet in the document's language."""

    between: str
    both: str
    represented: str
    signatures: str
    signature_text: str
    signature_fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgreementView:
    """The document of one contract version. `dated_on` is when its terms were approved; a draft is marked as one.

    `facts` stand beside the letterhead, `glance` are the figures of the box: (label, value).
    """

    language: str
    currency: str
    letterhead: Letterhead
    title: str
    number: str
    version: str
    running: str
    dated_on: dt.date
    sides: tuple[SideBlock, SideBlock]
    facts: tuple[tuple[str, str], ...]
    glance: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    words: Words
    draft: bool
