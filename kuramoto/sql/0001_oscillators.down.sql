DROP FUNCTION kuramoto.order_parameter_v1(double precision[]);
DROP FUNCTION kuramoto.oscillator_states(kuramoto.kuramoto_oscillators);
DROP TABLE kuramoto.kuramoto_oscillators;
DROP FUNCTION kuramoto.guard_oscillator_count_v1();
