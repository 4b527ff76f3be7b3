"""Users."""

from __future__ import annotations

import factory

from accounts.choices import Role
from accounts.models import PartnerConfig, User


class UserFactory(factory.django.DjangoModelFactory):
    """A user with the role `user` and the password `password`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    password = factory.django.Password("password")
    role = Role.USER


class OperatorFactory(UserFactory):
    """Somebody who reviews violations."""

    role = Role.OPERATOR


class AdminFactory(UserFactory):
    """An administrator with every permission."""

    role = Role.ADMIN
    is_superuser = True


class PartnerFactory(factory.django.DjangoModelFactory):
    """A partner that is being set up."""

    class Meta:
        model = PartnerConfig

    partner = factory.Sequence(lambda n: f"partner {n}")
    owner = factory.SubFactory(AdminFactory)
