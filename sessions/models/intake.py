"""How sessions come in by file: mapping profiles, batches, and the rows that were refused."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from evbilling.kernel.strict_json import ExactEncoder


class ImportProfile(models.Model):
    """How a source's file is read: which column is what, in which format, zone and unit.

    `columns` maps our fields (provider_ref, token_ref, station_ref, started_at, ended_at, energy; optional
    charging_duration, parking_duration, connector_ref) to the file's headings; further headings go to `extra`.
    """

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    source_label = models.CharField(_("source system"), max_length=40)
    delimiter = models.CharField(_("delimiter"), max_length=1, default=",")
    encoding = models.CharField(_("encoding"), max_length=20, default="utf-8-sig")
    columns = models.JSONField(_("columns"), default=dict, encoder=ExactEncoder)
    extra_columns = models.JSONField(_("further columns kept"), default=list, blank=True, encoder=ExactEncoder)
    instant_format = models.CharField(
        _("time format"), max_length=60, default="%Y-%m-%d %H:%M:%S", help_text=_("Python strptime format, or ISO")
    )
    year_offset = models.SmallIntegerField(
        _("years to add"), default=0, help_text=_("For sources that write 0014 for 2014: 2000")
    )
    zone = models.CharField(_("time zone of the times"), max_length=64)
    energy_unit = models.CharField(
        _("energy unit"), max_length=3, choices=[("kWh", "kWh"), ("Wh", "Wh")], default="kWh"
    )
    decimal_mark = models.CharField(_("decimal mark"), max_length=1, choices=[(".", "."), (",", ",")], default=".")
    max_hours = models.PositiveSmallIntegerField(_("hold sessions longer than (hours)"), default=24)

    class Meta:
        verbose_name = _("import profile")
        verbose_name_plural = _("import profiles")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class ImportBatch(models.Model):
    """One run of an import and what became of every line: rows = added + revised + unchanged + refused."""

    profile = models.ForeignKey(
        ImportProfile, on_delete=models.PROTECT, related_name="batches", verbose_name=_("profile")
    )
    file_name = models.CharField(_("file"), max_length=200)
    file_sha256 = models.CharField(_("SHA-256 of the file"), max_length=64)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("imported"))
    rows = models.PositiveIntegerField(_("rows"), default=0)
    added = models.PositiveIntegerField(_("added"), default=0)
    revised = models.PositiveIntegerField(_("revised"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    held = models.PositiveIntegerField(_("held"), default=0)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-at"]
        permissions = [("import_sessions", "Can import files of sessions")]

    def __str__(self) -> str:
        return f"{self.file_name} {self.at:%Y-%m-%d %H:%M}"


class RefusedRow(models.Model):
    """A line that could not be read, as it was, with the reason: nothing is lost."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="refused_rows")
    line_number = models.PositiveIntegerField(_("line"))
    field = models.CharField(_("column"), max_length=60, blank=True)
    reason = models.CharField(_("reason"), max_length=300)
    content = models.JSONField(_("content"), default=dict, encoder=ExactEncoder)

    class Meta:
        verbose_name = _("refused row")
        verbose_name_plural = _("refused rows")
        ordering = ["batch", "line_number"]

    def __str__(self) -> str:
        return f"{self.line_number}: {self.reason}"
