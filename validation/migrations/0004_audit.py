"""Every change of the tables of this app is audited."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("validation", "0003_metrics_view"),
        ("core", "0010_audit_chain"),
    ]

    operations = [
        RunSQLFile("validation", "0006_audit"),
    ]
