"""The project's password hasher at the least cost."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class CheapArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2 that a suite can afford."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
