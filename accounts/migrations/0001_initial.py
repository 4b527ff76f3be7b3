"""Users and sessions."""

import uuid

import django.contrib.auth.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "last_login",
                    models.DateTimeField(
                        blank=True,
                        db_comment="When the user last signed in; null for somebody who never did.",
                        help_text="When the user last signed in; null for somebody who never did.",
                        null=True,
                    ),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        db_comment="Designates that this user has all permissions without explicitly assigning them.",
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
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
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "username",
                    models.CharField(
                        db_comment="Name to sign in with.",
                        help_text="Name to sign in with.",
                        max_length=50,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                    ),
                ),
                (
                    "email",
                    models.EmailField(
                        db_comment="Address for notices.",
                        help_text="Address for notices.",
                        max_length=255,
                        unique=True,
                    ),
                ),
                (
                    "password",
                    models.CharField(
                        db_column="password_hash",
                        db_comment="Hash of the password, Argon2; '!' and more where none is set.",
                        help_text="Hash of the password, Argon2; '!' and more where none is set.",
                        max_length=255,
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("admin", "Administrator"),
                            ("operator", "Operator"),
                            ("user", "User"),
                            ("readonly", "Read only"),
                        ],
                        db_comment="admin, operator, user or readonly; a trigger keeps the user in the group of that name.",
                        db_default="user",
                        default="user",
                        help_text="admin, operator, user or readonly; a trigger keeps the user in the group of that name.",
                        max_length=50,
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        db_comment="Whether the user may sign in.",
                        db_default=True,
                        default=True,
                        help_text="Whether the user may sign in.",
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "db_table": "users",
                "db_table_comment": "A person or program that signs in; `role` decides which group's permissions it has.",
                "ordering": ["username"],
            },
        ),
        migrations.CreateModel(
            name="UserSession",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "session_uuid",
                    models.UUIDField(
                        db_comment="Identity of the session.",
                        default=uuid.uuid4,
                        editable=False,
                        help_text="Identity of the session.",
                        unique=True,
                    ),
                ),
                (
                    "jwt_token_hash",
                    models.CharField(
                        db_comment="SHA-256 of the token, hex; never the token.",
                        help_text="SHA-256 of the token, hex; never the token.",
                        max_length=255,
                        unique=True,
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(
                        db_comment="When the session ends by itself.",
                        help_text="When the session ends by itself.",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_comment="When it began.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When it began.",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_comment="Whose session it is.",
                        help_text="Whose session it is.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "user_sessions",
                "db_table_comment": "One signed-in session of a token holder.",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("username"), name="users_username_lower_uq"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("email"), name="users_email_lower_uq"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["admin", "operator", "user", "readonly"])),
                name="users_role_ck",
            ),
        ),
        migrations.AddIndex(
            model_name="usersession",
            index=models.Index(fields=["expires_at"], name="idx_sessions_expires"),
        ),
        migrations.AddConstraint(
            model_name="usersession",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__gt", models.F("created_at"))),
                name="user_sessions_expires_ck",
            ),
        ),
        RunSQLFile("accounts", "0001_users"),
    ]
