"""Networks as they stand: a view over their runs, neurons and telemetry."""

from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_neurons"),
        ("kuramoto", "0001_oscillators"),
    ]

    operations = [
        migrations.CreateModel(
            name="RealityStatus",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        db_comment="Id of the network.",
                        help_text="Id of the network.",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        db_comment="What people call it.", help_text="What people call it.", max_length=200
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("dormant", "Dormant"),
                            ("collapsed", "Collapsed"),
                            ("merged", "Merged"),
                        ],
                        db_comment="active, dormant, collapsed or merged.",
                        help_text="active, dormant, collapsed or merged.",
                        max_length=20,
                    ),
                ),
                (
                    "directed",
                    models.BooleanField(
                        db_comment="Whether an edge couples one way only.",
                        help_text="Whether an edge couples one way only.",
                    ),
                ),
                ("n_nodes", models.IntegerField(db_comment="Number of vertices.", help_text="Number of vertices.")),
                ("n_layers", models.IntegerField(db_comment="Number of layers.", help_text="Number of layers.")),
                (
                    "n_edges",
                    models.BigIntegerField(
                        db_comment="Number of edges; an undirected one counts once.",
                        help_text="Number of edges; an undirected one counts once.",
                    ),
                ),
                (
                    "density",
                    models.FloatField(
                        db_comment="Share of the possible edges that are there, 0 to 1; null for a single vertex.",
                        help_text="Share of the possible edges that are there, 0 to 1; null for a single vertex.",
                        null=True,
                    ),
                ),
                (
                    "ongoing_runs",
                    models.BigIntegerField(
                        db_comment="Runs on it that have not ended.", help_text="Runs on it that have not ended."
                    ),
                ),
                ("n_neurons", models.BigIntegerField(db_comment="Neurons in it.", help_text="Neurons in it.")),
                (
                    "last_telemetry_at",
                    models.DateTimeField(
                        db_comment="When that state was observed, UTC; null where there is none.",
                        help_text="When that state was observed, UTC; null where there is none.",
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "network status",
                "verbose_name_plural": "network status",
                "db_table": "reality_status_view",
                "db_table_comment": "A coupling graph as it stands: its size, its neurons, and the runs that go on on it.",
                "ordering": ["id"],
                "managed": False,
                "default_permissions": (),
            },
        ),
        RunSQLFile("kuramoto", "0003_reality_status"),
    ]
