"""Which processors this installation has."""

from django.conf import settings
from django.utils.translation import gettext as _

from evbilling.kernel.errors import BadInput
from payments.processors.protocol import Processor
from payments.processors.sandbox import SandboxProcessor


def available_processors() -> dict[str, Processor]:
    """The processors that the settings allow, by code."""
    processors: dict[str, Processor] = {}
    if settings.SANDBOX_PROCESSOR:
        processors[SandboxProcessor.code] = SandboxProcessor()
    return processors


def processor_for(code: str) -> Processor:
    """The processor of that code. Raises BadInput when this installation does not have it."""
    found = available_processors().get(code)
    if found is None:
        raise BadInput(
            "processor", code, _("Available here: %(names)s.") % {"names": ", ".join(available_processors()) or "-"}
        )
    return found
