"""Dialogs of the workspace: a refused one stays open, says why and keeps what was typed."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import INPUT_CLASSES

View = Callable[..., HttpResponse]


class DayInput(forms.DateInput):
    """A day as the browser asks for one, with its calendar and in the person's own way of writing days.

    The calendar of the admin needs scripts that run when a page opens, which a dialog's come too late for.
    """

    input_type = "date"
    template_name = "unfold/widgets/text.html"

    def __init__(self) -> None:
        super().__init__(attrs={"class": " ".join([*INPUT_CLASSES, "max-w-48"])}, format="%Y-%m-%d")


class _Refused:
    """Mixed into a dialog's form whose operation was refused: the sentence stands above the fields."""

    refusal: str

    def render_before_template(self) -> SafeString:
        """The sentence, then what the form shows by itself."""
        sentence = render_to_string("unfold/helpers/messages/error.html", {"message": self.refusal})
        return format_html("{}{}", sentence, super().render_before_template())  # type: ignore[misc]


def refuse(request: HttpRequest, sentence: str) -> None:
    """Say why nothing was done: in the open dialog, else on the page that comes next."""
    if getattr(request, "open_dialog", False):
        request.refusal_of_dialog = sentence  # type: ignore[attr-defined]
    else:
        messages.error(request, sentence)


def staying_open(view: View, dialog: Mapping[str, Any]) -> View:
    """The view of a button whose dialog asks for something: after `refuse` the dialog comes again, filled in.

    Without htmx there is no dialog to keep: the view's own answer leads on, with the sentence.
    """

    @wraps(view)
    def pressed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.open_dialog = "HX-Request" in request.headers  # type: ignore[attr-defined]
        response = view(request, *args, **kwargs)
        refusal = getattr(request, "refusal_of_dialog", None)
        if refusal is None:
            return response
        asked = dialog["form_class"]
        metaclass: Any = type(asked)
        form = metaclass(asked.__name__, (_Refused, asked), {"refusal": refusal})
        filled = form(data=request.POST, request=request, object_id=kwargs.get("object_id"))
        shown = {"dialog": dialog, "form": filled, "form_submit_text": dialog.get("form_submit_text", "")}
        return render(request, "unfold/helpers/dialog.html", shown)

    return pressed
