"""Log lines as JSON."""

from __future__ import annotations

from typing import Any

import structlog

_render = structlog.processors.JSONRenderer()


def render_json(logger: Any, name: str, event: Any) -> str:
    """One JSON object a line, with time and level."""
    structlog.stdlib.add_log_level(logger, name, event)
    structlog.processors.TimeStamper(fmt="iso", utc=True)(logger, name, event)
    event.pop("_record", None)
    event.pop("_from_structlog", None)
    return str(_render(logger, name, event))
