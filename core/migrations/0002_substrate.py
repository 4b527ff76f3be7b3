"""Runs, fields, configuration, networks, and the record of migrations."""

import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.models.runs
from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SchemaMigration",
            fields=[
                (
                    "version",
                    models.CharField(
                        db_comment="App and number, such as core.0001_initial.",
                        help_text="App and number, such as core.0001_initial.",
                        max_length=255,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "applied_at",
                    models.DateTimeField(
                        db_comment="When it was applied.",
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When it was applied.",
                    ),
                ),
                (
                    "checksum",
                    models.CharField(
                        db_comment="SHA-256 of the migration and its SQL files, hex.",
                        help_text="SHA-256 of the migration and its SQL files, hex.",
                        max_length=64,
                        null=True,
                    ),
                ),
            ],
            options={
                "db_table": "schema_migrations",
                "db_table_comment": "One applied migration and the checksum of its files, kept in step with Django's own record after every migrate.",
                "ordering": ["version"],
            },
        ),
        migrations.CreateModel(
            name="RealityNetwork",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_comment="When the row was made.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the row was made.",
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_comment="When the row last changed; kept by a trigger.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the row last changed; kept by a trigger.",
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        db_comment="What people call the graph.",
                        help_text="What people call the graph.",
                        max_length=200,
                        unique=True,
                    ),
                ),
                (
                    "description",
                    models.TextField(
                        blank=True,
                        db_comment="What its vertices and edges are.",
                        help_text="What its vertices and edges are.",
                    ),
                ),
                (
                    "n_nodes",
                    models.IntegerField(db_comment="Number of vertices.", help_text="Number of vertices."),
                ),
                (
                    "n_layers",
                    models.IntegerField(
                        db_comment="Number of layers; 1 for an ordinary graph.",
                        default=1,
                        help_text="Number of layers; 1 for an ordinary graph.",
                    ),
                ),
                (
                    "directed",
                    models.BooleanField(
                        db_comment="Whether an edge couples one way only.",
                        default=False,
                        help_text="Whether an edge couples one way only.",
                    ),
                ),
                (
                    "weight_unit",
                    models.CharField(
                        db_comment="Unit of the edge weights, UCUM.",
                        default="1",
                        help_text="Unit of the edge weights, UCUM.",
                        max_length=20,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        db_comment="Where the graph comes from.",
                        help_text="Where the graph comes from.",
                        max_length=500,
                    ),
                ),
                (
                    "licence",
                    models.CharField(
                        blank=True,
                        db_comment="Terms under which it may be used.",
                        help_text="Terms under which it may be used.",
                        max_length=200,
                    ),
                ),
                (
                    "graph_sha256",
                    models.CharField(
                        blank=True,
                        db_comment="SHA-256 of the canonical edge list, hex.",
                        help_text="SHA-256 of the canonical edge list, hex.",
                        max_length=64,
                    ),
                ),
                (
                    "lambda_max",
                    models.FloatField(
                        blank=True,
                        db_comment="Largest eigenvalue of the weight matrix.",
                        help_text="Largest eigenvalue of the weight matrix.",
                        null=True,
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
                        default="active",
                        help_text="active, dormant, collapsed or merged.",
                        max_length=20,
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        blank=True,
                        db_comment="The graph it was merged into.",
                        help_text="The graph it was merged into.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="core.realitynetwork",
                    ),
                ),
            ],
            options={
                "verbose_name": "network",
                "db_table": "reality_networks",
                "db_table_comment": "A coupling graph, such as a connectome or an electrode neighbourhood.",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="RealityNode",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_comment="When the row was made.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the row was made.",
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_comment="When the row last changed; kept by a trigger.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the row last changed; kept by a trigger.",
                    ),
                ),
                (
                    "layer",
                    models.IntegerField(
                        db_comment="Layer, from 0 (NeuralBlitz: reality index).",
                        default=0,
                        help_text="Layer, from 0 (NeuralBlitz: reality index).",
                    ),
                ),
                (
                    "node_index",
                    models.IntegerField(
                        db_comment="Position in the layer, from 0: the index of its oscillator.",
                        help_text="Position in the layer, from 0: the index of its oscillator.",
                    ),
                ),
                (
                    "label",
                    models.CharField(
                        blank=True,
                        db_comment="Name of the electrode or region.",
                        help_text="Name of the electrode or region.",
                        max_length=100,
                    ),
                ),
                (
                    "x",
                    models.FloatField(blank=True, db_comment="Position, mm.", help_text="Position, mm.", null=True),
                ),
                (
                    "y",
                    models.FloatField(blank=True, db_comment="Position, mm.", help_text="Position, mm.", null=True),
                ),
                (
                    "z",
                    models.FloatField(blank=True, db_comment="Position, mm.", help_text="Position, mm.", null=True),
                ),
                (
                    "omega",
                    models.FloatField(
                        blank=True,
                        db_comment="Natural frequency, rad/s.",
                        help_text="Natural frequency, rad/s.",
                        null=True,
                    ),
                ),
                (
                    "network",
                    models.ForeignKey(
                        db_comment="The graph it belongs to.",
                        help_text="The graph it belongs to.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="nodes",
                        to="core.realitynetwork",
                    ),
                ),
            ],
            options={
                "verbose_name": "network node",
                "db_table": "reality_nodes",
                "db_table_comment": "A vertex of a coupling graph: one oscillator, electrode or brain region.",
                "ordering": ["network", "layer", "node_index"],
            },
        ),
        migrations.CreateModel(
            name="RealityEdge",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_comment="When the row was made.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the row was made.",
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_comment="When the row last changed; kept by a trigger.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the row last changed; kept by a trigger.",
                    ),
                ),
                (
                    "weight",
                    models.FloatField(
                        db_comment="Strength, in the network's weight_unit.",
                        default=1.0,
                        help_text="Strength, in the network's weight_unit.",
                    ),
                ),
                (
                    "delay_s",
                    models.FloatField(db_comment="Conduction delay, s.", default=0.0, help_text="Conduction delay, s."),
                ),
                (
                    "lag_rad",
                    models.FloatField(
                        db_comment="Phase lag alpha, rad, -pi to pi.",
                        default=0.0,
                        help_text="Phase lag alpha, rad, -pi to pi.",
                    ),
                ),
                (
                    "network",
                    models.ForeignKey(
                        db_comment="The graph it belongs to.",
                        help_text="The graph it belongs to.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="edges",
                        to="core.realitynetwork",
                    ),
                ),
                (
                    "dst",
                    models.ForeignKey(
                        db_comment="Where it ends.",
                        help_text="Where it ends.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="core.realitynode",
                    ),
                ),
                (
                    "src",
                    models.ForeignKey(
                        db_comment="Where it starts.",
                        help_text="Where it starts.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="core.realitynode",
                    ),
                ),
            ],
            options={
                "verbose_name": "network edge",
                "db_table": "reality_edges",
                "db_table_comment": "A coupling from one vertex to another of the same graph; an undirected edge is stored once.",
                "ordering": ["network", "id"],
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_comment="When the row was made.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the row was made.",
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_comment="When the row last changed; kept by a trigger.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the row last changed; kept by a trigger.",
                    ),
                ),
                (
                    "run_uuid",
                    models.UUIDField(
                        db_comment="Identity across databases.",
                        default=uuid.uuid4,
                        editable=False,
                        help_text="Identity across databases.",
                        unique=True,
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        db_comment="What people call the run.",
                        help_text="What people call the run.",
                        max_length=200,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("simulation", "Simulation"), ("live", "Live"), ("import", "Import")],
                        db_comment="simulation, live or import.",
                        default="simulation",
                        help_text="simulation, live or import.",
                        max_length=20,
                    ),
                ),
                (
                    "parameters",
                    models.JSONField(
                        blank=True,
                        db_comment="What the producer was started with, an object.",
                        default=dict,
                        help_text="What the producer was started with, an object.",
                    ),
                ),
                (
                    "seed",
                    models.BigIntegerField(
                        blank=True,
                        db_comment="Seed of the random generator, where there was one.",
                        help_text="Seed of the random generator, where there was one.",
                        null=True,
                    ),
                ),
                (
                    "code_version",
                    models.CharField(
                        blank=True,
                        db_comment="Version of the producing code.",
                        help_text="Version of the producing code.",
                        max_length=100,
                    ),
                ),
                (
                    "n_oscillators",
                    models.IntegerField(
                        blank=True,
                        db_comment="Oscillators in every row; set by the first row where absent.",
                        help_text="Oscillators in every row; set by the first row where absent.",
                        null=True,
                    ),
                ),
                (
                    "natural_frequencies",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.FloatField(),
                        blank=True,
                        db_comment="Natural frequency of each oscillator, rad/s.",
                        help_text="Natural frequency of each oscillator, rad/s.",
                        null=True,
                        size=None,
                    ),
                ),
                (
                    "coupling_norm",
                    models.CharField(
                        choices=[
                            ("per_n", "K / N"),
                            ("per_degree", "K / in-degree"),
                            ("raw", "K as it stands"),
                        ],
                        db_comment="What the coupling is divided by.",
                        default="per_n",
                        help_text="What the coupling is divided by.",
                        max_length=20,
                    ),
                ),
                (
                    "critical_coupling",
                    models.FloatField(
                        blank=True,
                        db_comment="Critical coupling Kc, rad/s; sets the dwell of synchronization events.",
                        help_text="Critical coupling Kc, rad/s; sets the dwell of synchronization events.",
                        null=True,
                    ),
                ),
                (
                    "defect_density_ref",
                    models.FloatField(
                        db_comment="Reference defect density rho_ref, 1/area, at which the defect component is 1.",
                        default=0.0036,
                        help_text="Reference defect density rho_ref, 1/area, at which the defect component is 1.",
                    ),
                ),
                (
                    "ha_weights",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.FloatField(),
                        db_comment="Weights of the defect, forecast and drift components of Ha; they sum to 1.",
                        default=core.models.runs.default_ha_weights,
                        help_text="Weights of the defect, forecast and drift components of Ha; they sum to 1.",
                        size=3,
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(db_comment="When the run began.", help_text="When the run began."),
                ),
                (
                    "ended_at",
                    models.DateTimeField(
                        blank=True,
                        db_comment="When the run ended; null while it goes on.",
                        help_text="When the run ended; null while it goes on.",
                        null=True,
                    ),
                ),
                (
                    "network",
                    models.ForeignKey(
                        blank=True,
                        db_comment="The coupling graph; null for all-to-all coupling or none.",
                        help_text="The coupling graph; null for all-to-all coupling or none.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="core.realitynetwork",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        db_comment="Who answers for the run; null for the system's own.",
                        help_text="Who answers for the run; null for the system's own.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "runs",
                "db_table_comment": "One run of a simulator, a live system or an import: the parent of all telemetry with the same origin.",
                "ordering": ["-started_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="SystemConfig",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "config_key",
                    models.CharField(
                        db_comment="Dotted name, such as kuramoto.n_oscillators.",
                        help_text="Dotted name, such as kuramoto.n_oscillators.",
                        max_length=255,
                    ),
                ),
                (
                    "config_value",
                    models.JSONField(
                        db_comment="The value, of the type that config_type names.",
                        help_text="The value, of the type that config_type names.",
                    ),
                ),
                (
                    "config_type",
                    models.CharField(
                        choices=[
                            ("integer", "Integer"),
                            ("float", "Float"),
                            ("string", "String"),
                            ("boolean", "Boolean"),
                            ("array", "Array"),
                            ("object", "Object"),
                        ],
                        db_comment="integer, float, string, boolean, array or object.",
                        help_text="integer, float, string, boolean, array or object.",
                        max_length=50,
                    ),
                ),
                (
                    "environment",
                    models.CharField(
                        db_comment="Which installation reads it.",
                        db_default="production",
                        default="production",
                        help_text="Which installation reads it.",
                        max_length=50,
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        db_comment="Whether it is in force; else the built-in default is.",
                        db_default=True,
                        default=True,
                        help_text="Whether it is in force; else the built-in default is.",
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_comment="When the row last changed; kept by a trigger.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the row last changed; kept by a trigger.",
                    ),
                ),
            ],
            options={
                "verbose_name": "configuration value",
                "permissions": [("read_server_metrics", "Can read the server's own metrics at /metrics")],
                "db_table": "system_config",
                "db_table_comment": "One configuration value of one environment, of the JSON type that `config_type` names; changes are kept.",
                "ordering": ["config_key", "environment"],
                "constraints": [
                    models.UniqueConstraint(fields=("config_key", "environment"), name="system_config_key_env_uq"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("config_type__in", ["integer", "float", "string", "boolean", "array", "object"])
                        ),
                        name="system_config_type_ck",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SystemConfigChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "config_key",
                    models.CharField(
                        db_comment="The key that changed.", help_text="The key that changed.", max_length=255
                    ),
                ),
                (
                    "environment",
                    models.CharField(db_comment="Its environment.", help_text="Its environment.", max_length=50),
                ),
                (
                    "old_value",
                    models.JSONField(
                        db_comment="The row before; null when it was made.",
                        help_text="The row before; null when it was made.",
                        null=True,
                    ),
                ),
                (
                    "new_value",
                    models.JSONField(
                        db_comment="The row after; null when it was deleted.",
                        help_text="The row after; null when it was deleted.",
                        null=True,
                    ),
                ),
                (
                    "changed_at",
                    models.DateTimeField(
                        db_comment="When.",
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When.",
                    ),
                ),
                (
                    "actor_id",
                    models.IntegerField(
                        db_comment="The user who did it, where the connection said so.",
                        help_text="The user who did it, where the connection said so.",
                        null=True,
                    ),
                ),
                (
                    "database_role",
                    models.CharField(
                        db_comment="The database role that did it.",
                        help_text="The database role that did it.",
                        max_length=63,
                    ),
                ),
            ],
            options={
                "verbose_name": "configuration change",
                "db_table": "system_config_history",
                "db_table_comment": "One change of a configuration value, written by a trigger whoever made it; append-only.",
                "ordering": ["-changed_at", "-id"],
                "indexes": [
                    models.Index(
                        fields=["config_key", "environment", "-changed_at"],
                        name="system_config_history_key_idx",
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="realitynetwork",
            constraint=models.CheckConstraint(
                condition=models.Q(("n_nodes__gte", 1)), name="reality_networks_n_nodes_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="realitynetwork",
            constraint=models.CheckConstraint(
                condition=models.Q(("n_layers__gte", 1)), name="reality_networks_n_layers_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="realitynetwork",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["active", "dormant", "collapsed", "merged"])),
                name="reality_networks_status_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="realitynetwork",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "merged"), ("target__isnull", False)),
                    models.Q(models.Q(("status", "merged"), _negated=True), ("target", None)),
                    _connector="OR",
                ),
                name="reality_networks_target_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="realitynode",
            constraint=models.UniqueConstraint(
                fields=("network", "layer", "node_index"), name="reality_nodes_place_uq"
            ),
        ),
        migrations.AddConstraint(
            model_name="realitynode",
            constraint=models.CheckConstraint(
                condition=models.Q(("layer__gte", 0), ("node_index__gte", 0)), name="reality_nodes_index_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="realityedge",
            constraint=models.UniqueConstraint(fields=("src", "dst"), name="reality_edges_ends_uq"),
        ),
        migrations.AddConstraint(
            model_name="realityedge",
            constraint=models.CheckConstraint(
                condition=models.Q(("src", models.F("dst")), _negated=True), name="reality_edges_no_loop_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="realityedge",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gte", 0), ("weight__lt", float("inf"))),
                name="reality_edges_weight_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="realityedge",
            constraint=models.CheckConstraint(
                condition=models.Q(("delay_s__gte", 0), ("delay_s__lt", float("inf"))),
                name="reality_edges_delay_ck",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["-started_at", "-id"], name="runs_started_at_idx"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(condition=models.Q(("ended_at", None)), fields=["started_at"], name="runs_open_idx"),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["simulation", "live", "import"])), name="runs_kind_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("coupling_norm__in", ["per_n", "per_degree", "raw"])),
                name="runs_coupling_norm_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("ended_at", None), ("ended_at__gte", models.F("started_at")), _connector="OR"),
                name="runs_times_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("n_oscillators", None), ("n_oscillators__range", (1, 65536)), _connector="OR"),
                name="runs_n_oscillators_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("defect_density_ref__gt", 0), ("defect_density_ref__lt", float("inf"))),
                name="runs_defect_density_ref_ck",
            ),
        ),
        RunSQLFile(
            "core",
            "0003_fields",
            state_operations=[
                migrations.CreateModel(
                    name="FieldState",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ha",
                            models.FloatField(
                                blank=True,
                                db_comment="Hallucination number Ha, 0 to 10; a lower bound where a component is missing, null where all are.",
                                help_text="Hallucination number Ha, 0 to 10; a lower bound where a component is missing, null where all are.",
                                null=True,
                                verbose_name="Ha",
                            ),
                        ),
                        (
                            "ha_version",
                            models.SmallIntegerField(
                                blank=True,
                                db_comment="Version of the definition of Ha; the weights stand on the run.",
                                help_text="Version of the definition of Ha; the weights stand on the run.",
                                null=True,
                            ),
                        ),
                        (
                            "ha_defect",
                            models.FloatField(
                                blank=True,
                                db_comment="Defect component min(1, rho/rho_ref), 0 to 1; null where missing.",
                                help_text="Defect component min(1, rho/rho_ref), 0 to 1; null where missing.",
                                null=True,
                            ),
                        ),
                        (
                            "ha_forecast",
                            models.FloatField(
                                blank=True,
                                db_comment="Forecast component min(1, MSE of one step / variance), 0 to 1; null where missing.",
                                help_text="Forecast component min(1, MSE of one step / variance), 0 to 1; null where missing.",
                                null=True,
                            ),
                        ),
                        (
                            "ha_drift",
                            models.FloatField(
                                blank=True,
                                db_comment="Embedding drift (1 - cosine)/2 from the run's reference, 0 to 1; null where missing.",
                                help_text="Embedding drift (1 - cosine)/2 from the run's reference, 0 to 1; null where missing.",
                                null=True,
                            ),
                        ),
                        (
                            "timestamp",
                            models.DateTimeField(
                                db_comment="When the state was observed, UTC; partition key, monthly.",
                                db_default=django.db.models.functions.datetime.Now(),
                                help_text="When the state was observed, UTC; partition key, monthly.",
                            ),
                        ),
                        (
                            "field_data",
                            models.JSONField(
                                db_comment="Descriptor of the field: encoding, shape, domain length, spacing, equation parameters, scheme.",
                                help_text="Descriptor of the field: encoding, shape, domain length, spacing, equation parameters, scheme.",
                            ),
                        ),
                        (
                            "frame",
                            models.BinaryField(
                                db_comment="The field, complex64 little-endian in row-major order; null where only scalars were kept.",
                                help_text="The field, complex64 little-endian in row-major order; null where only scalars were kept.",
                                null=True,
                            ),
                        ),
                        (
                            "frame_sha256",
                            models.BinaryField(
                                db_comment="SHA-256 of the frame's bytes.",
                                help_text="SHA-256 of the frame's bytes.",
                                null=True,
                            ),
                        ),
                        (
                            "resolution",
                            models.IntegerField(db_comment="Points per side n.", help_text="Points per side n."),
                        ),
                        (
                            "ndim",
                            models.SmallIntegerField(
                                db_comment="Dimensions of the grid, 1 or 2.",
                                db_default=2,
                                help_text="Dimensions of the grid, 1 or 2.",
                            ),
                        ),
                        (
                            "coherence_level",
                            models.FloatField(
                                db_comment="|mean A| / mean |A|, 0 to 1.",
                                help_text="|mean A| / mean |A|, 0 to 1.",
                                null=True,
                            ),
                        ),
                        (
                            "energy_state",
                            models.FloatField(
                                db_comment="Energy E, the integral of |A|^2; area.",
                                help_text="Energy E, the integral of |A|^2; area.",
                                null=True,
                            ),
                        ),
                        (
                            "mean_abs",
                            models.FloatField(db_comment="Mean modulus |A|.", help_text="Mean modulus |A|.", null=True),
                        ),
                        (
                            "gradient_energy",
                            models.FloatField(
                                db_comment="G, the integral of |grad A|^2.",
                                help_text="G, the integral of |grad A|^2.",
                                null=True,
                            ),
                        ),
                        (
                            "quartic_energy",
                            models.FloatField(
                                db_comment="Q, the integral of |A|^4.",
                                help_text="Q, the integral of |A|^4.",
                                null=True,
                            ),
                        ),
                        (
                            "defect_count",
                            models.IntegerField(
                                db_comment="Plaquettes with winding number other than 0; null in 1-D.",
                                help_text="Plaquettes with winding number other than 0; null in 1-D.",
                                null=True,
                            ),
                        ),
                        (
                            "defect_density",
                            models.FloatField(
                                db_comment="Defects per area, 1/area; null in 1-D.",
                                help_text="Defects per area, 1/area; null in 1-D.",
                                null=True,
                            ),
                        ),
                        (
                            "created_at",
                            models.DateTimeField(
                                db_comment="When the row was written.",
                                db_default=django.db.models.functions.datetime.Now(),
                                help_text="When the row was written.",
                            ),
                        ),
                        (
                            "run",
                            models.ForeignKey(
                                db_comment="The run that produced the state.",
                                help_text="The run that produced the state.",
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="fields",
                                to="core.run",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "field state",
                        "db_table": "nfcs_fields",
                        "db_table_comment": "One observed state of a run's complex field: its derived scalars always, the field itself where it was kept.",
                        "ordering": ["-timestamp", "-id"],
                    },
                ),
                migrations.AddIndex(
                    model_name="fieldstate",
                    index=models.Index(fields=["id"], name="nfcs_fields_id_idx"),
                ),
                migrations.AddIndex(
                    model_name="fieldstate",
                    index=models.Index(fields=["timestamp"], name="idx_nfcs_fields_timestamp"),
                ),
                migrations.AddIndex(
                    model_name="fieldstate",
                    index=django.contrib.postgres.indexes.BrinIndex(
                        fields=["timestamp"], name="idx_nfcs_fields_time_brin"
                    ),
                ),
                migrations.AddIndex(
                    model_name="fieldstate",
                    index=models.Index(fields=["coherence_level"], name="idx_nfcs_fields_coherence"),
                ),
            ],
        ),
        RunSQLFile("core", "0004_guards"),
    ]
