"""How well memories could be recalled when they were last assessed."""

import django.db.models.deletion
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("cognitive", "0004_memory_graph"),
    ]

    operations = [
        migrations.CreateModel(
            name="MemoryStrength",
            fields=[
                (
                    "memory",
                    models.OneToOneField(
                        db_comment="The memory.",
                        help_text="The memory.",
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="assessment",
                        serialize=False,
                        to="cognitive.memoryexperience",
                    ),
                ),
                (
                    "strength",
                    models.FloatField(
                        db_comment="Probability of recall R when it was assessed, 0 to 1.",
                        help_text="Probability of recall R when it was assessed, 0 to 1.",
                    ),
                ),
                (
                    "consolidation_level",
                    models.FloatField(
                        db_comment="How far it had become long-term, S / (S + 30 d), 0 to 1.",
                        help_text="How far it had become long-term, S / (S + 30 d), 0 to 1.",
                    ),
                ),
                (
                    "forgotten_at",
                    models.DateTimeField(
                        db_comment="When R falls to 1/2 unless it is recalled before: 12.79 S after the latest successful recall.",
                        help_text="When R falls to 1/2 unless it is recalled before: 12.79 S after the latest successful recall.",
                    ),
                ),
                (
                    "assessed_at",
                    models.DateTimeField(db_comment="When it was assessed.", help_text="When it was assessed."),
                ),
            ],
            options={
                "verbose_name": "memory strength",
                "db_table": "memory_strengths",
                "db_table_comment": "How well one memory could be recalled when it was last assessed, and when it will count as forgotten.",
                "ordering": ["forgotten_at", "memory_id"],
                "indexes": [models.Index(fields=["forgotten_at"], name="memory_strengths_forgotten_idx")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("strength__range", (0, 1))), name="memory_strengths_strength_ck"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("consolidation_level__range", (0, 1))),
                        name="memory_strengths_consolidation_ck",
                    ),
                ],
            },
        ),
        RunSQLFile("cognitive", "0006_memory_strengths"),
    ]
