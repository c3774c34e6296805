"""Number series: gapless per issuer, kind and year (invariant I9)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from contracts.models import Operator


class NumberSeries(models.Model):
    """The counter behind document numbers. Its row is locked last when issuing: a rollback returns the number."""

    operator = models.ForeignKey(
        Operator, on_delete=models.PROTECT, related_name="number_series", verbose_name=_("operator")
    )
    prefix = models.CharField(_("prefix"), max_length=10)
    year = models.PositiveSmallIntegerField(_("year"))
    last_number = models.PositiveIntegerField(_("last number"), default=0)

    class Meta:
        verbose_name = _("number series")
        verbose_name_plural = _("number series")
        ordering = ["operator", "prefix", "year"]
        constraints = [models.UniqueConstraint(fields=["operator", "prefix", "year"], name="series_once")]

    def __str__(self) -> str:
        return f"{self.prefix}-{self.year}"
