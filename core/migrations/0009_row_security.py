"""Who sees and who writes which rows of the core tables."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0008_run_shares"),
        ("accounts", "0004_identity"),
    ]
    operations = [
        RunSQLFile("core", "0011_row_security"),
    ]
