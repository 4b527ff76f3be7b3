"""Every change of the tables of this app is audited."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("constitutional", "0002_activity"),
        ("core", "0010_audit_chain"),
    ]

    operations = [
        RunSQLFile("constitutional", "0004_audit"),
    ]
