"""The hash chain over the audit trail, and which tables of this app leave entries how."""

from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0009_frame_encoding"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                (
                    "number",
                    models.BigIntegerField(
                        db_comment="Number of the checkpoint, from 1, without gaps.",
                        help_text="Number of the checkpoint, from 1, without gaps.",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("made_at", models.DateTimeField(db_comment="When it was made.", help_text="When it was made.")),
                (
                    "reason",
                    models.CharField(
                        db_comment="Why: schedule, command, export, proof or retention.",
                        help_text="Why: schedule, command, export, proof or retention.",
                        max_length=20,
                    ),
                ),
                (
                    "entries",
                    models.BigIntegerField(
                        db_comment="Links in all lanes at that time.", help_text="Links in all lanes at that time."
                    ),
                ),
                (
                    "document",
                    models.BinaryField(
                        db_comment="The signed bytes: JSON with heads of all lanes and the checkpoint before.",
                        help_text="The signed bytes: JSON with heads of all lanes and the checkpoint before.",
                    ),
                ),
                (
                    "sha256",
                    models.BinaryField(db_comment="SHA-256 of the document.", help_text="SHA-256 of the document."),
                ),
                (
                    "signature",
                    models.BinaryField(
                        db_comment="Ed25519 signature of the document, 64 octets.",
                        help_text="Ed25519 signature of the document, 64 octets.",
                    ),
                ),
                (
                    "public_key",
                    models.BinaryField(
                        db_comment="The public key that verifies it, 32 octets.",
                        help_text="The public key that verifies it, 32 octets.",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit checkpoint",
                "db_table": "audit_checkpoints",
                "db_table_comment": "A signed statement of what the newest link of every lane was, and of which checkpoint went before.",
                "ordering": ["-number"],
            },
        ),
        migrations.CreateModel(
            name="AuditLane",
            fields=[
                (
                    "lane",
                    models.SmallIntegerField(
                        db_comment="Number of the lane, 0 to 7.",
                        help_text="Number of the lane, 0 to 7.",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "sequence",
                    models.BigIntegerField(
                        db_comment="Links the lane has: the place of the newest.",
                        help_text="Links the lane has: the place of the newest.",
                    ),
                ),
                (
                    "head",
                    models.BinaryField(
                        db_comment="SHA-256 of the newest link, 32 octets; zeros before the first.",
                        help_text="SHA-256 of the newest link, 32 octets; zeros before the first.",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit lane",
                "db_table": "audit_lanes",
                "db_table_comment": "The newest link of one of the eight lanes; every commit that leaves an entry changes one.",
                "ordering": ["lane"],
            },
        ),
        migrations.CreateModel(
            name="AuditLink",
            fields=[
                (
                    "entry_id",
                    models.BigIntegerField(
                        db_comment="Id of the entry.", help_text="Id of the entry.", primary_key=True, serialize=False
                    ),
                ),
                ("entry_ts", models.DateTimeField(db_comment="Time of the entry.", help_text="Time of the entry.")),
                (
                    "lane",
                    models.SmallIntegerField(
                        db_comment="Number of the lane, 0 to 7.", help_text="Number of the lane, 0 to 7."
                    ),
                ),
                (
                    "sequence",
                    models.BigIntegerField(
                        db_comment="Place in the lane, from 1, without gaps.",
                        help_text="Place in the lane, from 1, without gaps.",
                    ),
                ),
                (
                    "entry_sha256",
                    models.BinaryField(
                        db_comment="SHA-256 of the entry: of all its columns.",
                        help_text="SHA-256 of the entry: of all its columns.",
                    ),
                ),
                (
                    "previous_sha256",
                    models.BinaryField(
                        db_comment="SHA-256 of the link before it; zeros for the first.",
                        help_text="SHA-256 of the link before it; zeros for the first.",
                    ),
                ),
                (
                    "link_sha256",
                    models.BinaryField(
                        db_comment="SHA-256 of this link: of place, entry and the link before.",
                        help_text="SHA-256 of this link: of place, entry and the link before.",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit link",
                "db_table": "audit_links",
                "db_table_comment": "The place of one audit entry in a lane, with the hash that covers the entry and every link before it.",
                "ordering": ["lane", "sequence"],
                "constraints": [models.UniqueConstraint(fields=("lane", "sequence"), name="audit_links_place_uq")],
            },
        ),
        RunSQLFile("core", "0011_audit_chain"),
        RunSQLFile("core", "0012_audit_tables"),
    ]
