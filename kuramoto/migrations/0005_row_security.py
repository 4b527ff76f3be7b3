"""Who sees and who writes which rows of the oscillators and their events."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("kuramoto", "0004_embedded_states"),
        ("core", "0011_row_security"),
    ]
    operations = [
        RunSQLFile("kuramoto", "0009_row_security"),
    ]
