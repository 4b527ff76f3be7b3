"""Neurons, their pairs, the transitions that are possible, and their history by week."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.math
import django.db.models.lookups
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_substrate"),
    ]

    operations = [
        RunSQLFile("core", "0005_weekly_partition"),
        migrations.CreateModel(
            name="QuantumNeuron",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_comment="When the row was made.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the row was made.",
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_comment="When the row last changed; kept by a trigger.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the row last changed; kept by a trigger.",
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        db_comment="What people call the neuron.",
                        help_text="What people call the neuron.",
                        max_length=200,
                    ),
                ),
                (
                    "neuron_type",
                    models.CharField(
                        choices=[
                            ("input", "Input"),
                            ("hidden", "Hidden"),
                            ("output", "Output"),
                            ("memory", "Memory"),
                            ("attention", "Attention"),
                            ("recurrent", "Recurrent"),
                        ],
                        db_comment="input, hidden, output, memory, attention or recurrent.",
                        default="hidden",
                        help_text="input, hidden, output, memory, attention or recurrent.",
                        max_length=20,
                    ),
                ),
                (
                    "layer_index",
                    models.IntegerField(
                        db_comment="Layer of the neuron in its network, from 0.",
                        default=0,
                        help_text="Layer of the neuron in its network, from 0.",
                    ),
                ),
                (
                    "bloch_x",
                    models.FloatField(
                        db_comment="Bloch vector, x component, -1 to 1.",
                        default=0.0,
                        editable=False,
                        help_text="Bloch vector, x component, -1 to 1.",
                    ),
                ),
                (
                    "bloch_y",
                    models.FloatField(
                        db_comment="Bloch vector, y component, -1 to 1.",
                        default=0.0,
                        editable=False,
                        help_text="Bloch vector, y component, -1 to 1.",
                    ),
                ),
                (
                    "bloch_z",
                    models.FloatField(
                        db_comment="Bloch vector, z component: 1 is level 0, -1 level 1.",
                        default=1.0,
                        editable=False,
                        help_text="Bloch vector, z component: 1 is level 0, -1 level 1.",
                    ),
                ),
                (
                    "coherence_l1",
                    models.GeneratedField(
                        db_comment="Coherence C = 2 |rho_01|, 0 to 1.",
                        db_persist=True,
                        expression=django.db.models.functions.comparison.Least(
                            models.Value(1.0),
                            django.db.models.functions.math.Sqrt(
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("bloch_x"), "*", models.F("bloch_x")
                                    ),
                                    "+",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("bloch_y"), "*", models.F("bloch_y")
                                    ),
                                )
                            ),
                        ),
                        help_text="Coherence C = 2 |rho_01|, 0 to 1.",
                        output_field=models.FloatField(),
                    ),
                ),
                (
                    "purity",
                    models.GeneratedField(
                        db_comment="Purity, the trace of rho squared, 1/2 to 1.",
                        db_persist=True,
                        expression=django.db.models.functions.comparison.Least(
                            models.Value(1.0),
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    models.Value(1.0),
                                    "+",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("bloch_x"), "*", models.F("bloch_x")
                                            ),
                                            "+",
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("bloch_y"), "*", models.F("bloch_y")
                                            ),
                                        ),
                                        "+",
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("bloch_z"), "*", models.F("bloch_z")
                                        ),
                                    ),
                                ),
                                "/",
                                models.Value(2.0),
                            ),
                        ),
                        help_text="Purity, the trace of rho squared, 1/2 to 1.",
                        output_field=models.FloatField(),
                    ),
                ),
                (
                    "phase_rad",
                    models.GeneratedField(
                        db_comment="Phase atan2(y, x), rad, in (-pi, pi]; 0 without coherence.",
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                django.db.models.lookups.LessThanOrEqual(
                                    django.db.models.functions.math.ATan2(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("bloch_y"), "+", models.Value(0.0)
                                        ),
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("bloch_x"), "+", models.Value(0.0)
                                        ),
                                    ),
                                    models.Value(-3.141592653589793),
                                ),
                                then=models.Value(3.141592653589793),
                            ),
                            default=django.db.models.functions.math.ATan2(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("bloch_y"), "+", models.Value(0.0)
                                ),
                                django.db.models.expressions.CombinedExpression(
                                    models.F("bloch_x"), "+", models.Value(0.0)
                                ),
                            ),
                        ),
                        help_text="Phase atan2(y, x), rad, in (-pi, pi]; 0 without coherence.",
                        output_field=models.FloatField(),
                    ),
                ),
                (
                    "p1",
                    models.GeneratedField(
                        db_comment="Probability of reading level 1, 0 to 1.",
                        db_persist=True,
                        expression=django.db.models.functions.comparison.Least(
                            models.Value(1.0),
                            django.db.models.functions.comparison.Greatest(
                                models.Value(0.0),
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.Value(1.0), "-", models.F("bloch_z")
                                    ),
                                    "/",
                                    models.Value(2.0),
                                ),
                            ),
                        ),
                        help_text="Probability of reading level 1, 0 to 1.",
                        output_field=models.FloatField(),
                    ),
                ),
                (
                    "sweep_bias",
                    models.FloatField(
                        db_comment="Bias V at which an open sweep stands, rad/s; null while none is open.",
                        editable=False,
                        help_text="Bias V at which an open sweep stands, rad/s; null while none is open.",
                        null=True,
                    ),
                ),
                (
                    "sweep_rate",
                    models.FloatField(
                        db_comment="Rate dV/dt of an open sweep, rad/s^2, not 0; null while none is open.",
                        editable=False,
                        help_text="Rate dV/dt of an open sweep, rad/s^2, not 0; null while none is open.",
                        null=True,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("collapsed", "Collapsed"),
                            ("tunneling", "Tunneling"),
                            ("entangled", "Entangled"),
                            ("superposition", "Superposition"),
                            ("coherent", "Coherent"),
                            ("decoherent", "Decoherent"),
                        ],
                        db_comment="What the numbers amount to, derived by a trigger; what a client writes here is ignored.",
                        default="collapsed",
                        editable=False,
                        help_text="What the numbers amount to, derived by a trigger; what a client writes here is ignored.",
                        max_length=20,
                    ),
                ),
                (
                    "omega",
                    models.FloatField(
                        db_comment="Frequency at which the phase advances, rad/s.",
                        default=0.0,
                        help_text="Frequency at which the phase advances, rad/s.",
                    ),
                ),
                (
                    "t1_s",
                    models.FloatField(
                        db_comment="Relaxation time T1 of the populations, s.",
                        help_text="Relaxation time T1 of the populations, s.",
                        verbose_name="T1",
                    ),
                ),
                (
                    "t2_s",
                    models.FloatField(
                        db_comment="Decay time T2 <= 2 T1 of the coherence, s.",
                        help_text="Decay time T2 <= 2 T1 of the coherence, s.",
                        verbose_name="T2",
                    ),
                ),
                (
                    "p_eq",
                    models.FloatField(
                        db_comment="p1 in equilibrium with the surroundings, 0 to 1.",
                        default=0.0,
                        help_text="p1 in equilibrium with the surroundings, 0 to 1.",
                    ),
                ),
                (
                    "delta",
                    models.FloatField(
                        db_comment="Tunnelling Delta between the levels, rad/s.",
                        default=0.0,
                        help_text="Tunnelling Delta between the levels, rad/s.",
                    ),
                ),
                (
                    "kappa",
                    models.FloatField(
                        db_comment="Bias V for each mV above rest, rad/s per mV.",
                        default=0.0,
                        help_text="Bias V for each mV above rest, rad/s per mV.",
                    ),
                ),
                (
                    "v_rest_mv",
                    models.FloatField(
                        db_comment="Resting potential, mV.", default=-70.0, help_text="Resting potential, mV."
                    ),
                ),
                (
                    "v_th_mv",
                    models.FloatField(
                        db_comment="Potential at which the membrane spikes, mV.",
                        default=-55.0,
                        help_text="Potential at which the membrane spikes, mV.",
                    ),
                ),
                (
                    "tau_m_ms",
                    models.FloatField(
                        db_comment="Time constant of the membrane, ms.",
                        default=20.0,
                        help_text="Time constant of the membrane, ms.",
                    ),
                ),
                (
                    "r_mohm",
                    models.FloatField(
                        db_comment="Membrane resistance, megaohm.",
                        default=1.0,
                        help_text="Membrane resistance, megaohm.",
                    ),
                ),
                (
                    "refractory_ms",
                    models.FloatField(
                        db_comment="Refractory period after a spike, ms.",
                        default=0.0,
                        help_text="Refractory period after a spike, ms.",
                    ),
                ),
                (
                    "v_mv",
                    models.FloatField(
                        db_comment="Membrane potential, mV.", default=-70.0, help_text="Membrane potential, mV."
                    ),
                ),
                (
                    "spike_rate_hz",
                    models.FloatField(db_comment="Spike rate, Hz.", default=0.0, help_text="Spike rate, Hz."),
                ),
                (
                    "measurement_count",
                    models.BigIntegerField(
                        db_comment="Measurements so far.", default=0, editable=False, help_text="Measurements so far."
                    ),
                ),
                (
                    "event_seq",
                    models.BigIntegerField(
                        db_comment="Number of the last event, from 1.",
                        default=1,
                        editable=False,
                        help_text="Number of the last event, from 1.",
                    ),
                ),
                (
                    "last_event",
                    models.CharField(
                        choices=[
                            ("prepare", "Prepare"),
                            ("gate", "Gate"),
                            ("gate2", "Gate of two"),
                            ("measure", "Measure"),
                            ("relax", "Relax"),
                            ("sweep_start", "Sweep Start"),
                            ("sweep_end", "Sweep End"),
                            ("disentangle", "Disentangle"),
                            ("calibrate", "Calibrate"),
                        ],
                        db_comment="The last event; who changes the state names it.",
                        editable=False,
                        help_text="The last event; who changes the state names it.",
                        max_length=20,
                    ),
                ),
                (
                    "last_event_at",
                    models.DateTimeField(db_comment="When it happened.", editable=False, help_text="When it happened."),
                ),
                (
                    "last_parameters",
                    models.JSONField(
                        db_comment="All that the event depended on, an object.",
                        default=dict,
                        editable=False,
                        help_text="All that the event depended on, an object.",
                    ),
                ),
                (
                    "last_outcome",
                    models.SmallIntegerField(
                        db_comment="What a measurement found, 0 or 1; null for any other event.",
                        editable=False,
                        help_text="What a measurement found, 0 or 1; null for any other event.",
                        null=True,
                    ),
                ),
                (
                    "last_partner",
                    models.ForeignKey(
                        db_comment="The other neuron of an event that changed both of a pair.",
                        editable=False,
                        help_text="The other neuron of an event that changed both of a pair.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core.quantumneuron",
                    ),
                ),
                (
                    "network",
                    models.ForeignKey(
                        blank=True,
                        db_comment="The graph it is part of.",
                        help_text="The graph it is part of.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="neurons",
                        to="core.realitynetwork",
                    ),
                ),
                (
                    "node",
                    models.ForeignKey(
                        blank=True,
                        db_comment="The vertex of that graph where it sits.",
                        help_text="The vertex of that graph where it sits.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="neurons",
                        to="core.realitynode",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        db_comment="The run whose clock its events follow; null for the wall clock.",
                        help_text="The run whose clock its events follow; null for the wall clock.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="neurons",
                        to="core.run",
                    ),
                ),
            ],
            options={
                "verbose_name": "neuron",
                "db_table": "quantum_neurons",
                "db_table_comment": "A two-level system (qubit) with its calibration and the membrane that may drive it, as they are now.",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Entanglement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "concurrence",
                    models.FloatField(
                        db_comment="Concurrence of the pair, 0 to 1.", help_text="Concurrence of the pair, 0 to 1."
                    ),
                ),
                (
                    "state_vector",
                    models.BinaryField(
                        db_comment="Amplitudes of 00, 01, 10, 11, neuron a first: four complex128, little-endian, 64 octets.",
                        help_text="Amplitudes of 00, 01, 10, 11, neuron a first: four complex128, little-endian, 64 octets.",
                    ),
                ),
                (
                    "since",
                    models.DateTimeField(db_comment="When they became a pair.", help_text="When they became a pair."),
                ),
                (
                    "neuron_a",
                    models.OneToOneField(
                        db_comment="The neuron with the lower id.",
                        help_text="The neuron with the lower id.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pair_as_a",
                        to="core.quantumneuron",
                    ),
                ),
                (
                    "neuron_b",
                    models.OneToOneField(
                        db_comment="The neuron with the higher id.",
                        help_text="The neuron with the higher id.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pair_as_b",
                        to="core.quantumneuron",
                    ),
                ),
            ],
            options={
                "db_table": "quantum_entanglements",
                "db_table_comment": "Two neurons in one pure state of two: there while both are labelled entangled, of every neuron at most one.",
                "ordering": ["-id"],
            },
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="quantum_neurons_name_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("neuron_type__in", ["input", "hidden", "output", "memory", "attention", "recurrent"])
                ),
                name="quantum_neurons_type_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(("layer_index__gte", 0)), name="quantum_neurons_layer_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(("node", None), ("network__isnull", False), _connector="OR"),
                name="quantum_neurons_node_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.expressions.CombinedExpression(
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("bloch_x"), "*", models.F("bloch_x")
                            ),
                            "+",
                            django.db.models.expressions.CombinedExpression(
                                models.F("bloch_y"), "*", models.F("bloch_y")
                            ),
                        ),
                        "+",
                        django.db.models.expressions.CombinedExpression(models.F("bloch_z"), "*", models.F("bloch_z")),
                    ),
                    models.Value(1.000000001),
                ),
                name="quantum_neurons_bloch_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("sweep_bias", None), ("sweep_rate", None)),
                    models.Q(
                        ("sweep_bias__isnull", False),
                        ("sweep_rate__isnull", False),
                        models.Q(("sweep_bias__gt", float("-inf")), ("sweep_bias__lt", float("inf"))),
                        models.Q(("sweep_rate__gt", float("-inf")), ("sweep_rate__lt", float("inf"))),
                        models.Q(("sweep_rate", 0), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="quantum_neurons_sweep_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "tunneling"), ("sweep_rate__isnull", False)),
                    models.Q(models.Q(("state", "tunneling"), _negated=True), ("sweep_rate", None)),
                    _connector="OR",
                ),
                name="quantum_neurons_tunneling_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["collapsed", "tunneling", "entangled", "superposition", "coherent", "decoherent"])
                ),
                name="quantum_neurons_state_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("omega__gt", float("-inf")), ("omega__lt", float("inf")))),
                name="quantum_neurons_omega_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(("t1_s__gt", 0), ("t1_s__lt", float("inf"))), name="quantum_neurons_t1_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("t2_s__gt", 0),
                    (
                        "t2_s__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("t1_s"), "*", models.Value(2.000000002)
                        ),
                    ),
                ),
                name="quantum_neurons_t2_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(("p_eq__gte", 0), ("p_eq__lte", 1)), name="quantum_neurons_p_eq_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(("delta__gte", 0), ("delta__lt", float("inf"))), name="quantum_neurons_delta_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("kappa__gt", float("-inf")), ("kappa__lt", float("inf")))),
                name="quantum_neurons_kappa_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("v_rest_mv__gt", float("-inf")),
                    ("v_th_mv__gt", models.F("v_rest_mv")),
                    ("v_th_mv__lt", float("inf")),
                ),
                name="quantum_neurons_threshold_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("v_mv__gt", float("-inf")), ("v_mv__lt", float("inf")))),
                name="quantum_neurons_v_mv_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(("tau_m_ms__gt", 0), ("tau_m_ms__lt", float("inf"))), name="quantum_neurons_tau_m_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(("r_mohm__gt", 0), ("r_mohm__lt", float("inf"))), name="quantum_neurons_r_mohm_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(("refractory_ms__gte", 0), ("refractory_ms__lt", float("inf"))),
                name="quantum_neurons_refractory_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(("spike_rate_hz__gte", 0), ("spike_rate_hz__lt", float("inf"))),
                name="quantum_neurons_spike_rate_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="quantumneuron",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("last_event", "measure"), ("last_outcome__in", [0, 1]), ("last_outcome__isnull", False)),
                    models.Q(models.Q(("last_event", "measure"), _negated=True), ("last_outcome", None)),
                    _connector="OR",
                ),
                name="quantum_neurons_outcome_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="entanglement",
            constraint=models.CheckConstraint(
                condition=models.Q(("neuron_a__lt", models.F("neuron_b"))), name="quantum_entanglements_order_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="entanglement",
            constraint=models.CheckConstraint(
                condition=models.Q(("concurrence__gte", 0), ("concurrence__lte", 1)),
                name="quantum_entanglements_concurrence_ck",
            ),
        ),
        RunSQLFile(
            "core",
            "0006_neurons",
            state_operations=[
                migrations.CreateModel(
                    name="StateTransition",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "from_state",
                            models.CharField(
                                choices=[
                                    ("collapsed", "Collapsed"),
                                    ("tunneling", "Tunneling"),
                                    ("entangled", "Entangled"),
                                    ("superposition", "Superposition"),
                                    ("coherent", "Coherent"),
                                    ("decoherent", "Decoherent"),
                                ],
                                db_comment="The state before.",
                                help_text="The state before.",
                                max_length=20,
                            ),
                        ),
                        (
                            "event",
                            models.CharField(
                                choices=[
                                    ("prepare", "Prepare"),
                                    ("gate", "Gate"),
                                    ("gate2", "Gate of two"),
                                    ("measure", "Measure"),
                                    ("relax", "Relax"),
                                    ("sweep_start", "Sweep Start"),
                                    ("sweep_end", "Sweep End"),
                                    ("disentangle", "Disentangle"),
                                    ("calibrate", "Calibrate"),
                                ],
                                db_comment="What happens.",
                                help_text="What happens.",
                                max_length=20,
                            ),
                        ),
                        (
                            "to_state",
                            models.CharField(
                                choices=[
                                    ("collapsed", "Collapsed"),
                                    ("tunneling", "Tunneling"),
                                    ("entangled", "Entangled"),
                                    ("superposition", "Superposition"),
                                    ("coherent", "Coherent"),
                                    ("decoherent", "Decoherent"),
                                ],
                                db_comment="The state after.",
                                help_text="The state after.",
                                max_length=20,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "quantum_state_transitions",
                        "db_table_comment": "One step that a neuron may take: from this state, by this event, to that one. Filled by the migration.",
                        "ordering": ["id"],
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="NeuronEvent",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ts",
                            models.DateTimeField(
                                db_comment="When it happened, UTC; partition key, weekly.",
                                help_text="When it happened, UTC; partition key, weekly.",
                            ),
                        ),
                        (
                            "seq",
                            models.BigIntegerField(
                                db_comment="Number of the event among those of its neuron, from 1 without a gap.",
                                help_text="Number of the event among those of its neuron, from 1 without a gap.",
                            ),
                        ),
                        (
                            "event",
                            models.CharField(
                                choices=[
                                    ("prepare", "Prepare"),
                                    ("gate", "Gate"),
                                    ("gate2", "Gate of two"),
                                    ("measure", "Measure"),
                                    ("relax", "Relax"),
                                    ("sweep_start", "Sweep Start"),
                                    ("sweep_end", "Sweep End"),
                                    ("disentangle", "Disentangle"),
                                    ("calibrate", "Calibrate"),
                                ],
                                db_comment="What happened.",
                                help_text="What happened.",
                                max_length=20,
                            ),
                        ),
                        (
                            "from_state",
                            models.CharField(
                                choices=[
                                    ("collapsed", "Collapsed"),
                                    ("tunneling", "Tunneling"),
                                    ("entangled", "Entangled"),
                                    ("superposition", "Superposition"),
                                    ("coherent", "Coherent"),
                                    ("decoherent", "Decoherent"),
                                ],
                                db_comment="The state before.",
                                help_text="The state before.",
                                max_length=20,
                            ),
                        ),
                        (
                            "to_state",
                            models.CharField(
                                choices=[
                                    ("collapsed", "Collapsed"),
                                    ("tunneling", "Tunneling"),
                                    ("entangled", "Entangled"),
                                    ("superposition", "Superposition"),
                                    ("coherent", "Coherent"),
                                    ("decoherent", "Decoherent"),
                                ],
                                db_comment="The state after.",
                                help_text="The state after.",
                                max_length=20,
                            ),
                        ),
                        (
                            "actor_id",
                            models.IntegerField(
                                db_comment="The user who did it, where the connection said so.",
                                help_text="The user who did it, where the connection said so.",
                                null=True,
                            ),
                        ),
                        (
                            "database_role",
                            models.CharField(
                                db_comment="The database role that did it.",
                                help_text="The database role that did it.",
                                max_length=63,
                            ),
                        ),
                        (
                            "c_before",
                            models.FloatField(
                                db_comment="Coherence C before, 0 to 1.", help_text="Coherence C before, 0 to 1."
                            ),
                        ),
                        (
                            "c_after",
                            models.FloatField(
                                db_comment="Coherence C after, 0 to 1.", help_text="Coherence C after, 0 to 1."
                            ),
                        ),
                        (
                            "bloch_before",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.FloatField(),
                                db_comment="Bloch vector x, y, z before, -1 to 1.",
                                help_text="Bloch vector x, y, z before, -1 to 1.",
                                size=None,
                            ),
                        ),
                        (
                            "bloch_after",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.FloatField(),
                                db_comment="Bloch vector x, y, z after, -1 to 1.",
                                help_text="Bloch vector x, y, z after, -1 to 1.",
                                size=None,
                            ),
                        ),
                        (
                            "outcome",
                            models.SmallIntegerField(
                                db_comment="What a measurement found, 0 or 1.",
                                help_text="What a measurement found, 0 or 1.",
                                null=True,
                            ),
                        ),
                        (
                            "parameters",
                            models.JSONField(
                                db_comment="All that the event depended on, an object.",
                                help_text="All that the event depended on, an object.",
                            ),
                        ),
                        (
                            "neuron",
                            models.ForeignKey(
                                db_comment="The neuron.",
                                help_text="The neuron.",
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="events",
                                to="core.quantumneuron",
                            ),
                        ),
                        (
                            "partner",
                            models.ForeignKey(
                                db_comment="The other neuron of an event that changed both of a pair.",
                                db_index=False,
                                help_text="The other neuron of an event that changed both of a pair.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="core.quantumneuron",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "neuron event",
                        "db_table": "quantum_neuron_history",
                        "db_table_comment": "One event of a neuron with the numbers before and after, written by a trigger in the event's own transaction.",
                        "ordering": ["-ts", "-id"],
                    },
                ),
                migrations.AddIndex(
                    model_name="neuronevent",
                    index=models.Index(fields=["id"], name="quantum_neuron_history_id_idx"),
                ),
                migrations.AddIndex(
                    model_name="neuronevent",
                    index=models.Index(fields=["ts"], name="quantum_neuron_history_ts_idx"),
                ),
                migrations.AddIndex(
                    model_name="neuronevent",
                    index=django.contrib.postgres.indexes.BrinIndex(
                        fields=["ts"], name="quantum_neuron_history_ts_brin"
                    ),
                ),
                migrations.AddIndex(
                    model_name="neuronevent",
                    index=models.Index(
                        condition=models.Q(("partner__isnull", False)),
                        fields=["partner"],
                        name="quantum_neuron_history_pr_idx",
                    ),
                ),
                migrations.AddIndex(
                    model_name="neuronevent",
                    index=django.contrib.postgres.indexes.GinIndex(
                        fields=["parameters"], name="quantum_neuron_history_gin", opclasses=["jsonb_path_ops"]
                    ),
                ),
            ],
        ),
        RunSQLFile("core", "0006_neuron_guards"),
    ]
