"""What the two seed documents list, as data: each of these has a row in docs/seeds.md."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


NFCS_TABLES = {
    "nfcs_fields": "id timestamp field_data resolution coherence_level energy_state created_at",
    "system_config": "id config_key config_value config_type environment is_active updated_at",
    "constitutional_policies": (
        "id policy_name policy_type policy_content priority_level is_active created_at updated_at"
    ),
    "constitutional_violations": (
        "id violation_type policy_id violation_data severity_score ha_value resolution_status detected_at resolved_at"
    ),
    "kuramoto_oscillators": (
        "id timestamp oscillator_states sync_parameter phase_coherence coupling_strength semantic_embedding"
        " prediction_horizons"
    ),
    "synchronization_events": "id event_type sync_level_before sync_level_after event_data occurred_at",
    "cognitive_sessions": "id session_uuid module_type session_data performance_metrics started_at ended_at",
    "memory_experiences": (
        "id experience_uuid experience_type context_data emotional_weight consolidation_level retrieval_count"
        " stored_at last_accessed"
    ),
    "validation_runs": (
        "id run_uuid validation_type test_parameters results_data overall_score passed_tests total_tests"
        " duration_seconds executed_at"
    ),
    "system_metrics": "id metric_name metric_value metric_unit component tags recorded_at",
    "users": "id username email password_hash role is_active last_login created_at updated_at",
    "user_sessions": "id session_uuid user_id jwt_token_hash expires_at created_at",
    "schema_migrations": "version applied_at checksum",
}

NFCS_INDEXES = _words(
    "idx_nfcs_fields_timestamp idx_nfcs_fields_coherence idx_config_key_env idx_violations_type"
    " idx_violations_severity idx_violations_detected idx_kuramoto_timestamp idx_kuramoto_sync idx_sync_events_type"
    " idx_sync_events_time idx_cognitive_module_type idx_cognitive_started idx_memory_type idx_memory_consolidation"
    " idx_memory_stored idx_validation_type idx_validation_score idx_validation_executed idx_metrics_name_component"
    " idx_metrics_recorded idx_users_username idx_users_email idx_sessions_uuid idx_sessions_user"
    " idx_sessions_expires idx_nfcs_fields_time_brin idx_violations_type_severity_time idx_active_policies"
)

NFCS_OTHERS = (
    "constraint chk_priority_level",
    *(f"{table} PRIMARY KEY" for table in NFCS_TABLES),
    "system_config.config_key UNIQUE",
    "cognitive_sessions.session_uuid UNIQUE",
    "memory_experiences.experience_uuid UNIQUE",
    "validation_runs.run_uuid UNIQUE",
    "users.username UNIQUE",
    "users.email UNIQUE",
    "user_sessions.session_uuid UNIQUE",
    "constitutional_violations.policy_id REFERENCES constitutional_policies",
    "user_sessions.user_id REFERENCES users ON DELETE CASCADE",
    # Database architecture
    "In-Memory Storage",
    "File-based Persistence",
    "SQLite Support",
    "NFCS Core Tables",
    "Constitutional Monitoring",
    "Kuramoto Synchronization",
    "Cognitive Modules Data",
    "Validation & Metrics",
    "User Management",
    # Directory structure
    *("schema.sql", "initial_data.sql", "indexes.sql", "constraints.sql", "migrations/", "rollbacks/", "seeds/"),
    *("backup.sql", "maintenance.sql", "monitoring.sql"),
    # Setup scripts
    "CREATE DATABASE nfcs_production",
    *("extension uuid-ossp", "extension pgvector"),
    *(f"schema {name}" for name in ("nfcs_core", "constitutional", "cognitive", "validation", "user_mgmt")),
    "key nfcs.field_resolution",
    "key nfcs.ha_threshold",
    "key kuramoto.n_oscillators",
    "key cognitive.modules_enabled",
    "default admin user",
    # Performance optimizations
    "CREATE INDEX CONCURRENTLY",
    "partition nfcs_fields_y2025m09",
    "function create_monthly_partition",
    # Database utilities
    *("pg_dump --schema-only", "pg_dump --data-only", "pg_dump -Fc"),
    *("database size monitoring", "performance analysis"),
    # Integration points
    *("Configuration Storage", "Session Persistence", "Metrics History"),
    *("Scalable Storage", "ACID Compliance", "Advanced Analytics", "Multi-user Support"),
    # Migration management
    "migrations/001_initial_schema.sql",
    "migrations/002_add_cognitive_tables.sql",
    "rollbacks/002_remove_cognitive_tables.sql",
    # Related documentation
    *("Configuration Management", "API Layer", "System Architecture"),
)

NFCS = (
    *(f"table {table}" for table in NFCS_TABLES),
    *(f"{table}.{column}" for table, columns in NFCS_TABLES.items() for column in columns.split()),
    *(f"index {index}" for index in NFCS_INDEXES),
    *NFCS_OTHERS,
)

NEURALBLITZ = (
    # Directory structure
    *(f"models/{name}.py" for name in _words("__init__ base users quantum reality consciousness audit metrics api")),
    *("migrations/env.py", "migrations/script.py.mako", "migrations/versions/"),
    *("seed/__init__.py", "seed/seed_data.py"),
    *(f"triggers/{name}.sql" for name in ("update_timestamp", "audit_trigger", "neuron_state_trigger")),
    *(f"views/{name}_view.sql" for name in ("user_activity", "consciousness_metrics", "reality_status")),
    *(f"config/{name}.py" for name in ("__init__", "database", "connection_pool")),
    # Key features
    "transaction boundaries",
    "foreign keys with CASCADE",
    "row-level locking",
    "range partitioning by date",
    "quantum history by week",
    "partition management through triggers",
    "B-tree on keys",
    "GiST for JSONB and arrays",
    "partial indexes",
    "BRIN for time series",
    "row-level security",
    "encrypted columns",
    "audit logging",
    "pooling with PgBouncer",
    "read replicas",
    "materialized views",
    # Core tables
    *(
        f"table {name}"
        for name in _words(
            "users api_keys partner_configs quantum_neurons quantum_neuron_history reality_networks reality_nodes"
            " consciousness_records consciousness_snapshots golden_dag_audit metrics monitoring_alerts"
        )
    ),
    # Getting started and maintenance
    "pip install -r requirements.txt",
    "alembic upgrade head",
    "python seed/seed_data.py",
    "psql -f verify_schema.sql",
    "partition management via cron",
    "index maintenance weekly",
    "VACUUM ANALYZE after large imports",
)
