"""Events that processors send: stored first, applied once, in any order (I13)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evbilling.kernel.strict_json import ExactEncoder


class ProcessorEvent(models.Model):
    """One event of a processor. Its body never sets a state: it makes us fetch the object again."""

    processor = models.CharField(_("processor"), max_length=20)
    event_ref = models.CharField(_("event"), max_length=120)
    object_ref = models.CharField(_("about"), max_length=120)
    body = models.JSONField(default=dict, encoder=ExactEncoder)
    received_at = models.DateTimeField(_("received"))
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("processor event")
        verbose_name_plural = _("processor events")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["processor", "event_ref"], name="event_once")]

    def __str__(self) -> str:
        return f"{self.processor} {self.event_ref}"
