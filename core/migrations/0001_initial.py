"""Functions that every app's tables use."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        RunSQLFile("core", "0001_functions"),
        RunSQLFile("core", "0002_partitions"),
    ]
