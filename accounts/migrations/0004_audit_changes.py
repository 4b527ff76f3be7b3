"""Every change of the tables of this app is audited."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit"),
        ("core", "0008_audit_chain"),
    ]

    operations = [
        RunSQLFile("accounts", "0004_audit_changes"),
    ]
