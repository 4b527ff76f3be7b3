"""Indexes beyond what Django allows."""

from django.db import models


class LongNamedIndex(models.Index):
    """An index whose name may be as long as PostgreSQL's 63 bytes; Django's 30 are Oracle's."""

    max_name_length = 63
