"""Who sees and who writes sessions, memories and analyses; daily summaries through a view."""

from django.db import migrations

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("cognitive", "0005_memory_strengths"),
        ("core", "0011_row_security"),
    ]
    operations = [
        RunSQLFile(
            "cognitive",
            "0009_row_security",
            state_operations=[migrations.AlterModelTable("dailycomplexity", "consciousness_daily_view")],
        ),
    ]
