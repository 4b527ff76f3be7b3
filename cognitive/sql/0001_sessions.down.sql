DROP TRIGGER cognitive_sessions_guard ON cognitive.cognitive_sessions;
DROP FUNCTION cognitive.guard_session_v1();
ALTER TABLE cognitive.cognitive_sessions
    DROP CONSTRAINT cognitive_sessions_metrics_ck,
    DROP CONSTRAINT cognitive_sessions_data_ck;
DROP FUNCTION cognitive.is_performance_v1(jsonb);
