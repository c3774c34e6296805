"""evbilling: billing and payments back office for operators of EV charging stations."""

from evbilling.celery import app as celery_app

__all__ = ["celery_app"]
__version__ = "0.1.0"
