"""The few oscillator states that have an embedding, found without a graph."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0009_frame_encoding"),
        ("kuramoto", "0003_audit"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="oscillatorstate",
            index=models.Index(
                condition=models.Q(("semantic_embedding__isnull", False)),
                fields=["run", "timestamp"],
                name="kuramoto_embedded_idx",
            ),
        ),
    ]
