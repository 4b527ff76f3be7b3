"""Who acts in a transaction, and which runs that person sees: the functions that policies ask."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit"),
        ("core", "0008_run_shares"),
    ]
    operations = [
        RunSQLFile("accounts", "0004_identity"),
    ]
