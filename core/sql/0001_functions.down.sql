DROP FUNCTION nfcs_core.is_finite_v1(double precision[]);
DROP FUNCTION nfcs_core.current_actor_v1();
DROP FUNCTION nfcs_core.refuse_change_v1();
DROP FUNCTION nfcs_core.update_timestamp_v1();
