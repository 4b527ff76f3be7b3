"""A graph of the directions of memories, for finding similar ones."""

import django.contrib.postgres.indexes
import django.db.models.functions.comparison
import pgvector.django.halfvec
import pgvector.django.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cognitive", "0003_audit"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="memoryexperience",
            index=pgvector.django.indexes.HnswIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.comparison.Cast(
                        models.Func("embedding", function="l2_normalize"),
                        pgvector.django.halfvec.HalfVectorField(dimensions=768),
                    ),
                    name="halfvec_cosine_ops",
                ),
                ef_construction=64,
                m=16,
                name="memory_experiences_hnsw",
            ),
        ),
    ]
