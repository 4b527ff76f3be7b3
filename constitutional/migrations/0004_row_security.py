"""Who sees and who writes policies, violations and states of the monitor."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("constitutional", "0003_audit"),
        ("core", "0011_row_security"),
    ]
    operations = [
        RunSQLFile("constitutional", "0005_row_security"),
    ]
