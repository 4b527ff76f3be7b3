"""Which rows changed since a place in the audit chain."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("core", "0013_idempotency_keys")]
    operations = [RunSQLFile("core", "0015_change_feed")]
