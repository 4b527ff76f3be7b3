"""`manage.py samples`: how metric samples are stored once their days are over."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core.management.arguments import whole
from core.management.base import FindingsError, NfcsCommand
from validation.constants import COMPACTION_AGE
from validation.services.compaction import compact_samples

MOST_DAYS = 36_500


class Command(NfcsCommand):
    """Compact the samples of closed partitions."""

    help = "Metric samples of days that are over."

    def add_arguments(self, parser: CommandParser) -> None:
        """One verb."""
        compact = self.add_verb(self.add_verbs(parser), self.compact, changes_data=True)
        compact.add_argument(
            "--older-than-days",
            type=whole(0, MOST_DAYS),
            default=COMPACTION_AGE.days,
            help=f"days since the end of a day (default {COMPACTION_AGE.days})",
        )

    def compact(self, *, older_than_days: int, dry_run: bool, **_: Any) -> None:
        """Move the samples of closed partitions into an array a series and day; 3 for days that could not be."""
        days = compact_samples(now=timezone.now(), older_than=timedelta(days=older_than_days), dry_run=dry_run)
        words = "samples would move" if dry_run else "samples moved"
        self.answer(
            [asdict(day) for day in days],
            [f"{day.day[:10]}  {day.problem or f'{day.rows} {words}'}" for day in days]
            or ["every closed day is compacted"],
        )
        if problems := [day.day[:10] for day in days if day.problem]:
            raise FindingsError(f"Not compacted: {', '.join(problems)}")
