"""Every change of the tables of this app is audited."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("kuramoto", "0002_reality_status"),
        ("core", "0010_audit_chain"),
    ]

    operations = [
        RunSQLFile("kuramoto", "0004_audit"),
    ]
