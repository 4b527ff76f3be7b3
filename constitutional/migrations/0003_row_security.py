"""Who sees and who writes policies, violations and states of the monitor."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("constitutional", "0002_activity"),
        ("core", "0009_row_security"),
    ]
    operations = [
        RunSQLFile("constitutional", "0004_row_security"),
    ]
