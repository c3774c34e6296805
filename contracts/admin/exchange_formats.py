"""Files of rows as django-import-export takes them: its formats and its temporary storage, over ours."""

import base64
import binascii
import zlib
from collections.abc import Sequence
from typing import Any

import tablib
from django.core import signing
from django.utils.translation import gettext
from import_export.formats.base_formats import Format
from import_export.tmp_storages import BaseStorage

from contracts.rules.exchange_files import Table, read_csv, read_ocpi, read_xlsx, write_csv, write_xlsx
from evbilling.kernel import strict_json
from evbilling.kernel.errors import BillingError

CONFIRM_WITHIN = 3600
_SALT = "contracts.exchange"


class CarriedFile(BaseStorage):
    """The file between preview and confirmation: its `name` is the file itself, packed and signed, good for an hour."""

    def save(self, data: bytes) -> None:
        """Pack it into the name, which the page's form carries."""
        packed = base64.urlsafe_b64encode(zlib.compress(data, 6)).decode()
        self.name = signing.TimestampSigner(salt=_SALT).sign(packed)

    def read(self) -> bytes:
        """What was packed. Raises ValueError for anything that this product did not sign within the hour."""
        try:
            packed = signing.TimestampSigner(salt=_SALT).unsign(self.name or "", max_age=CONFIRM_WITHIN)
            return zlib.decompress(base64.urlsafe_b64decode(packed))
        except (signing.BadSignature, zlib.error, binascii.Error):
            raise ValueError(gettext("The preview is more than an hour old; choose the file again.")) from None

    def remove(self) -> None:
        """Nothing was kept."""


class _Rows(Format):
    """A file format of rows; a dataset carries text cells alone."""

    title, extension, content_type = "", "", ""

    def __init__(self, encoding: str | None = None) -> None:
        """The encoding is found in the file, whatever the page says."""

    def get_title(self) -> str:
        return self.title

    def get_extension(self) -> str:
        return self.extension

    def get_content_type(self) -> str:
        return self.content_type

    def can_import(self) -> bool:
        return True

    def can_export(self) -> bool:
        return True

    def read(self, content: bytes) -> Table:
        raise NotImplementedError

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        """The rows of a file. Raises ValueError, whose text the page shows, for a file that is refused whole."""
        try:
            table = self.read(in_stream)
        except BillingError as refusal:
            raise ValueError(refusal.message) from None
        return tablib.Dataset(*table.rows, headers=list(table.headings))


class CsvRows(_Rows):
    """CSV."""

    title, extension, content_type = "csv", "csv", "text/csv; charset=utf-8"

    def read(self, content: bytes) -> Table:
        return read_csv(content)

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        return write_csv(dataset.headers, dataset[:])


class XlsxRows(_Rows):
    """A workbook."""

    title, extension = "xlsx", "xlsx"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def read(self, content: bytes) -> Table:
        return read_xlsx(content)

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        return write_xlsx(dataset.headers, dataset[:])


class TariffRows(tablib.Dataset):
    """Rows of tariffs with the OCPI documents that they stand for."""

    ocpi: Sequence[dict[str, Any]] = ()


class OcpiTariffs(_Rows):
    """OCPI Tariff objects."""

    title, extension, content_type = "json", "json", "application/json"

    def read(self, content: bytes) -> Table:
        return read_ocpi(content)

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        documents = dataset.ocpi if isinstance(dataset, TariffRows) else []
        return strict_json.dumps(documents, indent=2).encode()
