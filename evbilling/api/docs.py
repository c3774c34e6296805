"""The API in words, for people: drawn from the schema, without any script of others (SECURITY, content security)."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator

from evbilling.kernel.strict_json import dumps


@login_required
def docs(request: HttpRequest) -> HttpResponse:
    """Every operation with its fields, answers and an example."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    operations = [
        _described(path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    return render(request, "portal/api_docs.html", {"operations": operations, "public_url": settings.PUBLIC_URL})


def _described(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation["requestBody"]["content"]["application/json"]
    fields = body["schema"]["oneOf"][0]["properties"]
    example = next(iter(body["examples"].values()))["value"]
    return {
        "path": path,
        "method": method.upper(),
        "summary": operation["summary"],
        "description": operation["description"].replace("`", ""),  # Markdown of the schema
        "fields": [
            {
                "name": name,
                "type": field.get("type") or " | ".join(each["type"] for each in field["oneOf"]),
                "choices": ", ".join(field.get("enum", ())),
                "text": field.get("description", ""),
            }
            for name, field in fields.items()
        ],
        "statuses": sorted(operation["responses"]),
        "example": dumps(example, indent=2),
    }
