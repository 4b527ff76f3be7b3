"""Who sees and who writes metrics, validation runs and alerts."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("validation", "0004_audit"),
        ("core", "0011_row_security"),
    ]
    operations = [
        RunSQLFile("validation", "0007_row_security"),
    ]
