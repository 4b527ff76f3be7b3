"""Rows in DEFAULT counted for everybody, identities after a restore, and what a retention policy may be."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0011_row_security"),
    ]

    operations = [RunSQLFile("core", "0012_partition_care")]
