"""The limits of a key have an upper bound too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_row_security"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="apikey",
            name="api_keys_rate_limit_ck",
        ),
        migrations.RemoveConstraint(
            model_name="apikey",
            name="api_keys_burst_ck",
        ),
        migrations.AlterField(
            model_name="apikey",
            name="burst",
            field=models.IntegerField(
                db_comment="Requests that may come at once, 1 to 1000000.",
                default=60,
                help_text="Requests that may come at once, 1 to 1000000.",
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="rate_limit_per_min",
            field=models.IntegerField(
                db_comment="Requests a minute, 1 to 1000000.", default=600, help_text="Requests a minute, 1 to 1000000."
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(("rate_limit_per_min__range", (1, 1000000))), name="api_keys_rate_limit_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(("burst__range", (1, 1000000))), name="api_keys_burst_ck"
            ),
        ),
    ]
