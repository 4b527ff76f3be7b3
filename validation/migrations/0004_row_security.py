"""Who sees and who writes metrics, validation runs and alerts."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("validation", "0003_metrics_view"),
        ("core", "0009_row_security"),
    ]
    operations = [
        RunSQLFile("validation", "0006_row_security"),
    ]
