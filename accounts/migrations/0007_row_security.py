"""Who sees and who changes users, sessions, keys and partners."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_key_use"),
        ("core", "0011_row_security"),
    ]
    operations = [
        RunSQLFile("accounts", "0007_row_security"),
    ]
