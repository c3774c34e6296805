"""A small writer of XML: the same calls always give the same bytes, and nothing empty is ever written."""

from decimal import Decimal
from typing import Self

from lxml import etree

from evbilling.kernel.xml import xml_text


def written(text: str) -> str:
    """A text as it stands in the file: without what XML forbids and without space around it."""
    return xml_text(text).strip()


class Node:
    """An element under construction. Names are prefix:local, as in the standards' own examples."""

    def __init__(self, element: etree._Element, namespaces: dict[str, str]) -> None:
        self.element, self._namespaces = element, namespaces

    @classmethod
    def root(cls, name: str, namespaces: dict[str, str]) -> Self:
        """A document's root; the prefix "" is the default namespace."""
        declared = {prefix or None: uri for prefix, uri in namespaces.items()}
        prefix, _colon, local = name.rpartition(":")
        return cls(etree.Element(f"{{{namespaces[prefix]}}}{local}", nsmap=declared), namespaces)

    def node(self, path: str, **attributes: str) -> "Node":
        """A new element; of a path with slashes the last, inside new ones for the rest."""
        element = self.element
        for name in path.split("/"):
            prefix, _colon, local = name.rpartition(":")
            element = etree.SubElement(element, f"{{{self._namespaces[prefix]}}}{local}")
        for name, value in attributes.items():
            element.set(name, value)
        return Node(element, self._namespaces)

    def text(self, path: str, value: str | Decimal | int, **attributes: str) -> None:
        """A new element with a text or figure; none at all where the text is empty."""
        shown = format(value, "f") if isinstance(value, Decimal) else str(value)
        if shown := written(shown):
            self.node(path, **attributes).element.text = shown

    def content(self) -> bytes:
        """The bytes of the document."""
        found: bytes = etree.tostring(self.element, xml_declaration=True, encoding="UTF-8", pretty_print=True)
        return found
