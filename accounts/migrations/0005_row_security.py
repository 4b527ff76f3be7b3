"""Who sees and who changes users, sessions, keys and partners."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_identity"),
        ("core", "0009_row_security"),
    ]
    operations = [
        RunSQLFile("accounts", "0005_row_security"),
    ]
