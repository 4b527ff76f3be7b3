"""Which tables leave no audit entries, and why: the one place."""

EXEMPT = {
    "nfcs_core.golden_dag_audit": "the audit itself; its chain guards it",
    "nfcs_core.audit_lanes": "the chain itself",
    "nfcs_core.audit_links": "the chain itself",
    "nfcs_core.audit_checkpoints": "the chain itself; signed",
    "nfcs_core.idempotency_keys": "answers to requests, kept for a day; what the requests wrote is audited",
    "nfcs_core.summary_refreshes": "the age of summaries, which are computed from audited rows",
    "user_mgmt.api_key_uses": "each new row is an event api_key.used or api_key.refused",
    "user_mgmt.login_attempts": "counts of attempts to sign in; each refusal is an event signin.refused",
    "user_mgmt.rate_limits": "counts of requests, gone once they are whole again",
    "validation.metric_days": "made of audited rows; the move is an event samples.compacted, the delete an entry",
    "validation.metric_rollups": "computed from audited rows",
    "validation.metric_latest": "found in audited rows",
    "validation.metric_rollup_log": "what is to be computed from audited rows",
    "public.django_admin_log": "Django's own log of what the entries of the tables say",
    "public.django_content_type": "names of models, which follow the code",
    "public.django_migrations": "mirrored by schema_migrations, which is audited",
    "public.django_session": "keys of sessions are secrets; signing in and out are events",
    "public.procrastinate_events": "bookkeeping of the queue of jobs",
    "public.procrastinate_jobs": "bookkeeping of the queue of jobs",
    "public.procrastinate_periodic_defers": "bookkeeping of the queue of jobs",
    "public.procrastinate_workers": "bookkeeping of the queue of jobs",
}
"""By table of the catalogue."""

BY_STATEMENT = {
    "cognitive.consciousness_snapshots",
    "cognitive.memory_retrievals",
    "cognitive.memory_strengths",
    "constitutional.policy_monitor_states",
    "kuramoto.kuramoto_oscillators",
    "kuramoto.synchronization_events",
    "kuramoto.synchronization_states",
    "nfcs_core.nfcs_fields",
    "nfcs_core.quantum_neuron_history",
    "nfcs_core.reality_edges",
    "nfcs_core.reality_nodes",
    "validation.alert_memories",
    "validation.metric_samples",
    "validation.metric_series",
}
"""Telemetry and what changes with every batch: one entry a statement, with row count and digest."""
