"""Alert rules, alerts, channels and the delivery log."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("validation", "0001_metrics_and_runs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AlertChannel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                        db_comment="What people call the channel; unique whatever the case.",
                        help_text="What people call the channel; unique whatever the case.",
                        max_length=100,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("email", "E-mail"), ("webhook", "Signed webhook")],
                        db_comment="email or webhook.",
                        help_text="email or webhook.",
                        max_length=20,
                    ),
                ),
                (
                    "target",
                    models.CharField(
                        db_comment="An e-mail address, or the address of a webhook, https.",
                        help_text="An e-mail address, or the address of a webhook, https.",
                        max_length=500,
                    ),
                ),
                (
                    "key_ref",
                    models.CharField(
                        blank=True,
                        db_comment="Name of the key that signs a webhook's messages, never the key itself; '' for e-mail.",
                        db_default="",
                        help_text="Name of the key that signs a webhook's messages, never the key itself; '' for e-mail.",
                        max_length=100,
                        verbose_name="signing key",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        db_comment="Whether anything is sent there.",
                        db_default=True,
                        default=True,
                        help_text="Whether anything is sent there.",
                    ),
                ),
            ],
            options={
                "db_table": "alert_channels",
                "db_table_comment": "An e-mail address or a webhook that alerts are announced to; edited by people.",
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"), name="alert_channels_name_uq"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("name__regex", "\\S"), models.Q(("name__regex", "[[:cntrl:]]"), _negated=True)
                        ),
                        name="alert_channels_name_ck",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["email", "webhook"])), name="alert_channels_kind_ck"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                models.Q(("kind", "email"), _negated=True),
                                ("target__regex", "^[^@,;:<>()[:space:][:cntrl:]]+@[^@,;:<>()[:space:][:cntrl:]]+$"),
                                _connector="OR",
                            ),
                            models.Q(
                                models.Q(("kind", "webhook"), _negated=True),
                                ("target__regex", "^https?://[!-~]+$"),
                                _connector="OR",
                            ),
                        ),
                        name="alert_channels_target_ck",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(models.Q(("kind", "email"), _negated=True), ("key_ref", ""), _connector="OR"),
                            models.Q(
                                models.Q(("kind", "webhook"), _negated=True),
                                ("key_ref__regex", "^[a-z][a-z0-9_.-]{0,99}$"),
                                _connector="OR",
                            ),
                        ),
                        name="alert_channels_key_ck",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                        db_comment="What people call the rule; unique whatever the case.",
                        help_text="What people call the rule; unique whatever the case.",
                        max_length=200,
                    ),
                ),
                (
                    "metric",
                    models.CharField(
                        db_comment="r, ha, coherence, energy, defect_density, metric: and the name of a stored metric, or telemetry for whatever a run sends.",
                        help_text="r, ha, coherence, energy, defect_density, metric: and the name of a stored metric, or telemetry for whatever a run sends.",
                        max_length=107,
                    ),
                ),
                (
                    "component",
                    models.CharField(
                        blank=True,
                        db_comment="Only series of this component; '' for all.",
                        db_default="",
                        help_text="Only series of this component; '' for all.",
                        max_length=50,
                    ),
                ),
                (
                    "tags",
                    models.JSONField(
                        blank=True,
                        db_comment="Only series that carry these tags, an object.",
                        default=dict,
                        help_text="Only series that carry these tags, an object.",
                    ),
                ),
                (
                    "run_kind",
                    models.CharField(
                        blank=True,
                        choices=[("simulation", "Simulation"), ("live", "Live"), ("import", "Import")],
                        db_comment="Only runs of this kind; '' for all.",
                        db_default="",
                        help_text="Only runs of this kind; '' for all.",
                        max_length=20,
                    ),
                ),
                (
                    "op",
                    models.CharField(
                        choices=[
                            ("gt", "Above the threshold"),
                            ("lt", "Below the threshold"),
                            ("outside", "Outside both thresholds"),
                            ("absent", "Silent"),
                        ],
                        db_comment="gt above threshold, lt below it, outside threshold to threshold_high, or absent.",
                        help_text="gt above threshold, lt below it, outside threshold to threshold_high, or absent.",
                        max_length=10,
                        verbose_name="operator",
                    ),
                ),
                (
                    "threshold",
                    models.FloatField(
                        blank=True,
                        db_comment="Bound, in the metric's unit; the lower one of outside.",
                        help_text="Bound, in the metric's unit; the lower one of outside.",
                        null=True,
                    ),
                ),
                (
                    "threshold_high",
                    models.FloatField(
                        blank=True, db_comment="Upper bound of outside.", help_text="Upper bound of outside.", null=True
                    ),
                ),
                (
                    "clear_threshold",
                    models.FloatField(
                        blank=True,
                        db_comment="Where the condition ends; at the threshold itself when null.",
                        help_text="Where the condition ends; at the threshold itself when null.",
                        null=True,
                    ),
                ),
                (
                    "clear_threshold_high",
                    models.FloatField(
                        blank=True,
                        db_comment="The same for the upper bound.",
                        help_text="The same for the upper bound.",
                        null=True,
                    ),
                ),
                (
                    "for_s",
                    models.FloatField(
                        db_comment="How long the condition has to hold, s, before the alert fires.",
                        db_default=0.0,
                        default=0.0,
                        help_text="How long the condition has to hold, s, before the alert fires.",
                        verbose_name="for, s",
                    ),
                ),
                (
                    "absent_for_s",
                    models.FloatField(
                        blank=True,
                        db_comment="How long the series of an absent rule has to be silent, s.",
                        help_text="How long the series of an absent rule has to be silent, s.",
                        null=True,
                        verbose_name="absent for, s",
                    ),
                ),
                (
                    "severity",
                    models.CharField(
                        choices=[("info", "Info"), ("warning", "Warning"), ("critical", "Critical")],
                        db_comment="info, warning or critical.",
                        help_text="info, warning or critical.",
                        max_length=10,
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        db_comment="Whether the rule is evaluated.",
                        db_default=True,
                        default=True,
                        help_text="Whether the rule is evaluated.",
                    ),
                ),
                (
                    "runbook",
                    models.TextField(
                        blank=True,
                        db_comment="What to do about it, for people.",
                        db_default="",
                        help_text="What to do about it, for people.",
                    ),
                ),
                (
                    "labels",
                    models.JSONField(
                        blank=True,
                        db_comment="Text by name, for sorting and routing, an object.",
                        default=dict,
                        help_text="Text by name, for sorting and routing, an object.",
                    ),
                ),
                (
                    "version",
                    models.IntegerField(
                        db_comment="Counts changes of the condition; kept by a trigger.",
                        db_default=1,
                        default=1,
                        editable=False,
                        help_text="Counts changes of the condition; kept by a trigger.",
                    ),
                ),
                (
                    "channels",
                    models.ManyToManyField(
                        blank=True,
                        db_table="alert_rule_channels",
                        help_text="Where its alerts are announced.",
                        related_name="rules",
                        to="validation.alertchannel",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        db_comment="Only this run; null for all.",
                        help_text="Only this run; null for all.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alert_rules",
                        to="core.run",
                    ),
                ),
            ],
            options={
                "db_table": "alert_rules",
                "db_table_comment": "A condition on the series of a metric and what follows while it holds; edited by people.",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="MonitoringAlert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                    "series_key",
                    models.CharField(
                        db_comment="SHA-256 of metric, component, unit and tags, hex: the series within its run.",
                        help_text="SHA-256 of metric, component, unit and tags, hex: the series within its run.",
                        max_length=64,
                    ),
                ),
                (
                    "metric",
                    models.CharField(
                        db_comment="What is measured, as rules name it.",
                        help_text="What is measured, as rules name it.",
                        max_length=107,
                    ),
                ),
                (
                    "component",
                    models.CharField(
                        blank=True,
                        db_comment="What it is measured on; '' where derived.",
                        db_default="",
                        help_text="What it is measured on; '' where derived.",
                        max_length=50,
                    ),
                ),
                (
                    "unit",
                    models.CharField(
                        db_comment="Unit, UCUM; null where none was given.",
                        help_text="Unit, UCUM; null where none was given.",
                        max_length=20,
                        null=True,
                    ),
                ),
                (
                    "tags",
                    models.JSONField(
                        db_comment="What else tells it from other series, an object.",
                        default=dict,
                        help_text="What else tells it from other series, an object.",
                    ),
                ),
                (
                    "severity",
                    models.CharField(
                        choices=[("info", "Info"), ("warning", "Warning"), ("critical", "Critical")],
                        db_comment="The rule's when the episode began.",
                        help_text="The rule's when the episode began.",
                        max_length=10,
                    ),
                ),
                (
                    "condition",
                    models.TextField(
                        db_comment="What the rule asked for, in words, when the episode began.",
                        help_text="What the rule asked for, in words, when the episode began.",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("inactive", "Inactive"),
                            ("pending", "Pending"),
                            ("firing", "Firing"),
                            ("resolved", "Resolved"),
                        ],
                        db_comment="inactive, pending, firing or resolved.",
                        help_text="inactive, pending, firing or resolved.",
                        max_length=10,
                    ),
                ),
                (
                    "pending_at",
                    models.DateTimeField(
                        db_comment="When the condition began to hold; of an absence, when the series was last heard of.",
                        help_text="When the condition began to hold; of an absence, when the series was last heard of.",
                        null=True,
                    ),
                ),
                (
                    "pending_value",
                    models.FloatField(
                        db_comment="The value then; null of an absence.",
                        help_text="The value then; null of an absence.",
                        null=True,
                    ),
                ),
                (
                    "fired_at",
                    models.DateTimeField(
                        db_comment="When it had held long enough.", help_text="When it had held long enough.", null=True
                    ),
                ),
                (
                    "fired_value",
                    models.FloatField(
                        db_comment="The first value at or after that; null of an absence.",
                        help_text="The first value at or after that; null of an absence.",
                        null=True,
                    ),
                ),
                (
                    "peak_value",
                    models.FloatField(
                        db_comment="The value furthest beyond the threshold, up to now.",
                        help_text="The value furthest beyond the threshold, up to now.",
                        null=True,
                    ),
                ),
                (
                    "resolved_at",
                    models.DateTimeField(db_comment="When it ended.", help_text="When it ended.", null=True),
                ),
                (
                    "resolved_value",
                    models.FloatField(
                        db_comment="The value that ended it, if one did.",
                        help_text="The value that ended it, if one did.",
                        null=True,
                    ),
                ),
                (
                    "resolved_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("calm", "The condition ended"),
                            ("rule_changed", "The rule changed"),
                            ("rule_off", "The rule was switched off"),
                            ("run_ended", "The run ended"),
                        ],
                        db_comment="Why it ended; '' before.",
                        db_default="",
                        help_text="Why it ended; '' before.",
                        max_length=20,
                    ),
                ),
                (
                    "acknowledged",
                    models.BooleanField(
                        db_comment="Whether somebody has seen to it.",
                        db_default=False,
                        default=False,
                        help_text="Whether somebody has seen to it.",
                    ),
                ),
                ("acknowledged_at", models.DateTimeField(db_comment="When.", help_text="When.", null=True)),
                (
                    "silenced_until",
                    models.DateTimeField(
                        db_comment="Until when its firing is not announced; handed on to the next episode of the series.",
                        help_text="Until when its firing is not announced; handed on to the next episode of the series.",
                        null=True,
                    ),
                ),
                (
                    "announced_at",
                    models.DateTimeField(
                        db_comment="When messages about it were first queued; null where nobody is to be told.",
                        help_text="When messages about it were first queued; null where nobody is to be told.",
                        null=True,
                    ),
                ),
                (
                    "acknowledged_by",
                    models.ForeignKey(
                        db_comment="Who, where the connection said so.",
                        help_text="Who, where the connection said so.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        db_comment="The rule.",
                        db_index=False,
                        help_text="The rule.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="validation.alertrule",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_comment="The run of the series.",
                        db_index=False,
                        help_text="The run of the series.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core.run",
                    ),
                ),
            ],
            options={
                "verbose_name": "alert",
                "db_table": "monitoring_alerts",
                "db_table_comment": "One episode in which a rule's condition held for a series; written by evaluation, acknowledged by people.",
                "ordering": ["-pending_at", "-id"],
                "permissions": [
                    ("acknowledge_alert", "Can acknowledge alerts"),
                    ("silence_alert", "Can silence alerts"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertMemory",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "series_key",
                    models.CharField(
                        db_comment="SHA-256 of metric, component, unit and tags, hex: the series within its run.",
                        help_text="SHA-256 of metric, component, unit and tags, hex: the series within its run.",
                        max_length=64,
                    ),
                ),
                (
                    "metric",
                    models.CharField(
                        db_comment="What is measured, as rules name it.",
                        help_text="What is measured, as rules name it.",
                        max_length=107,
                    ),
                ),
                (
                    "component",
                    models.CharField(
                        blank=True,
                        db_comment="What it is measured on; '' where derived.",
                        db_default="",
                        help_text="What it is measured on; '' where derived.",
                        max_length=50,
                    ),
                ),
                (
                    "unit",
                    models.CharField(
                        db_comment="Unit, UCUM; null where none was given.",
                        help_text="Unit, UCUM; null where none was given.",
                        max_length=20,
                        null=True,
                    ),
                ),
                (
                    "tags",
                    models.JSONField(
                        db_comment="What else tells it from other series, an object.",
                        default=dict,
                        help_text="What else tells it from other series, an object.",
                    ),
                ),
                (
                    "rule_version",
                    models.IntegerField(
                        db_comment="Version of the rule that the state belongs to.",
                        help_text="Version of the rule that the state belongs to.",
                    ),
                ),
                (
                    "state",
                    models.JSONField(
                        db_comment="The evaluation's own state, an object: last sample, crossing and peak.",
                        help_text="The evaluation's own state, an object: last sample, crossing and peak.",
                    ),
                ),
                (
                    "heard_at",
                    models.DateTimeField(
                        db_comment="When the newest sample came in, by the clock.",
                        help_text="When the newest sample came in, by the clock.",
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
                    "run",
                    models.ForeignKey(
                        db_comment="The run of the series.",
                        db_index=False,
                        help_text="The run of the series.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core.run",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        db_comment="The rule.",
                        help_text="The rule.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="validation.alertrule",
                    ),
                ),
                (
                    "alert",
                    models.ForeignKey(
                        db_comment="The episode that goes on, else the latest; null before the first.",
                        help_text="The episode that goes on, else the latest; null before the first.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="validation.monitoringalert",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "alert memories",
                "db_table": "alert_memories",
                "db_table_comment": "How far evaluation has come with one rule and one series; written with every batch of the series.",
            },
        ),
        migrations.CreateModel(
            name="AlertDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "event",
                    models.CharField(
                        choices=[("firing", "Firing"), ("resolved", "Resolved"), ("test", "Test")],
                        db_comment="firing, resolved or test.",
                        help_text="firing, resolved or test.",
                        max_length=10,
                    ),
                ),
                (
                    "attempt",
                    models.IntegerField(
                        db_comment="Number of the attempt, from 1.",
                        default=1,
                        help_text="Number of the attempt, from 1.",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("delivered", "Delivered"),
                            ("failed", "Failed, to be tried again"),
                            ("given_up", "Failed for good"),
                        ],
                        db_comment="delivered, failed (to be tried again) or given_up.",
                        help_text="delivered, failed (to be tried again) or given_up.",
                        max_length=10,
                    ),
                ),
                (
                    "http_status",
                    models.IntegerField(
                        db_comment="What a webhook answered, 100 to 599; null without answer.",
                        help_text="What a webhook answered, 100 to 599; null without answer.",
                        null=True,
                    ),
                ),
                (
                    "error",
                    models.TextField(
                        blank=True,
                        db_comment="What went wrong; '' where nothing did.",
                        db_default="",
                        help_text="What went wrong; '' where nothing did.",
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        db_comment="When the attempt began.",
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When the attempt began.",
                    ),
                ),
                (
                    "duration_ms",
                    models.FloatField(db_comment="How long it took, ms.", help_text="How long it took, ms."),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        db_comment="Where it went.",
                        db_index=False,
                        help_text="Where it went.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="validation.alertchannel",
                    ),
                ),
                (
                    "alert",
                    models.ForeignKey(
                        db_comment="What the message is about; null of a test.",
                        db_index=False,
                        help_text="What the message is about; null of a test.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="validation.monitoringalert",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "db_table": "alert_deliveries",
                "db_table_comment": "One attempt to deliver one message to one channel, and how it ended; append-only.",
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.AddIndex(
            model_name="alertrule",
            index=django.contrib.postgres.indexes.GinIndex(fields=["labels"], name="alert_rules_labels_gin"),
        ),
        migrations.AddIndex(
            model_name="alertrule",
            index=models.Index(
                condition=models.Q(("is_active", True)), fields=["metric"], name="alert_rules_metric_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("name"), name="alert_rules_name_uq"
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("name__regex", "\\S"), models.Q(("name__regex", "[[:cntrl:]]"), _negated=True)),
                name="alert_rules_name_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("run_kind", ""), ("run_kind__in", ["simulation", "live", "import"]), _connector="OR"
                ),
                name="alert_rules_kind_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("op__in", ["gt", "lt", "outside", "absent"])), name="alert_rules_op_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("severity__in", ["info", "warning", "critical"])), name="alert_rules_severity_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("op__in", ["gt", "lt"]),
                        ("threshold__isnull", False),
                        ("threshold__range", (-1e100, 1e100)),
                        ("threshold_high", None),
                    ),
                    models.Q(
                        ("op", "outside"),
                        ("threshold__isnull", False),
                        ("threshold__range", (-1e100, 1e100)),
                        ("threshold_high__gt", models.F("threshold")),
                        ("threshold_high__isnull", False),
                        ("threshold_high__range", (-1e100, 1e100)),
                    ),
                    models.Q(("op", "absent"), ("threshold", None), ("threshold_high", None)),
                    _connector="OR",
                ),
                name="alert_rules_threshold_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("clear_threshold", None), ("clear_threshold_high", None)),
                    models.Q(
                        ("clear_threshold__isnull", False),
                        ("clear_threshold_high", None),
                        ("op", "gt"),
                        ("clear_threshold__gte", -1e100),
                        ("clear_threshold__lte", models.F("threshold")),
                    ),
                    models.Q(
                        ("clear_threshold__isnull", False),
                        ("clear_threshold_high", None),
                        ("op", "lt"),
                        ("clear_threshold__gte", models.F("threshold")),
                        ("clear_threshold__lte", 1e100),
                    ),
                    models.Q(
                        ("clear_threshold__isnull", False),
                        ("clear_threshold_high__isnull", False),
                        ("op", "outside"),
                        ("clear_threshold__gte", models.F("threshold")),
                        ("clear_threshold_high__lte", models.F("threshold_high")),
                        ("clear_threshold__lte", models.F("clear_threshold_high")),
                    ),
                    _connector="OR",
                ),
                name="alert_rules_clear_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("for_s__range", (0, 604800.0)),
                    models.Q(models.Q(("op", "absent"), _negated=True), ("for_s", 0), _connector="OR"),
                ),
                name="alert_rules_for_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("absent_for_s__isnull", False),
                        ("op", "absent"),
                        ("absent_for_s__gt", 0),
                        ("absent_for_s__lte", 604800.0),
                    ),
                    models.Q(models.Q(("op", "absent"), _negated=True), ("absent_for_s", None)),
                    _connector="OR",
                ),
                name="alert_rules_absent_ck",
            ),
        ),
        migrations.AddIndex(
            model_name="monitoringalert",
            index=models.Index(
                condition=models.Q(("state", "inactive"), _negated=True),
                fields=["-pending_at", "-id"],
                name="monitoring_alerts_time_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="monitoringalert",
            index=models.Index(
                condition=models.Q(("state__in", ("pending", "firing"))),
                fields=["-pending_at", "-id"],
                name="monitoring_alerts_open_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="monitoringalert",
            index=models.Index(fields=["run", "-pending_at"], name="monitoring_alerts_run_idx"),
        ),
        migrations.AddIndex(
            model_name="monitoringalert",
            index=models.Index(fields=["rule", "-pending_at"], name="monitoring_alerts_rule_idx"),
        ),
        migrations.AddConstraint(
            model_name="monitoringalert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("pending", "firing"))),
                fields=("rule", "run", "series_key"),
                name="monitoring_alerts_open_uq",
            ),
        ),
        migrations.AddConstraint(
            model_name="monitoringalert",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["inactive", "pending", "firing", "resolved"])),
                name="monitoring_alerts_state_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="monitoringalert",
            constraint=models.CheckConstraint(
                condition=models.Q(("severity__in", ["info", "warning", "critical"])),
                name="monitoring_alerts_severity_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="monitoringalert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("fired_at", None), ("pending_at", None), ("resolved_at", None), ("state", "inactive")),
                    models.Q(
                        ("fired_at", None), ("pending_at__isnull", False), ("resolved_at", None), ("state", "pending")
                    ),
                    models.Q(
                        ("fired_at__isnull", False),
                        ("pending_at__isnull", False),
                        ("resolved_at", None),
                        ("state", "firing"),
                    ),
                    models.Q(
                        ("fired_at__isnull", False),
                        ("pending_at__isnull", False),
                        ("resolved_at__isnull", False),
                        ("state", "resolved"),
                    ),
                    _connector="OR",
                ),
                name="monitoring_alerts_state_times_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="monitoringalert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("fired_at", None), ("fired_at__gte", models.F("pending_at")), _connector="OR"),
                    models.Q(("resolved_at", None), ("resolved_at__gte", models.F("fired_at")), _connector="OR"),
                ),
                name="monitoring_alerts_times_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="monitoringalert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("pending_value", None),
                    models.Q(("pending_at__isnull", False), ("pending_value__range", (-1e100, 1e100))),
                    _connector="OR",
                ),
                name="monitoring_alerts_pending_value_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="monitoringalert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("fired_value", None),
                    models.Q(("fired_at__isnull", False), ("fired_value__range", (-1e100, 1e100))),
                    _connector="OR",
                ),
                name="monitoring_alerts_fired_value_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="monitoringalert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("peak_value", None),
                    models.Q(("fired_at__isnull", False), ("peak_value__range", (-1e100, 1e100))),
                    _connector="OR",
                ),
                name="monitoring_alerts_peak_value_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="monitoringalert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("resolved_value", None),
                    models.Q(("resolved_at__isnull", False), ("resolved_value__range", (-1e100, 1e100))),
                    _connector="OR",
                ),
                name="monitoring_alerts_resolved_value_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="monitoringalert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("resolved_at", None), ("resolved_reason", "")),
                    models.Q(
                        ("resolved_at__isnull", False),
                        ("resolved_reason__in", ["calm", "rule_changed", "rule_off", "run_ended"]),
                    ),
                    _connector="OR",
                ),
                name="monitoring_alerts_reason_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="monitoringalert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("acknowledged", False), ("acknowledged_at", None), ("acknowledged_by", None)),
                    models.Q(("acknowledged", True), ("acknowledged_at__isnull", False), ("fired_at__isnull", False)),
                    _connector="OR",
                ),
                name="monitoring_alerts_acknowledged_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="monitoringalert",
            constraint=models.CheckConstraint(
                condition=models.Q(("announced_at", None), ("fired_at__isnull", False), _connector="OR"),
                name="monitoring_alerts_announced_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertmemory",
            constraint=models.UniqueConstraint(fields=("run", "series_key", "rule"), name="alert_memories_uq"),
        ),
        migrations.AddIndex(
            model_name="alertdelivery",
            index=models.Index(fields=["-at", "-id"], name="alert_deliveries_at_idx"),
        ),
        migrations.AddIndex(
            model_name="alertdelivery",
            index=models.Index(fields=["channel", "-at"], name="alert_deliveries_channel_idx"),
        ),
        migrations.AddIndex(
            model_name="alertdelivery",
            index=models.Index(
                condition=models.Q(("status", "given_up")), fields=["-at"], name="alert_deliveries_given_up_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="alertdelivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("alert__isnull", False)),
                fields=("alert", "channel", "event", "attempt"),
                name="alert_deliveries_attempt_uq",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("alert", None), ("event", "test")),
                    models.Q(("alert__isnull", False), ("event__in", ["firing", "resolved"])),
                    _connector="OR",
                ),
                name="alert_deliveries_event_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("attempt__gte", 1)), name="alert_deliveries_attempt_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="alertdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("error", ""), ("status", "delivered")),
                    models.Q(("status__in", ["failed", "given_up"]), models.Q(("error", ""), _negated=True)),
                    _connector="OR",
                ),
                name="alert_deliveries_status_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("http_status", None), ("http_status__range", (100, 599)), _connector="OR"),
                name="alert_deliveries_http_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("duration_ms__gte", 0), ("duration_ms__lt", float("inf"))),
                name="alert_deliveries_duration_ck",
            ),
        ),
        RunSQLFile("validation", "0004_alerts"),
    ]
