"""Sessions with refresh tokens, second factors, limits of signing in."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.db.encryption
from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_key_use"),
    ]

    operations = [
        migrations.CreateModel(
            name="LoginAttempts",
            fields=[
                (
                    "subject",
                    models.CharField(
                        db_comment="`account:` and the SHA-256 of the name in one case, or `address:` and the address (IPv6: its /64).",
                        help_text="`account:` and the SHA-256 of the name in one case, or `address:` and the address (IPv6: its /64).",
                        max_length=80,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "attempted_at",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(),
                        db_comment="When they were made, earliest first, within the window.",
                        default=list,
                        help_text="When they were made, earliest first, within the window.",
                        size=None,
                    ),
                ),
            ],
            options={
                "verbose_name": "recent attempts to sign in",
                "verbose_name_plural": "recent attempts to sign in",
                "db_table": "login_attempts",
                "db_table_comment": "The recent attempts of one account, known or not, or of one network address, that failed or are under way.",
                "ordering": ["subject"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="RecoveryCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code_hash",
                    models.CharField(
                        db_comment="SHA-256 of the 80-bit code, hex; never the code.",
                        help_text="SHA-256 of the 80-bit code, hex; never the code.",
                        max_length=64,
                    ),
                ),
                (
                    "used_at",
                    models.DateTimeField(
                        blank=True,
                        db_comment="When it was used; null while it works.",
                        help_text="When it was used; null while it works.",
                        null=True,
                    ),
                ),
            ],
            options={
                "db_table": "recovery_codes",
                "db_table_comment": "A code that stands in for one one-time code, once; shown when it is made, kept as a hash.",
                "ordering": ["id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SecondFactor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "seed",
                    core.db.encryption.EncryptedTextField(
                        bound_to="user",
                        db_comment="The shared seed, Base32, encrypted.",
                        help_text="The shared seed, Base32, encrypted.",
                        max_length=64,
                    ),
                ),
                (
                    "last_step",
                    models.BigIntegerField(
                        db_comment="Time step (30 s since 1970) of the last code that was taken; a code of it or before is refused.",
                        db_default=0,
                        default=0,
                        help_text="Time step (30 s since 1970) of the last code that was taken; a code of it or before is refused.",
                    ),
                ),
                (
                    "confirmed_at",
                    models.DateTimeField(
                        blank=True,
                        db_comment="When a first code confirmed it; null until then.",
                        help_text="When a first code confirmed it; null until then.",
                        null=True,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_comment="When the seed was made.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the seed was made.",
                    ),
                ),
            ],
            options={
                "db_table": "second_factors",
                "db_table_comment": "A user's generator of one-time codes (TOTP, RFC 6238); it counts once a first code has confirmed it.",
                "ordering": ["user_id"],
                "default_permissions": (),
            },
        ),
        migrations.AlterModelTableComment(
            name="usersession",
            table_comment="One signed-in session of a token holder: its access token and its refresh token, both replaced at each refresh.",
        ),
        migrations.AddField(
            model_name="user",
            name="sessions_ended_at",
            field=models.DateTimeField(
                blank=True,
                db_comment="When all of the user's sessions were last ended at once; null where that never happened.",
                editable=False,
                help_text="When all of the user's sessions were last ended at once; null where that never happened.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="address",
            field=models.GenericIPAddressField(
                blank=True,
                db_comment="Where it was begun or last refreshed.",
                help_text="Where it was begun or last refreshed.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="generation",
            field=models.IntegerField(
                db_comment="Refreshes so far; a refresh token of an earlier generation was used before.",
                db_default=0,
                default=0,
                help_text="Refreshes so far; a refresh token of an earlier generation was used before.",
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="last_seen_at",
            field=models.DateTimeField(
                blank=True,
                db_comment="When it was last used, to a minute; null for a session never used.",
                help_text="When it was last used, to a minute; null for a session never used.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="refresh_hash",
            field=models.CharField(
                db_comment="SHA-256 of the refresh token that works next, hex; never the token.",
                db_default="",
                default="",
                help_text="SHA-256 of the refresh token that works next, hex; never the token.",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="revoked_at",
            field=models.DateTimeField(
                blank=True,
                db_comment="When it was ended; null while it goes on.",
                help_text="When it was ended; null while it goes on.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="revoked_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("logout", "Signed out"),
                    ("ended", "Ended by the user elsewhere, or by an administrator"),
                    ("reuse", "A refresh token was used twice"),
                    ("password", "New password"),
                    ("role", "New role"),
                    ("disabled", "User disabled"),
                ],
                db_comment="Why it was ended.",
                db_default="",
                default="",
                help_text="Why it was ended.",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="user_agent",
            field=core.db.encryption.EncryptedTextField(
                blank=True,
                bound_to="session_uuid",
                db_comment="What the client calls itself, encrypted; null where it says nothing.",
                help_text="What the client calls itself, encrypted; null where it says nothing.",
                max_length=300,
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="usersession",
            name="session_uuid",
            field=models.UUIDField(
                db_comment="Identity of the session, `sid` in its tokens.",
                default=uuid.uuid4,
                editable=False,
                help_text="Identity of the session, `sid` in its tokens.",
                unique=True,
            ),
        ),
        migrations.AddIndex(
            model_name="usersession",
            index=models.Index(
                condition=models.Q(("revoked_at", None)), fields=["user"], name="user_sessions_live_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="usersession",
            constraint=models.CheckConstraint(
                condition=models.Q(("generation__gte", 0)), name="user_sessions_generation_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="usersession",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("revoked_at", None), ("revoked_reason", "")),
                    models.Q(
                        ("revoked_at__isnull", False),
                        ("revoked_reason__in", ["logout", "ended", "reuse", "password", "role", "disabled"]),
                    ),
                    _connector="OR",
                ),
                name="user_sessions_revoked_ck",
            ),
        ),
        migrations.AddField(
            model_name="secondfactor",
            name="user",
            field=models.OneToOneField(
                db_comment="Whose it is.",
                help_text="Whose it is.",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="second_factor",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="recoverycode",
            name="user",
            field=models.ForeignKey(
                db_comment="Whose it is.",
                help_text="Whose it is.",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="recovery_codes",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="recoverycode",
            constraint=models.UniqueConstraint(fields=("user", "code_hash"), name="recovery_codes_hash_uq"),
        ),
        RunSQLFile("accounts", "0007_sign_in"),
    ]
