DROP TRIGGER update_timestamp ON kuramoto.synchronization_states;
DROP TRIGGER synchronization_events_order ON kuramoto.synchronization_events;
DROP FUNCTION kuramoto.guard_event_order_v1();
DROP TRIGGER synchronization_events_append_only ON kuramoto.synchronization_events;
ALTER TABLE kuramoto.synchronization_events
    DROP CONSTRAINT synchronization_events_data_ck,
    DROP CONSTRAINT synchronization_events_actor_ck,
    DROP CONSTRAINT synchronization_events_reason_ck,
    DROP CONSTRAINT synchronization_events_times_ck,
    DROP CONSTRAINT synchronization_events_agrees_ck,
    DROP CONSTRAINT synchronization_events_thresholds_ck,
    DROP CONSTRAINT synchronization_events_levels_ck,
    DROP CONSTRAINT synchronization_events_cause_ck,
    DROP CONSTRAINT synchronization_events_type_ck;
