"""Policies, their versions, violations, notes, and the monitor's memory."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import core.db.indexes
from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0002_substrate"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ConstitutionalPolicy",
            fields=[
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
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "policy_name",
                    models.CharField(
                        db_comment="What people call the policy; unique whatever the case.",
                        help_text="What people call the policy; unique whatever the case.",
                        max_length=255,
                        validators=[django.core.validators.RegexValidator("\\S", "A name is needed.")],
                    ),
                ),
                (
                    "policy_type",
                    models.CharField(
                        choices=[
                            ("fundamental", "Fundamental"),
                            ("operational", "Operational"),
                            ("safety", "Safety"),
                            ("ethical", "Ethical"),
                        ],
                        db_comment="fundamental (invariants, never off), operational (latency, cadence), safety (bounds of the dynamics) or ethical (handling of data).",
                        help_text="fundamental (invariants, never off), operational (latency, cadence), safety (bounds of the dynamics) or ethical (handling of data).",
                        max_length=50,
                    ),
                ),
                (
                    "policy_content",
                    models.JSONField(
                        db_comment="What is measured, when it is breached, how severe that is and what follows; policy_schema.json.",
                        help_text="What is measured, when it is breached, how severe that is and what follows; policy_schema.json.",
                    ),
                ),
                (
                    "priority_level",
                    models.IntegerField(
                        db_comment="1 to 10, the highest; 10 if fundamental.",
                        db_default=1,
                        default=1,
                        help_text="1 to 10, the highest; 10 if fundamental.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10),
                        ],
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        db_comment="Whether the monitor applies it.",
                        db_default=True,
                        default=True,
                        help_text="Whether the monitor applies it.",
                    ),
                ),
                (
                    "version",
                    models.IntegerField(
                        db_comment="Number of its current version; kept by a trigger.",
                        db_default=1,
                        default=1,
                        editable=False,
                        help_text="Number of its current version; kept by a trigger.",
                    ),
                ),
            ],
            options={
                "verbose_name": "policy",
                "verbose_name_plural": "policies",
                "db_table": "constitutional_policies",
                "db_table_comment": "A rule that the monitor holds every run to; editable, with every state it was in kept as a version.",
                "ordering": ["policy_name"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_active", True)),
                        fields=["policy_type", "priority_level"],
                        name="idx_active_policies",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("policy_name"),
                        name="constitutional_policies_name_uq",
                        violation_error_message="There is a policy of this name.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("policy_name__regex", "\\S")), name="constitutional_policies_name_ck"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("policy_type__in", ["fundamental", "operational", "safety", "ethical"])),
                        name="constitutional_policies_type_ck",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("priority_level__range", (1, 10))), name="chk_priority_level"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("policy_type", "fundamental"), _negated=True),
                            ("priority_level", 10),
                            _connector="OR",
                        ),
                        name="constitutional_policies_fundamental_priority_ck",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("policy_type", "fundamental"), _negated=True),
                            ("is_active", True),
                            _connector="OR",
                        ),
                        name="constitutional_policies_fundamental_active_ck",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "version",
                    models.IntegerField(
                        db_comment="1 for the policy as it was made, and so on.",
                        help_text="1 for the policy as it was made, and so on.",
                    ),
                ),
                (
                    "policy_name",
                    models.CharField(db_comment="Its name then.", help_text="Its name then.", max_length=255),
                ),
                (
                    "policy_type",
                    models.CharField(
                        choices=[
                            ("fundamental", "Fundamental"),
                            ("operational", "Operational"),
                            ("safety", "Safety"),
                            ("ethical", "Ethical"),
                        ],
                        db_comment="Its type then.",
                        help_text="Its type then.",
                        max_length=50,
                    ),
                ),
                ("policy_content", models.JSONField(db_comment="Its content then.", help_text="Its content then.")),
                (
                    "priority_level",
                    models.IntegerField(db_comment="Its priority then.", help_text="Its priority then."),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        db_comment="Whether the monitor applied it.", help_text="Whether the monitor applied it."
                    ),
                ),
                (
                    "valid_from",
                    models.DateTimeField(
                        db_comment="When the policy came to be so.", help_text="When the policy came to be so."
                    ),
                ),
                (
                    "valid_to",
                    models.DateTimeField(
                        db_comment="When it was changed or deleted; null while it is current.",
                        help_text="When it was changed or deleted; null while it is current.",
                        null=True,
                    ),
                ),
                (
                    "database_role",
                    models.CharField(
                        db_comment="The database role that made it so.",
                        help_text="The database role that made it so.",
                        max_length=63,
                    ),
                ),
                (
                    "change_note",
                    models.TextField(
                        blank=True, db_comment="Why, in the author's words.", help_text="Why, in the author's words."
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        db_comment="The user who made it so, where the connection said so.",
                        help_text="The user who made it so, where the connection said so.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        db_comment="The policy; null once it was deleted.",
                        db_index=False,
                        help_text="The policy; null once it was deleted.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="versions",
                        to="constitutional.constitutionalpolicy",
                    ),
                ),
            ],
            options={
                "verbose_name": "policy version",
                "db_table": "constitutional_policy_versions",
                "db_table_comment": "One state a policy was in and when; written by a trigger on every change whoever made it, append-only.",
                "ordering": ["policy_id", "-version"],
            },
        ),
        migrations.CreateModel(
            name="RunGuardState",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        db_comment="The run that is guarded.",
                        help_text="The run that is guarded.",
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="core.run",
                    ),
                ),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("normal", "Normal"),
                            ("warning", "Warning"),
                            ("critical", "Critical"),
                            ("emergency", "Emergency"),
                            ("recovery", "Recovery"),
                            ("failure", "Failure"),
                        ],
                        db_comment="normal, warning, critical, emergency, recovery or failure.",
                        db_default="normal",
                        default="normal",
                        help_text="normal, warning, critical, emergency, recovery or failure.",
                        max_length=20,
                    ),
                ),
                (
                    "latched",
                    models.BooleanField(
                        db_comment="Whether the level stays until it is calm for the dwell or released.",
                        db_default=False,
                        default=False,
                        help_text="Whether the level stays until it is calm for the dwell or released.",
                    ),
                ),
                (
                    "since",
                    models.DateTimeField(
                        db_comment="When the level was entered, in the run's time; null at first.",
                        help_text="When the level was entered, in the run's time; null at first.",
                        null=True,
                    ),
                ),
                (
                    "cause",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("ha", "Hallucination number"),
                            ("integrity", "Integrity"),
                            ("invalid", "Invalid data"),
                            ("calm", "Calm"),
                            ("max_duration", "Longest duration"),
                            ("operator", "Operator"),
                        ],
                        db_comment="Why the level was entered: ha, integrity, invalid, calm, max_duration or operator; '' at first.",
                        db_default="",
                        help_text="Why the level was entered: ha, integrity, invalid, calm, max_duration or operator; '' at first.",
                        max_length=20,
                    ),
                ),
                (
                    "reason",
                    models.TextField(
                        blank=True,
                        db_comment="The operator's reason for the level.",
                        db_default="",
                        help_text="The operator's reason for the level.",
                    ),
                ),
                (
                    "state",
                    models.JSONField(
                        db_comment="The state machine's own state, an object; empty at first.",
                        default=dict,
                        help_text="The state machine's own state, an object; empty at first.",
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
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        db_comment="The operator who set the level; null where the state machine did.",
                        help_text="The operator who set the level; null where the state machine did.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "run_guard_states",
                "db_table_comment": "Where the controller's state machine stands in one run; written by the monitor with every batch.",
            },
        ),
        migrations.CreateModel(
            name="Violation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "violation_type",
                    models.GeneratedField(
                        db_comment="minor, moderate from severity 0.5, major from 0.75, critical at 1; computed.",
                        db_persist=True,
                        expression=models.Case(
                            models.When(severity_score__gte=1, then=models.Value("critical")),
                            models.When(severity_score__gte=0.75, then=models.Value("major")),
                            models.When(severity_score__gte=0.5, then=models.Value("moderate")),
                            default=models.Value("minor"),
                        ),
                        help_text="minor, moderate from severity 0.5, major from 0.75, critical at 1; computed.",
                        output_field=models.CharField(
                            choices=[
                                ("minor", "Minor"),
                                ("moderate", "Moderate"),
                                ("major", "Major"),
                                ("critical", "Critical"),
                            ],
                            max_length=50,
                        ),
                    ),
                ),
                (
                    "violation_data",
                    models.JSONField(
                        db_comment="Evidence, an object: what the policy asked for, and what was measured when it was detected.",
                        help_text="Evidence, an object: what the policy asked for, and what was measured when it was detected.",
                    ),
                ),
                (
                    "severity_score",
                    models.FloatField(
                        db_comment="Severity at the peak, 0 to 1; rises while the episode lasts.",
                        help_text="Severity at the peak, 0 to 1; rises while the episode lasts.",
                    ),
                ),
                (
                    "ha_value",
                    models.FloatField(
                        blank=True,
                        db_comment="Hallucination number Ha when it was detected, 0 to 10, if known.",
                        help_text="Hallucination number Ha when it was detected, 0 to 10, if known.",
                        null=True,
                        verbose_name="Ha",
                    ),
                ),
                (
                    "resolution_status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("acknowledged", "Acknowledged"),
                            ("resolved", "Resolved"),
                            ("false_positive", "False positive"),
                        ],
                        db_comment="pending, acknowledged, then resolved or false_positive, which are terminal.",
                        db_default="pending",
                        default="pending",
                        help_text="pending, acknowledged, then resolved or false_positive, which are terminal.",
                        max_length=50,
                    ),
                ),
                (
                    "first_crossing_at",
                    models.DateTimeField(
                        db_comment="When the bound was first crossed, in the run's time; detected_at where an insert leaves it out.",
                        help_text="When the bound was first crossed, in the run's time; detected_at where an insert leaves it out.",
                    ),
                ),
                (
                    "detected_at",
                    models.DateTimeField(
                        db_comment="When the breach had lasted the policy's dwell, in the run's time.",
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When the breach had lasted the policy's dwell, in the run's time.",
                    ),
                ),
                (
                    "cleared_at",
                    models.DateTimeField(
                        blank=True,
                        db_comment="When the episode ended, in the run's time; null while it lasts.",
                        help_text="When the episode ended, in the run's time; null while it lasts.",
                        null=True,
                    ),
                ),
                (
                    "cleared_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("calm", "The metric came back inside its clear threshold"),
                            ("policy_changed", "The policy changed; monitoring began anew"),
                            ("policy_inactive", "The policy is no longer applied"),
                            ("run_ended", "The run ended"),
                        ],
                        db_comment="Why the episode ended; '' before.",
                        db_default="",
                        help_text="Why the episode ended; '' before.",
                        max_length=50,
                    ),
                ),
                (
                    "peak_value",
                    models.FloatField(
                        blank=True,
                        db_comment="Most extreme aggregated value of the episode, in the metric's unit.",
                        help_text="Most extreme aggregated value of the episode, in the metric's unit.",
                        null=True,
                    ),
                ),
                (
                    "peak_at",
                    models.DateTimeField(
                        blank=True,
                        db_comment="When the peak was, in the run's time.",
                        help_text="When the peak was, in the run's time.",
                        null=True,
                    ),
                ),
                (
                    "sample_count",
                    models.IntegerField(
                        blank=True,
                        db_comment="Samples beyond the bound: up to the detection while the episode lasts, all of them once it ended.",
                        help_text="Samples beyond the bound: up to the detection while the episode lasts, all of them once it ended.",
                        null=True,
                    ),
                ),
                (
                    "acknowledged_at",
                    models.DateTimeField(
                        blank=True,
                        db_comment="When somebody took it up.",
                        help_text="When somebody took it up.",
                        null=True,
                    ),
                ),
                (
                    "resolved_at",
                    models.DateTimeField(
                        blank=True, db_comment="When its review ended.", help_text="When its review ended.", null=True
                    ),
                ),
                (
                    "acknowledged_by",
                    models.ForeignKey(
                        blank=True,
                        db_comment="Who took it up, where the connection said so.",
                        help_text="Who took it up, where the connection said so.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        db_comment="The policy that was breached.",
                        db_index=False,
                        help_text="The policy that was breached.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="violations",
                        to="constitutional.constitutionalpolicy",
                    ),
                ),
                (
                    "policy_version",
                    models.ForeignKey(
                        db_comment="The policy as it was then; the current version where an insert leaves it out.",
                        help_text="The policy as it was then; the current version where an insert leaves it out.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="violations",
                        to="constitutional.policyversion",
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        blank=True,
                        db_comment="Who ended its review, where the connection said so.",
                        help_text="Who ended its review, where the connection said so.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_comment="The run that breached it; the system's own where an insert leaves it out.",
                        db_index=False,
                        help_text="The run that breached it; the system's own where an insert leaves it out.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="violations",
                        to="core.run",
                    ),
                ),
            ],
            options={
                "db_table": "constitutional_violations",
                "db_table_comment": "One episode in which a run breached a policy, and its review; written by the monitor, reviewed by people.",
                "ordering": ["-detected_at", "-id"],
                "permissions": [("review_violation", "Can acknowledge and resolve violations")],
            },
        ),
        migrations.CreateModel(
            name="PolicyMonitorState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.JSONField(
                        db_comment="The evaluation's own state, an object: window, crossing and peak.",
                        help_text="The evaluation's own state, an object: window, crossing and peak.",
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
                    "policy",
                    models.ForeignKey(
                        db_comment="The policy it is held to.",
                        help_text="The policy it is held to.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="constitutional.constitutionalpolicy",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_comment="The run that is monitored.",
                        db_index=False,
                        help_text="The run that is monitored.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="core.run",
                    ),
                ),
                (
                    "policy_version",
                    models.ForeignKey(
                        db_comment="The version of the policy that the state belongs to.",
                        help_text="The version of the policy that the state belongs to.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="constitutional.policyversion",
                    ),
                ),
                (
                    "violation",
                    models.ForeignKey(
                        db_comment="The violation of the episode that goes on; null while calm.",
                        help_text="The violation of the episode that goes on; null while calm.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="constitutional.violation",
                    ),
                ),
            ],
            options={
                "db_table": "policy_monitor_states",
                "db_table_comment": "How far the monitor has come with one policy in one run; written by the monitor with every batch.",
                "ordering": ["run_id", "policy_id"],
            },
        ),
        migrations.CreateModel(
            name="ViolationNote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "database_role",
                    models.CharField(
                        db_comment="The database role that wrote it; set by a trigger.",
                        db_default="",
                        editable=False,
                        help_text="The database role that wrote it; set by a trigger.",
                        max_length=63,
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("note", "Note"),
                            ("acknowledge", "Acknowledge"),
                            ("resolve", "Resolve"),
                            ("false_positive", "False positive"),
                        ],
                        db_comment="note for a remark; acknowledge, resolve or false_positive for a step of the review.",
                        default="note",
                        help_text="note for a remark; acknowledge, resolve or false_positive for a step of the review.",
                        max_length=20,
                    ),
                ),
                (
                    "from_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("pending", "Pending"),
                            ("acknowledged", "Acknowledged"),
                            ("resolved", "Resolved"),
                            ("false_positive", "False positive"),
                        ],
                        db_comment="Status before the step; '' for a remark.",
                        db_default="",
                        help_text="Status before the step; '' for a remark.",
                        max_length=50,
                    ),
                ),
                (
                    "to_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("pending", "Pending"),
                            ("acknowledged", "Acknowledged"),
                            ("resolved", "Resolved"),
                            ("false_positive", "False positive"),
                        ],
                        db_comment="Status after the step; '' for a remark.",
                        db_default="",
                        help_text="Status after the step; '' for a remark.",
                        max_length=50,
                    ),
                ),
                (
                    "text",
                    models.TextField(
                        blank=True, db_comment="What was said.", db_default="", help_text="What was said."
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_comment="When.", db_default=django.db.models.functions.datetime.Now(), help_text="When."
                    ),
                ),
                (
                    "author",
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
                    "violation",
                    models.ForeignKey(
                        db_comment="The violation it is about.",
                        db_index=False,
                        help_text="The violation it is about.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to="constitutional.violation",
                    ),
                ),
            ],
            options={
                "verbose_name": "note",
                "db_table": "violation_notes",
                "db_table_comment": "A remark on a violation or one step of its review, with who and when; append-only.",
                "ordering": ["created_at", "id"],
            },
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.UniqueConstraint(fields=("policy", "version"), name="constitutional_policy_versions_uq"),
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("valid_to", None)),
                fields=("policy",),
                name="constitutional_policy_versions_current_uq",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("valid_to", None), ("valid_to__gte", models.F("valid_from")), _connector="OR"),
                name="constitutional_policy_versions_times_ck",
            ),
        ),
        migrations.AddIndex(
            model_name="runguardstate",
            index=models.Index(
                condition=models.Q(("level", "normal"), _negated=True),
                fields=["level"],
                name="run_guard_states_level_idx",
            ),
        ),
        migrations.AddConstraint(
            model_name="runguardstate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("level__in", ["normal", "warning", "critical", "emergency", "recovery", "failure"])
                ),
                name="run_guard_states_level_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="runguardstate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("cause", ""),
                    ("cause__in", ["ha", "integrity", "invalid", "calm", "max_duration", "operator"]),
                    _connector="OR",
                ),
                name="run_guard_states_cause_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="runguardstate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("actor__isnull", False), ("cause", "operator"), ("reason__regex", "\\S")),
                    models.Q(models.Q(("cause", "operator"), _negated=True), ("actor", None), ("reason", "")),
                    _connector="OR",
                ),
                name="run_guard_states_operator_ck",
            ),
        ),
        migrations.AddIndex(
            model_name="violation",
            index=models.Index(fields=["violation_type"], name="idx_violations_type"),
        ),
        migrations.AddIndex(
            model_name="violation",
            index=models.Index(fields=["severity_score"], name="idx_violations_severity"),
        ),
        migrations.AddIndex(
            model_name="violation",
            index=models.Index(fields=["detected_at"], name="idx_violations_detected"),
        ),
        migrations.AddIndex(
            model_name="violation",
            index=core.db.indexes.LongNamedIndex(
                fields=["violation_type", "severity_score", "detected_at"], name="idx_violations_type_severity_time"
            ),
        ),
        migrations.AddIndex(
            model_name="violation",
            index=models.Index(
                condition=models.Q(("resolution_status__in", ("pending", "acknowledged"))),
                fields=["-detected_at", "-id"],
                name="violations_open_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="violation",
            index=models.Index(
                condition=models.Q(("resolution_status__in", ("pending", "acknowledged"))),
                fields=["run"],
                name="violations_open_run_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="violation",
            index=models.Index(fields=["run", "-detected_at", "-id"], name="violations_run_time_idx"),
        ),
        migrations.AddIndex(
            model_name="violation",
            index=models.Index(fields=["policy", "-detected_at", "-id"], name="violations_policy_time_idx"),
        ),
        migrations.AddConstraint(
            model_name="violation",
            constraint=models.CheckConstraint(
                condition=models.Q(("severity_score__range", (0, 1))), name="constitutional_violations_severity_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="violation",
            constraint=models.CheckConstraint(
                condition=models.Q(("ha_value", None), ("ha_value__range", (0, 10)), _connector="OR"),
                name="constitutional_violations_ha_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="violation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("peak_value", None),
                    models.Q(("peak_value__gt", float("-inf")), ("peak_value__lt", float("inf"))),
                    _connector="OR",
                ),
                name="constitutional_violations_peak_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="violation",
            constraint=models.CheckConstraint(
                condition=models.Q(("sample_count", None), ("sample_count__gte", 1), _connector="OR"),
                name="constitutional_violations_samples_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="violation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("resolution_status__in", ["pending", "acknowledged", "resolved", "false_positive"])
                ),
                name="constitutional_violations_status_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="violation",
            constraint=models.CheckConstraint(
                condition=models.Q(("detected_at__gte", models.F("first_crossing_at"))),
                name="constitutional_violations_detected_at_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="violation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cleared_at", None), ("cleared_reason", "")),
                    models.Q(
                        ("cleared_at__gte", models.F("detected_at")),
                        ("cleared_at__isnull", False),
                        ("cleared_reason__in", ["calm", "policy_changed", "policy_inactive", "run_ended"]),
                    ),
                    _connector="OR",
                ),
                name="constitutional_violations_cleared_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="violation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("acknowledged_at", None), ("acknowledged_by", None), ("resolution_status", "pending")),
                    models.Q(
                        models.Q(("resolution_status", "pending"), _negated=True),
                        ("acknowledged_at__gte", models.F("detected_at")),
                        ("acknowledged_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="constitutional_violations_acknowledged_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="violation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(("resolution_status__in", ("resolved", "false_positive")), _negated=True),
                        ("resolved_at", None),
                        ("resolved_by", None),
                    ),
                    models.Q(
                        ("acknowledged_at__lte", models.F("resolved_at")),
                        ("resolution_status__in", ("resolved", "false_positive")),
                        ("resolved_at__gte", models.F("detected_at")),
                        ("resolved_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="constitutional_violations_resolved_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="policymonitorstate",
            constraint=models.UniqueConstraint(fields=("run", "policy"), name="policy_monitor_states_uq"),
        ),
        migrations.AddIndex(
            model_name="violationnote",
            index=models.Index(fields=["violation", "created_at", "id"], name="violation_notes_time_idx"),
        ),
        migrations.AddConstraint(
            model_name="violationnote",
            constraint=models.UniqueConstraint(
                condition=models.Q(("action", "note"), _negated=True),
                fields=("violation", "to_status"),
                name="violation_notes_step_uq",
            ),
        ),
        migrations.AddConstraint(
            model_name="violationnote",
            constraint=models.CheckConstraint(
                condition=models.Q(("action__in", ["note", "acknowledge", "resolve", "false_positive"])),
                name="violation_notes_action_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="violationnote",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("action", "note"), ("from_status", ""), ("text__regex", "\\S"), ("to_status", "")),
                    models.Q(
                        models.Q(("action", "note"), _negated=True),
                        ("from_status__in", ["pending", "acknowledged", "resolved", "false_positive"]),
                        ("to_status__in", ["pending", "acknowledged", "resolved", "false_positive"]),
                    ),
                    _connector="OR",
                ),
                name="violation_notes_content_ck",
            ),
        ),
        RunSQLFile("constitutional", "0001_policies"),
        RunSQLFile("constitutional", "0002_violations"),
    ]
