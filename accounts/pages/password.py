"""The form in the admin with which people change their own password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.utils import timezone

from accounts.exceptions import TooManyAttempts
from accounts.services.users import check_own_password
from core.exceptions import InvalidInput


class OwnPasswordForm(AdminPasswordChangeForm):
    """The password so far and the new one twice; a wrong one counts as an attempt to sign in."""

    def __init__(self, *args: Any, address: str | None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.address = address

    def clean_old_password(self) -> str:
        """The password so far.

        Raises:
            ValidationError: it is wrong, or there were too many attempts.
        """
        current: str = self.cleaned_data["old_password"]
        try:
            check_own_password(user=self.user, current=current, address=self.address, now=timezone.now())
        except TooManyAttempts as error:
            raise forms.ValidationError(error.detail, error.code) from error
        except InvalidInput as error:
            raise forms.ValidationError(self.error_messages["password_incorrect"], "password_incorrect") from error
        return current
