"""Ha and its scales, against the figures that define them."""

import numpy as np
import pytest

from core import hallucination
from core.hallucination import hallucination_number


class TestComponents:
    def test_defect(self):
        assert hallucination.defect_component([0.0, 0.0018, 0.0036, 1.0]).tolist() == [0.0, 0.5, 1.0, 1.0]
        assert hallucination.defect_component(0.01, reference=0.04) == 0.25
        assert np.isnan(hallucination.defect_component(np.nan))

    def test_forecast(self):
        assert hallucination.forecast_component([0.5, 4.0, 0.0], 2.0).tolist() == [0.25, 1.0, 0.0]
        assert np.isnan(hallucination.forecast_component([1.0, 0.0, np.nan, 1.0], [0.0, 0.0, 1.0, np.nan])).all()

    def test_drift(self):
        reference = [3.0, 0.0]
        assert hallucination.drift_component([5.0, 0.0], reference) == 0.0
        assert hallucination.drift_component([0.0, 1.0], reference) == 0.5
        assert hallucination.drift_component([-1.0, 0.0], reference) == 1.0
        assert np.isnan(hallucination.drift_component([0.0, 0.0], reference))
        assert np.isnan(hallucination.drift_component(reference, [0.0, 0.0]))

    def test_drift_keeps_its_range_and_survives_extreme_norms(self):
        vectors = np.random.default_rng(5).normal(size=(500, 768))
        assert hallucination.drift_component(vectors, vectors).min() >= 0.0
        assert hallucination.drift_component(vectors, -3 * vectors).max() <= 1.0
        assert hallucination.drift_component([1e300, 1e300], [1e-300, 0.0]) == pytest.approx((1 - 0.5**0.5) / 2)

    @pytest.mark.parametrize("bad", [-1.0, np.inf])
    def test_impossible_input_is_named(self, bad):
        with pytest.raises(ValueError, match="density"):
            hallucination.defect_component(bad)
        with pytest.raises(ValueError, match="reference"):
            hallucination.defect_component(0.1, reference=bad)
        with pytest.raises(ValueError, match="mean_square_error"):
            hallucination.forecast_component(bad, 1.0)
        with pytest.raises(ValueError, match="variance"):
            hallucination.forecast_component(1.0, bad)
        with pytest.raises(ValueError, match="embedding"):
            hallucination.drift_component([np.inf, bad], [1.0, 1.0])


class TestHallucinationNumber:
    def test_default_weights(self):
        ha, missing = hallucination_number([1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0])
        assert ha == pytest.approx([5.0, 3.0, 2.0, 10.0])
        assert missing.shape == (4, 3)
        assert not missing.any()

    def test_scalars_and_broadcast(self):
        assert hallucination_number(0.2, 0.4, 0.6, (0.2, 0.3, 0.5)).ha == pytest.approx(4.6)
        assert hallucination_number(np.zeros((2, 1)), np.zeros(3), 1.0).ha.shape == (2, 3)

    def test_missing_components_add_nothing_and_are_flagged(self):
        ha, missing = hallucination_number([1.0, np.nan, np.nan], [np.nan, 1.0, np.nan], np.nan)
        assert ha[:2] == pytest.approx([5.0, 3.0])
        assert np.isnan(ha[2])
        assert missing.tolist() == [[False, True, True], [True, False, True], [True, True, True]]

    def test_stays_in_range_for_weights_that_round(self):
        assert hallucination_number(1.0, 1.0, 1.0, (0.7, 0.2, 0.1 + 1e-10)).ha == 10.0

    @pytest.mark.parametrize(
        ("components", "named"),
        [((1.1, 0, 0), "defect"), ((0, -0.1, 0), "forecast"), ((0, 0, np.inf), "drift")],
    )
    def test_component_outside_its_range_is_named(self, components, named):
        with pytest.raises(ValueError, match=named):
            hallucination_number(*components)

    @pytest.mark.parametrize("weights", [(0.5, 0.5), (0.5, 0.3, 0.3), (1.5, -0.3, -0.2), (np.nan, 0.5, 0.5)])
    def test_bad_weights_are_refused(self, weights):
        with pytest.raises(ValueError, match="weights"):
            hallucination_number(0.0, 0.0, 0.0, weights)


class TestScales:
    def test_reconciles_the_two_families_of_thresholds(self):
        assert hallucination.bounded_hallucination([0, 1, 2, 4, 7]) == pytest.approx(
            [0, 0.632, 0.865, 0.982, 0.999], abs=5e-4
        )
        assert hallucination.unbounded_hallucination([0.6, 0.8, 0.85, 0.95]) == pytest.approx(
            [0.916, 1.609, 1.897, 2.996], abs=5e-4
        )

    def test_are_inverse(self):
        ha = np.linspace(0, 10, 101)
        h = hallucination.bounded_hallucination(ha)
        np.testing.assert_allclose(hallucination.unbounded_hallucination(h), ha, atol=1e-10)
        with pytest.raises(ValueError, match=r"^h:"):
            hallucination.unbounded_hallucination(1.0)

    def test_severity_passes_through_its_points(self):
        scores = hallucination.severity_score([0, 0.5, 1, 2, 3, 4, 7, 10])
        assert scores.tolist() == [0, 0.125, 0.25, 0.5, 0.625, 0.75, 1, 1]
        assert np.isnan(hallucination.severity_score(np.nan))
        with pytest.raises(ValueError, match="ha"):
            hallucination.severity_score(-1)

    @pytest.mark.parametrize(
        ("ha", "violation", "threat", "alarm"),
        [
            (0.0, "minor", "minimal", "normal"),
            (0.5, "minor", "low", "normal"),
            (1.0, "minor", "moderate", "warning"),
            (1.99, "minor", "moderate", "warning"),
            (2.0, "moderate", "high", "critical"),
            (4.0, "major", "critical", "emergency"),
            (6.99, "major", "critical", "emergency"),
            (7.0, "critical", "extreme", "failure"),
            (10.0, "critical", "extreme", "failure"),
        ],
    )
    def test_names(self, ha, violation, threat, alarm):
        assert hallucination.violation_type(float(hallucination.severity_score(ha))) == violation
        assert hallucination.threat_level(ha) == threat
        assert hallucination.alarm_level(ha) == alarm

    @pytest.mark.parametrize("bad", [np.nan, -0.1])
    def test_no_name_for_an_invalid_number(self, bad):
        for name in (hallucination.threat_level, hallucination.alarm_level, hallucination.violation_type):
            with pytest.raises(ValueError, match="expected"):
                name(bad)


class TestSystemicRisk:
    weights = (0.4, 0.1, 0.2, 0.3)

    def test_weighs_its_terms(self):
        assert hallucination.systemic_risk(0, 0, 1, 0, self.weights) == 0.0
        assert hallucination.systemic_risk(10, 1, 0, 1, self.weights) == pytest.approx(1.0)
        risks = hallucination.systemic_risk([5, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0.5, 1], [0, 0, 0, 1], self.weights)
        assert risks == pytest.approx([0.2, 0.1, 0.1, 0.3])
        assert np.isnan(hallucination.systemic_risk(np.nan, 0, 1, 0, self.weights))

    @pytest.mark.parametrize(
        ("terms", "named"),
        [
            ((11, 0, 1, 0), "ha"),
            ((0, 2, 1, 0), "defect"),
            ((0, 0, 1.1, 0), "order_parameter"),
            ((0, 0, 1, 2), "pressure"),
        ],
    )
    def test_term_outside_its_range_is_named(self, terms, named):
        with pytest.raises(ValueError, match=named):
            hallucination.systemic_risk(*terms, self.weights)

    def test_pressure_fades_with_age_and_saturates(self):
        assert hallucination.violation_pressure([], []) == 0.0
        assert hallucination.violation_pressure([0.5], [0.0]) == pytest.approx(1 - np.exp(-0.5))
        assert hallucination.violation_pressure([0.5], [600.0]) == pytest.approx(1 - np.exp(-0.5 / np.e))
        assert hallucination.violation_pressure([0.5, 0.5], [0.0, 0.0]) == pytest.approx(1 - np.exp(-1))
        assert hallucination.violation_pressure([1.0], [30.0], memory_s=30.0) == pytest.approx(1 - np.exp(-1 / np.e))
        with pytest.raises(ValueError, match="ages_s"):
            hallucination.violation_pressure([1.0], [-1.0])
        with pytest.raises(ValueError, match="memory_s"):
            hallucination.violation_pressure([1.0], [1.0], memory_s=0.0)
