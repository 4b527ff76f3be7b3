"""Changes of users, keys and partners are audited."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_keys_and_partners"),
        ("core", "0004_audit"),
    ]
    operations = [
        RunSQLFile("accounts", "0003_audit"),
    ]
