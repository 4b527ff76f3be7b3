"""The hash chain over the audit trail: eight lanes of links, joined by signed checkpoints."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from core.models.base import RecordModel


class AuditLane(RecordModel):
    """The newest link of one of the eight lanes; every commit that leaves an entry changes one."""

    read_only = True

    lane = models.SmallIntegerField(primary_key=True, help_text="Number of the lane, 0 to 7.")
    sequence = models.BigIntegerField(help_text="Links the lane has: the place of the newest.")
    head = models.BinaryField(help_text="SHA-256 of the newest link, 32 octets; zeros before the first.")

    class Meta:
        db_table = "audit_lanes"
        ordering = ["lane"]
        verbose_name = "audit lane"

    def __str__(self) -> str:
        return f"lane {self.lane}"


class AuditLink(RecordModel):
    """The place of one audit entry in a lane, with the hash that covers the entry and every link before it.

    Append-only, written at commit by a trigger. Links outlive their entries, which retention may drop.
    """

    read_only = True

    entry_id = models.BigIntegerField(primary_key=True, help_text="Id of the entry.")
    entry_ts = models.DateTimeField(help_text="Time of the entry.")
    lane = models.SmallIntegerField(help_text="Number of the lane, 0 to 7.")
    sequence = models.BigIntegerField(help_text="Place in the lane, from 1, without gaps.")
    entry_sha256 = models.BinaryField(help_text="SHA-256 of the entry: of all its columns.")
    previous_sha256 = models.BinaryField(help_text="SHA-256 of the link before it; zeros for the first.")
    link_sha256 = models.BinaryField(help_text="SHA-256 of this link: of place, entry and the link before.")

    class Meta:
        db_table = "audit_links"
        ordering = ["lane", "sequence"]
        verbose_name = "audit link"
        constraints = [
            # Also the order in which a lane is verified.
            models.UniqueConstraint(fields=["lane", "sequence"], name="audit_links_place_uq"),
        ]

    def __str__(self) -> str:
        return f"lane {self.lane}, link {self.sequence}"


class AuditCheckpoint(RecordModel):
    """A signed statement of what the newest link of every lane was, and of which checkpoint went before.

    Append-only. What it covers cannot be changed unseen as long as a copy of it is kept elsewhere.
    """

    read_only = True
    REASONS: ClassVar[tuple[str, ...]] = ("schedule", "command", "export", "proof", "retention")

    number = models.BigIntegerField(primary_key=True, help_text="Number of the checkpoint, from 1, without gaps.")
    made_at = models.DateTimeField(help_text="When it was made.")
    reason = models.CharField(max_length=20, help_text="Why: schedule, command, export, proof or retention.")
    entries = models.BigIntegerField(help_text="Links in all lanes at that time.")
    document = models.BinaryField(help_text="The signed bytes: JSON with heads of all lanes and the checkpoint before.")
    sha256 = models.BinaryField(help_text="SHA-256 of the document.")
    signature = models.BinaryField(help_text="Ed25519 signature of the document, 64 octets.")
    public_key = models.BinaryField(help_text="The public key that verifies it, 32 octets.")

    class Meta:
        db_table = "audit_checkpoints"
        ordering = ["-number"]
        verbose_name = "audit checkpoint"

    def __str__(self) -> str:
        return f"checkpoint {self.number}"
