"""Signing in to the admin: name, password and one-time code on one form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.utils import timezone

from accounts.exceptions import CodeNeeded, CodeRefused, SignInRefused, TooManyAttempts
from accounts.services.sign_in import check_credentials
from core.client_address import read_client_address
from core.db.identity import declare_actor


class SignInForm(AdminAuthenticationForm):
    """Name, password and, where there is a second factor, its one-time code."""

    code = forms.CharField(
        label="One-time code",
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
        help_text="If you have set up a second factor; a recovery code will do.",
    )

    def clean(self) -> dict[str, Any]:
        """The values, once they let somebody in.

        Raises:
            ValidationError: they do not, or there were too many attempts.
        """
        data: dict[str, Any] = self.cleaned_data
        if not data.get("username") or not data.get("password") or "code" not in data:
            return data
        try:
            user = check_credentials(
                username=data["username"],
                password=data["password"],
                code=data["code"],
                address=read_client_address(self.request) if self.request else None,
                now=timezone.now(),
                use="admin",
                may_enrol=True,
            )
        except SignInRefused as error:
            raise self.get_invalid_login_error() from error
        except (CodeNeeded, CodeRefused) as error:
            self.add_error("code", error.detail)
            # The name is kept, the password is not.
            self.fields["username"].widget.attrs.pop("autofocus", None)
            self.fields["password"].widget.attrs["autofocus"] = True
            return data
        except TooManyAttempts as error:
            raise forms.ValidationError(error.detail, error.code) from error
        self.confirm_login_allowed(user)
        user.backend = "accounts.backends.NamedUserBackend"
        # The rest of the request, which notes the sign-in, is on the user's behalf.
        declare_actor(user.pk)
        self.user_cache = user
        return data
