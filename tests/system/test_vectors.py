"""The vectors that store and HQ are held to say what the published rules say: a model of those, written apart, agrees."""

import json
from pathlib import Path

import identity_model as model
import pytest

pytestmark = pytest.mark.takes(5)
VECTORS = json.loads((Path(__file__).parents[1] / "data/identity_vectors.json").read_text())
RULES = {v["define"]: v for v in VECTORS if "define" in v}
NONE = {"loyalty": [], "wallet": [], "account": [], "domains": [], "gs1_prefixes": []}


def rules_of(v):
    return RULES[v["rules"]] if "rules" in v else {**NONE, "loyalty": [v["scheme"]] if "scheme" in v else []}


def differences(vectors, by):
    """Those whose form is another than the model's. What is too long or a card number is refused before any form."""
    return [(v["kind"], v["in"][:60], v["out"], got) for v in vectors
            if (got := by(v)) is not NotImplemented and v.get("reason") not in ("card_number", "too_long") and got != v["out"]]


def test_01_of_a_kind_that_is_given():
    vectors = [v for v in VECTORS if v.get("kind") not in (None, "none", "pan", "phone")]
    seen = [v for v in vectors if model.form(rules_of(v), v["kind"], v["in"]) is not NotImplemented]
    assert len(seen) > 250
    assert differences(vectors, lambda v: model.form(rules_of(v), v["kind"], v["in"])) == []


def test_02_of_gs1_symbols():
    vectors = [v for v in VECTORS if v.get("symbology") in ("]C1", "]e0", "]d2", "]Q3", "]J1", "]z1")]
    assert len(vectors) > 60
    assert differences(vectors, lambda v: model.customer(model.elements(v["in"]))) == []


def test_03_of_links():
    vectors = [v for v in VECTORS if v.get("kind") == "none" and v["in"].lower().startswith("http")
               and "pass.example.com" not in v["in"]]
    assert len(vectors) > 30
    assert differences(vectors, lambda v: model.link(rules_of(v)["domains"], v["in"])) == []


def test_04_what_is_found_is_found_by_its_kind_alone():
    """Goal: a value whose kind was found has the same form when its kind is given."""
    vectors = [v for v in VECTORS if v.get("kind") == "none" and v["out"] and v["found"] not in ("phone", "email")]
    assert len(vectors) > 50
    assert [v for v in vectors if model.form(rules_of(v), v["found"], v["out"]) != v["out"]] == []
