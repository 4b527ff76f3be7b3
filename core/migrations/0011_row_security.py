"""Who sees and who writes which rows of the core tables."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0010_audit_chain"),
        ("accounts", "0004_identity"),
    ]
    operations = [
        RunSQLFile("core", "0013_row_security"),
    ]
