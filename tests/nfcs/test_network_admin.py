"""Networks in the admin: imported, drawn as they stand, ended."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.choices import Role
from core.exceptions import InvalidInput
from core.models import RealityNetwork
from core.selectors import coupling_matrix
from core.services.networks import describe_network
from kuramoto.services import record_oscillators
from kuramoto.theory import critical_coupling_network
from nfcs.dashboard.network_admin import count_degrees, find_frequency_spread
from tests.factories.accounts import AdminFactory, UserFactory
from tests.factories.core import RunFactory, make_network
from tests.factories.kuramoto import make_batch

pytestmark = pytest.mark.django_db

NETWORKS = reverse("admin:core_realitynetwork_changelist")
IMPORT = reverse("admin:core_realitynetwork_import")


@pytest.fixture
def site() -> Client:
    cache.clear()
    client = Client()
    client.force_login(AdminFactory())
    return client


def read(response: Any) -> str:
    """The page, which carries nothing the content policy forbids."""
    assert response.status_code == 200
    page = str(response.content.decode())
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\bsrc=)", page)
    return page


def upload(site: Client, body: bytes, file: str = "graph.csv", **fields: str) -> Any:
    return site.post(IMPORT, {"file": SimpleUploadedFile(file, body), "name": "uploaded"} | fields)


def page_of(network: RealityNetwork) -> str:
    return reverse("admin:core_realitynetwork_change", args=[network.pk])


def act(site: Client, action: str, *networks: RealityNetwork) -> Any:
    chosen = {"action": action, "_selected_action": [network.pk for network in networks]}
    return site.post(NETWORKS, chosen, follow=True)


def test_a_graph_is_imported(site: Client) -> None:
    assert IMPORT in read(site.get(NETWORKS))
    assert "Import a graph" in read(site.get(IMPORT))
    response = upload(site, b"a,b\nb,c\n", licence="CC0-1.0", directed="directed")
    network = RealityNetwork.objects.get(name="uploaded")
    assert response.headers["Location"] == page_of(network)
    assert (network.n_nodes, network.directed, network.licence) == (3, True, "CC0-1.0")
    assert "uploaded" in read(site.get(page_of(network)))


def test_what_is_wrong_with_a_file_is_shown_line_by_line(site: Client) -> None:
    page = read(upload(site, b"0,1,1\n1,2,nan\n<b>,1,1\n"))
    assert "lines.2.weight" in page
    assert "lines.3.src" in page
    assert "<b>" not in page
    assert not RealityNetwork.objects.exists()
    assert "stands for no format" in read(upload(site, b"0,1\n", file="graph.txt"))
    make_network("uploaded")
    assert "errornote" in read(upload(site, b"0,1\n"))


@pytest.mark.parametrize("format", ["graphml", "json"])
def test_a_graph_goes_out_and_comes_back(site: Client, format: str) -> None:
    network = make_network()
    address = reverse("admin:core_realitynetwork_export", args=[network.pk, format])
    assert address in read(site.get(page_of(network)))
    upload(site, site.get(address).content, file=f"graph.{format}", name="copy")
    assert RealityNetwork.objects.get(name="copy").graph_sha256 == network.graph_sha256
    assert site.get(reverse("admin:core_realitynetwork_export", args=[network.pk, "csv"])).status_code == 404


def test_an_idle_network_shows_degrees_and_where_it_would_synchronise(site: Client) -> None:
    call_command("loaddata", "biosemi64", verbosity=0)
    network = RealityNetwork.objects.get(name="biosemi64")
    page = read(site.get(page_of(network)))
    raw = critical_coupling_network(coupling_matrix(network), 1 / np.sqrt(2 * np.pi))
    assert f"K = {raw:.4g} rad/s" in page
    assert "K = 0.2204 rad/s" in page
    assert "Degree distribution" in page
    assert "no recent oscillator state" in page
    degrees = count_degrees(network)
    assert (degrees.sum(), degrees.min(), degrees.max()) == (422, 3, 8)


def test_a_network_wears_the_phases_of_what_runs_on_it(site: Client) -> None:
    network = make_network(n=4)
    run = RunFactory(network=network, n_oscillators=4, natural_frequencies=[-1.0, 1.0, -1.0, 1.0])
    start = timezone.now() - timedelta(seconds=10)
    record_oscillators(run=run, batch=make_batch([0.5, 0.6], start=start, n=4), defect=np.full(2, np.nan))
    page = read(site.get(page_of(network)))
    assert "coloured by phase" in page
    assert "1 ongoing" in page
    assert find_frequency_spread(network) == (1.0, f"run {run.pk}'s")
    assert "coloured by phase" not in read(site.get(page_of(make_network())))


def test_networks_rest_and_return(site: Client) -> None:
    network, ended = make_network(), make_network()
    assert "networks are dormant" in read(act(site, "put_to_rest", network))
    network.refresh_from_db()
    assert network.status == "dormant"
    describe_network(network=ended, status="collapsed")
    assert "No status was changed" in read(act(site, "activate", network, ended))
    network.refresh_from_db()
    assert network.status == "dormant"


def test_networks_collapse_after_a_question(site: Client) -> None:
    network = make_network()
    page = act(site, "collapse", network)
    assert "stays collapsed" in read(page)
    network.refresh_from_db()
    assert network.status == "active"
    read(site.post(page.redirect_chain[-1][0], follow=True))
    network.refresh_from_db()
    assert network.status == "collapsed"


def test_networks_merge_into_one_that_lives(site: Client) -> None:
    network, target, gone = make_network(), make_network(), make_network()
    describe_network(network=gone, status="collapsed")
    page = act(site, "merge", network)
    address = page.redirect_chain[-1][0]
    assert f'<option value="{network.pk}"' not in read(page)
    assert f'<option value="{gone.pk}"' not in read(page)
    assert "errors" in read(site.post(address, {"target": ""}))
    read(site.post(address, {"target": target.pk}, follow=True))
    network.refresh_from_db()
    assert (network.status, network.target) == ("merged", target)
    assert site.get(f"{reverse('admin:core_realitynetwork_merge')}?networks=x").status_code == 404


def test_a_merger_has_a_target_that_lives_and_is_another() -> None:
    network, gone = make_network(), make_network()
    describe_network(network=gone, status="collapsed")
    for target in (network, gone):
        with pytest.raises(InvalidInput) as caught:
            describe_network(network=network, status="merged", target=target)
        assert [error.field for error in caught.value.errors] == ["target"]


def test_the_status_of_all_networks_is_listed(site: Client) -> None:
    network = make_network()
    page = read(site.get(reverse("admin:kuramoto_realitystatus_changelist")))
    assert network.name in page
    assert "coherence across layers" in page.lower()


def test_an_operator_ends_networks_but_does_not_import() -> None:
    call_command("loaddata", "roles", verbosity=0)
    client = Client()
    client.force_login(UserFactory(role=Role.OPERATOR))
    assert IMPORT not in read(client.get(NETWORKS))
    assert client.get(IMPORT).status_code == 403
    read(client.get(f"{reverse('admin:core_realitynetwork_collapse')}?networks={make_network().pk}"))
