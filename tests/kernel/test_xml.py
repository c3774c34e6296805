"""Text for XML: characters that no escape makes lawful are left out, all others are kept."""

from lxml import etree

from evbilling.kernel.xml import xml_text


def test_given_characters_that_xml_refuses_when_cleaned_then_the_rest_is_read_back_as_it_was() -> None:
    text = "Straße\t1\n\x00\x0b\x1f\ufffe\uffff\ud800漢 \U0001f50c"
    element = etree.Element("text")
    element.text = xml_text(text)
    assert etree.fromstring(etree.tostring(element, encoding="UTF-8")).text == "Straße\t1\n漢 \U0001f50c"
