"""Text that XML can hold: XML 1.0, 2.2, leaves out control characters, halves of surrogate pairs, U+FFFE and U+FFFF."""

import re

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """The text without the characters that XML refuses even when they are escaped."""
    return _NOT_XML.sub("", text)
