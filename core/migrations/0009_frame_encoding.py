"""How a stored field is packed."""

from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0008_run_shares"),
    ]

    operations = [
        # Django would set the column's type anew, and with it how it is stored.
        RunSQLFile(
            "core",
            "0011_frame_encoding",
            state_operations=[
                migrations.AddField(
                    model_name="fieldstate",
                    name="frame_encoding",
                    field=models.CharField(
                        choices=[("lossless", "Lossless"), ("float16", "Float16"), ("quantised", "Quantised")],
                        db_comment="lossless, float16 or quantised, with a head of its own; null: complex64, little-endian, row-major.",
                        help_text="lossless, float16 or quantised, with a head of its own; null: complex64, little-endian, row-major.",
                        max_length=10,
                        null=True,
                    ),
                ),
                migrations.AlterField(
                    model_name="fieldstate",
                    name="frame",
                    field=models.BinaryField(
                        db_comment="The field, packed as frame_encoding says; null where only scalars were kept.",
                        help_text="The field, packed as frame_encoding says; null where only scalars were kept.",
                        null=True,
                    ),
                ),
            ],
        ),
    ]
