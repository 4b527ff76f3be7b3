"""Every change of the tables of this app is audited."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_identity"),
        ("core", "0010_audit_chain"),
    ]

    operations = [
        RunSQLFile("accounts", "0005_audit_changes"),
    ]
