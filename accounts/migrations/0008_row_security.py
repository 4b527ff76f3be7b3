"""Who sees and who changes users, sessions, keys and partners."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_sign_in"),
        ("core", "0011_row_security"),
    ]
    operations = [
        RunSQLFile("accounts", "0008_row_security"),
    ]
