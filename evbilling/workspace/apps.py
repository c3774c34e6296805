"""evbilling.workspace (see README.md)."""

from django.apps import AppConfig


class WorkspaceConfig(AppConfig):
    name = "evbilling.workspace"
    label = "workspace"
