"""Identifiers at the scanner's wire and at HQ: what every kind of code means, and what is refused with a reason."""

import json
import os
import re
import shutil
import subprocess

import pytest
from box import Box, with_check_digit
from rig import until
from store import Scanner, Till, lane, post, up

pytestmark = [pytest.mark.xdist_group("identifiers"), pytest.mark.takes(25)]

GS = b"\x1d"
PAN = "4111111111111111"
GSRN = with_check_digit("95011015300000123")
GTIN = with_check_digit("0950110153000")
OWN = ('wallet "pass" { prefix = "LWM:"  length = 14  check = "luhn" }\n'
       'wallet "umlaut" { prefix = "Bücher:"  length = 14 }\n'
       'wallet "turning" { prefix = "LWR:"  rotating = true }\n'
       'account "firm" { prefix = "K"  length = 8 }\n'
       'gs1 { domains = {"id.laneway.example"}  prefixes = {"9501101"} }\n')


@pytest.fixture(scope="module")
def aim(make_rig_of_module):
    """A store whose scanners say what symbol they read."""
    rig = make_rig_of_module(customers=5, aim=True)
    with open(rig.work / "store.conf", "a", encoding="utf-8") as f:
        f.write(OWN)
    box = Box(rig)
    box.till = Till(rig, "T-aim", "1", "aim")
    box.till.kept("basket_opened", basket="OPEN")
    return box


def told(box, data, scanner=None):
    """The event that a scan makes."""
    before = len(box.tail.find("Identifier Presented"))
    (scanner or box.scanner).scan(data)
    return until(lambda: box.tail.find("Identifier Presented")[before:], 10, f"the event of {data[:60]!r}")[0]["properties"]


def meant(p):
    return {"unknown": p["kind"], "refused": p.get("reason")}.get(p["outcome"], p["outcome"])


def a_good_card(box):
    """None that was scanned before: the same again within 0.7 s would be one scan."""
    box.numbers += 1
    return b"]C0" + with_check_digit(f"26{box.numbers:010d}").encode()


# --- an independent scanner ---

SYMBOLS = {  # zint's symbol, its input, what it means
    "EAN-13, a product": ("EANX", "4006381333931", "product"),
    "EAN-13, a card": ("EANX", with_check_digit("260000000042"), "loyalty"),
    "EAN-8": ("EANX", "96385074", "product"),
    "UPC-A": ("UPCA", "036000291452", "product"),
    "ITF-14": ("ITF14", "1400638133393", "product"),
    "Code 128, a card": ("CODE128", with_check_digit("260000000042"), "loyalty"),
    "Code 39, an account": ("CODE39", "K1234567", "account"),
    "Code 128, a payment card": ("CODE128", PAN, "refused_pan"),
    "GS1-128, customer and visit": ("GS1_128", f"[8018]{GSRN}[8019]5", "gsrn"),
    "GS1-128, provider": ("GS1_128", f"[8017]{GSRN}", "provider"),
    "GS1-128, an item": ("GS1_128", f"[01]{GTIN}[10]A1[21]S2", "product"),
    "GS1-128, a logistic unit": ("GS1_128", "[00]340123450000000000", "gs1_other"),
    "GS1-128, a payment card as serial number": ("GS1_128", f"[01]{GTIN}[21]{PAN}", "refused_pan"),
    "GS1 QR": ("QRCODE", f"[8018]{GSRN}", "gsrn"),
    "GS1 Data Matrix": ("DATAMATRIX", f"[8018]{GSRN}[8019]7", "gsrn"),
    "QR, own Digital Link": ("QRCODE", f"https://id.laneway.example/8018/{GSRN}", "gsrn"),
    "QR, another's link": ("QRCODE", f"https://evil.example/8018/{GSRN}", "link"),
    "QR, an item's link": ("QRCODE", f"https://brand.example/01/{GTIN}/21/x", "product"),
    "QR, wallet": ("QRCODE", "LWM:9012345675", "wallet"),
    "PDF417, wallet": ("PDF417", "LWM:9012345675", "wallet"),
    "Aztec, wallet": ("AZTEC", "LWM:9012345675", "wallet"),
    "QR, rotating": ("QRCODE", "LWR:482913", "rotating"),
    "QR, phone": ("QRCODE", "tel:+4917644218309", "phone"),
    "QR, nothing": ("QRCODE", "WIFI:S:net;;", "letters"),
}


def read_by_another(tmp_path, symbol, data):
    """What a scanner would send: zint draws, ZXing reads."""
    picture = tmp_path / "x.png"
    gs1 = ["--gs1"] if data.startswith("[") and symbol != "GS1_128" else []
    subprocess.run(["zint", "-b", symbol, *gs1, "--quietzones", "--scale=3", "-d", data, "-o", str(picture)],
                   check=True, capture_output=True)
    out = subprocess.run(["ZXingReader", "-escape", str(picture)], check=True, capture_output=True, text=True).stdout
    identifier = re.search(r"^Identifier: (\]..)", out, re.M).group(1)
    content = bytes.fromhex(re.search(r"^Bytes: +([0-9A-F ]+?) *$", out, re.M).group(1))
    if identifier == "]E0" and len(content) == 12:
        content = b"0" + content  # ZXing says UPC-A in 12 digits, a scanner in 13
    return identifier.encode() + content


@pytest.mark.parametrize("name", SYMBOLS)
def test_01_a_symbol_that_another_program_drew_and_read_means_what_it_should(aim, want, tmp_path, name):
    if not (shutil.which("zint") and shutil.which("ZXingReader")):
        want("zint and ZXingReader")
    symbol, data, meaning = SYMBOLS[name]
    sent = read_by_another(tmp_path, symbol, data)
    p = told(aim, sent)
    assert meant(p) == meaning, sent
    assert p["symbology"] == sent[:3].decode()


def test_02_a_wallet_code_is_the_same_in_latin_1_and_in_utf_8(aim):
    for data in ("]Q1Bücher:123456".encode("latin-1"), a_good_card(aim), "]Q1Bücher:123456".encode()):
        assert meant(told(aim, data)) == ("loyalty" if data.startswith(b"]C0") else "wallet")


# --- bad input ---

BAD = {
    "a bell and a new title": (b"]Q1\x1b]0;owned\x07", None),
    "a cleared screen": (b"]Q1\x1b[2J\x1b[H", None),
    "a zero byte": (b"]Q126000\x000000178", None),
    "SQL": (b"]Q1'; DROP TABLE profile; --", "letters"),
    "SQL in an address": (b"]Q1a' OR 1=1@example.de", "email_form"),
    "emoji": ("]Q1\U0001f600\U0001f680".encode(), "letters"),
    "emoji in an address": ("]Q1a\U0001f600@example.de".encode(), "email_form"),
    "a right-to-left mark": ("]Q1\u202e2600000000178".encode(), "letters"),
    "a right-to-left mark in a number": ("]Q1+49 176\u200f 12345678".encode(), "letters"),
    "letters in a card": (b"]C026000000001O8", "letters"),
    "a wrong digit": (b"]C02600000000179", "check_digit"),
    "HTML": (b"]Q1<script>alert(1)</script>", "letters"),
    "no UTF-8": (b"]Q1\xff\xfe\xfd\xfc", "letters"),
    "a separator in a card": (b"]C0" + GS + b"2600000000178", "gs1_form"),
    "an extension": (b"]Q1tel:+4917612345678;ext=12", "extension"),
    "500 digits": (b"]Q1" + b"9" * 500, "too_long"),
    "64 KiB": (b"]Q1" + b"9" * 65536, None),
    "nothing": (b"]Q1", None),
}


@pytest.mark.parametrize("name", BAD)
def test_10_what_is_no_identifier_is_refused_and_never_a_customer(aim, name):
    """Goal: a reason in the journal and on the screen; the next card is read."""
    data, reason = BAD[name]
    scans, refused = len(aim.tail.find("Identifier Presented")), len(aim.tail.find("Input Refused"))
    for at in range(0, len(data), 1024):
        os.write(aim.scanner.master, data[at:at + 1024])
    os.write(aim.scanner.master, b"\r")
    if reason is None:  # it never became a value: the scanner's own refusal
        until(lambda: len(aim.tail.find("Input Refused")) > refused, 10, "the refusal")
        assert len(aim.tail.find("Identifier Presented")) == scans
    else:
        p = until(lambda: aim.tail.find("Identifier Presented")[scans:], 10, "the event")[0]["properties"]
        assert (p["outcome"], p.get("reason")) == ("refused", reason)
        shown = lane(aim.rig)
        assert shown["person"]["state"] not in ("known", "refused_card")
        assert shown["notice"], "the screen says why"
        text = json.dumps(shown, ensure_ascii=False)
        assert not re.search(r"[\x00-\x1f\u200f\u202e]", text) and "DROP" not in text and "<script" not in text
    assert not aim.tail.find("Customer Attached")
    assert meant(told(aim, a_good_card(aim))) == "loyalty"


def test_11_a_till_hears_nothing_else_of_bad_values_and_kinds(aim):
    """Goal: kept and refused with the reason; a payment reference is not read at all."""
    for kind, value, reason in (("gsrn", "950110153000001234", "check_digit"), ("wallet", "LWR:1", "rotating"),
                                ("vat_id", "136695976", "vat_form"), ("phone", "0176 12345678 x5", "extension"),
                                ("email", "a@b@c.de", "email_form"), ("account", "K12", "unknown_scheme"),
                                ("loyalty", "\u202e26", "letters")):
        before = len(aim.tail.find("Identifier Presented"))
        aim.till.kept("customer_chosen", basket="OPEN", kind=kind, value=value)
        p = until(lambda: aim.tail.find("Identifier Presented")[before:], 10, "the event")[0]["properties"]
        assert (p["kind"], p["outcome"], p["reason"]) == (kind, "refused", reason)
    aim.till.kept("customer_chosen", basket="OPEN", kind="phone", value="33644218309")
    assert lane(aim.rig)["notice"] == "\U0001f1eb\U0001f1f7 FR number: Phone number not known"
    aim.till.wait("error", source_message_id=aim.till.send(
        "customer_chosen", basket="OPEN", kind="par", value="50015BJWZDR3GLZBPRVDO9T1NFTJL"))
    assert "50015BJWZDR3" not in json.dumps(aim.tail.lines) + aim.rig.log_of("daemon")
    assert not aim.tail.find("Customer Attached")


def test_11b_a_service_number_that_could_be_a_card_number_is_none(aim):
    """Goal: Danish company prefixes (57) lie in an issuer's range; the GS1 check digit in its place tells them apart."""
    before = aim.count("pan_refused")
    assert meant(told(aim, b"]C18018570000010000000076")) == "gsrn"
    scans = len(aim.tail.find("Identifier Presented"))
    aim.till.kept("customer_chosen", basket="OPEN", kind="gsrn", value="570000010000000076")
    assert until(lambda: aim.tail.find("Identifier Presented")[scans:], 10, "the event")[0]["properties"]["kind"] == "gsrn"
    aim.till.wait("error", code="card_number", source_message_id=aim.till.send(
        "customer_chosen", basket="OPEN", kind="loyalty", value="570000010000000076"))
    assert aim.count("pan_refused") == before + 1


def test_12_card_numbers_in_codes_are_nowhere(aim):
    """Goal: counted, and in no event, no answer and no log."""
    before = aim.count("pan_refused")
    codes = (b"]C121" + PAN.encode(), b"]Q1https://id.gs1.org/01/" + GTIN.encode() + b"/21/" + PAN.encode(),
             b"]Q1LWM:" + PAN.encode(), b"]Q1(01)" + GTIN.encode() + b"(21)" + PAN.encode())
    for code in codes:
        assert told(aim, code)["outcome"] == "refused_pan"
    assert aim.count("pan_refused") == before + len(codes)
    everything = json.dumps(aim.tail.lines) + json.dumps(lane(aim.rig)) + aim.rig.log_of("daemon")
    assert PAN not in everything
    kept = b"".join(f.read_bytes() for f in (aim.rig.work / "store").glob("journal.db*"))
    assert PAN.encode() not in kept


# --- HQ and store alike ---


def test_20_what_hq_imports_a_scanner_finds(make_rig):
    """Goal: one normal form at both ends, for every kind; a company is a customer of its own."""
    rig = make_rig(customers=5, aim=True)
    for conf in ("store.conf", "hq.conf"):
        with open(rig.work / conf, "a", encoding="utf-8") as f:
            f.write(OWN)
    rig.bring_up()
    (rig.work / "more.csv").write_text(
        "customer_id,first_name,name,gsrn,wallet,account,vat_id,phone\n"
        f"m1,Gerda,,(8018){GSRN},,,,\n"
        "m2,Walter,,,LWM:9012345675,,,\n"
        "m3,,Laden GmbH,,,k-123 4567,DE 136 695 976,\n"
        "m4,Berta,,,LWR:1234,,,\n"
        "m5,Both,,,,K7654321,,\n"
        "m6,Guest,,,,,,33644218309\n"
        "m7,Renée,,,,,,+33 6 44 21 83 09\n", encoding="utf-8")
    r = rig.tool("laneway-hq", "import", "-c", rig.work / "hq.conf", rig.work / "more.csv", check=False)
    said = r.stdout + r.stderr
    assert r.returncode == 1, said
    assert "line 5: wallet: A code that changes" in said and "line 6: a person and a company" in said
    assert "line 7: phone: another country's number without its country code" in said
    scanner, till = Scanner(rig), Till(rig)
    until(lambda: up(rig), 15, "the scanner")
    until(lambda: rig.status()["sync"]["profiles"] >= 9, 30, "the new customers in the store")
    till.kept("basket_opened", basket="B1")
    for code, name in ((f"]Q1https://id.laneway.example/8018/{GSRN}/8019/2", "Gerda"), ("]z0LWM:9012345675", "Walter")):
        till.kept("basket_opened", basket=f"B{name}")
        scanner.scan(code)
        until(lambda: lane(rig)["person"].get("first_name") == name, 10, f"{name} on the screen")
        till.kept("basket_voided", basket=f"B{name}")
    for kind, value in (("vat_id", "DE136695976"), ("account", "K1234567")):
        till.kept("basket_opened", basket=kind)
        till.kept("customer_chosen", basket=kind, kind=kind, value=value)
        until(lambda: lane(rig)["person"]["state"] == "known", 10, "the company on the screen")
        till.kept("basket_voided", basket=kind)
    till.kept("basket_opened", basket="guess")
    till.kept("customer_chosen", basket="guess", kind="phone", value="33644218309")
    asked = until(lambda: lane(rig)["question"], 10, "the question")
    assert asked["text"].startswith("\U0001f1eb\U0001f1f7 FR number: Ren")
    assert lane(rig)["person"]["state"] != "known"
    post(rig, "/api/v1/lanes/1/choose", {"question": asked["id"], "choice": "this"})
    until(lambda: lane(rig)["person"].get("first_name") == "Renée", 10, "the customer, by a tap")
