"""Every change of the tables of this app is audited."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("cognitive", "0002_complexity"),
        ("core", "0010_audit_chain"),
    ]

    operations = [
        RunSQLFile("cognitive", "0005_audit"),
    ]
