"""Sessions in the workspace: what came in, what waits for a person, what was imported."""

from sessions.admin import holds, imports, sessions  # noqa: F401 - each registers its pages
