"""Template filters of the workspace's words."""

from django import template

from evbilling.workspace.words import action_text

register = template.Library()


@register.filter
def action_words(action: str) -> str:
    """{{ record.action|action_words }}: an action of the audit trail as people call it."""
    return action_text(action)
