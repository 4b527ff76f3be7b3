"""Who sees and who changes users, sessions, keys and partners."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_audit_changes"),
        ("core", "0011_row_security"),
    ]
    operations = [
        RunSQLFile("accounts", "0006_row_security"),
    ]
