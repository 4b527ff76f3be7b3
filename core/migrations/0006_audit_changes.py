"""The audit trigger for rows of any key, and entries about events."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0005_summaries"),
    ]

    operations = [
        RunSQLFile("core", "0008_audit_changes"),
    ]
