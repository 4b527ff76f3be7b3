"""Log lines: what Django and the libraries say and what structlog says, through one formatter."""

from __future__ import annotations

import logging
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_structlog() -> None:
    """Hand structlog's events to logging, where level and handlers are set."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def make_json_formatter() -> logging.Formatter:
    """One JSON object a line."""
    return _make_formatter(structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer())


def make_plain_formatter() -> logging.Formatter:
    """Lines for people: level, name, message, and what else is known as key=value."""
    return _make_formatter(structlog.processors.format_exc_info, _render_plain)


def _make_formatter(*processors: Any) -> logging.Formatter:
    return ProcessorFormatter(
        foreign_pre_chain=_SHARED, processors=[ProcessorFormatter.remove_processors_meta, *processors]
    )


def _render_plain(logger: Any, name: str, event: Any) -> str:
    exception = event.pop("exception", None)
    line = "{timestamp} {level} {logger} {event}".format(**event)
    known = "".join(
        f" {key}={value!r}" for key, value in event.items() if key not in ("timestamp", "level", "logger", "event")
    )
    return f"{line}{known}" + (f"\n{exception}" if exception else "")
