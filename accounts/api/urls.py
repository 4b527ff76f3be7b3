"""Addresses of the accounts API."""

from __future__ import annotations

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from accounts.api.keys import ApiKeyViewSet
from accounts.api.partners import PartnerViewSet
from accounts.api.sign_in import LogoutView, RefreshView, SessionsView, SessionView, TokenView
from accounts.api.users import MeView, UserViewSet

router = SimpleRouter()
router.register("api-keys", ApiKeyViewSet, basename="api-keys")
router.register("partners", PartnerViewSet, basename="partners")
router.register("users", UserViewSet, basename="users")

urlpatterns = [
    path("auth/token/", TokenView.as_view(), name="auth-token"),
    path("auth/refresh/", RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout/", LogoutView.as_view(), name="auth-logout"),
    path("auth/sessions/", SessionsView.as_view(), name="auth-sessions"),
    re_path(r"^auth/sessions/(?P<pk>[0-9]{1,18})/$", SessionView.as_view(), name="auth-session"),
    path("users/me/", MeView.as_view(), name="users-me"),
    path("", include(router.urls)),
]
