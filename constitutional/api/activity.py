"""What users did, for administrators' programs."""

from __future__ import annotations

from typing import ClassVar

import django_filters
from rest_framework import serializers

from accounts.choices import Role
from constitutional.models import UserActivity
from core.api.views import RecordViewSet


class UserActivitySerializer(serializers.ModelSerializer[UserActivity]):
    """One user."""

    class Meta:
        model = UserActivity
        fields = "__all__"


class UserActivityFilterSet(django_filters.FilterSet):
    """Users by role."""

    role = django_filters.ChoiceFilter(choices=Role.choices)

    class Meta:
        model = UserActivity
        fields: ClassVar[list[str]] = []


class UserActivityViewSet(RecordViewSet):
    """Users with sign-ins, runs, keys and reviews."""

    queryset = UserActivity.objects.all()
    serializer_class = UserActivitySerializer
    filterset_class = UserActivityFilterSet
