"""Normal forms once more, from the published rules and not from the program: check digits, GS1, links, wallets, VAT
numbers, addresses by `idn2`. Phone numbers are left to their library. Says a form, or None for "refused"."""

import re
import shutil
import subprocess
import unicodedata
from urllib.parse import unquote, urlsplit

GS = "\x1d"


def luhn(n):
    return sum(sum(divmod(int(d) * (1 + i % 2), 10)) for i, d in enumerate(reversed(n))) % 10 == 0


def ean(n):
    return sum(int(d) * (1 + 2 * (i % 2)) for i, d in enumerate(reversed(n))) % 10 == 0


def mod11(n):
    weights = [2, 3, 4, 5, 6, 7]
    return (int(n[-1]) + sum(int(d) * weights[i % 6] for i, d in enumerate(reversed(n[:-1])))) % 11 == 0


CHECKS = {"luhn": luhn, "ean": ean, "mod11": mod11}


def digits(s):
    return re.fullmatch("[0-9]+", s) is not None


def checked(scheme, n):
    check = CHECKS.get(scheme.get("check", "none"))
    return check is None or (digits(n) and check(n))


def number(schemes, value):
    nf = re.sub("[ -]", "", value)
    if not re.fullmatch("[0-9A-Za-z]+", nf):
        return None
    nf = nf.upper()
    fits = [s for s in schemes if nf.startswith(s["prefix"].upper()) and len(nf) == s["length"] and checked(s, nf)]
    return nf if fits else None


def wallet(schemes, value):
    value = value.strip(" ")
    for s in schemes:
        if s.get("rotating") and value.startswith(s["prefix"]) and s.get("length", len(value)) == len(value.encode()):
            return None
    for s in schemes:
        rest = value[len(s["prefix"]):]
        if not s.get("rotating") and value.startswith(s["prefix"]) and len(value.encode()) == s["length"] \
                and re.fullmatch("[A-Za-z0-9._~:/+=?&-]*", rest) \
                and checked(s, value if digits(s["prefix"]) else rest):
            return value
    return None


# --- GS1 ---

FIXED = {"00": 18, "01": 14, "02": 14, "03": 14, "04": 16, **{str(i): 6 for i in range(11, 20)}, "20": 2,
         **{str(i): 6 for i in range(31, 37)}, "41": 13}
AI_LENGTHS = {**dict.fromkeys("00 01 02 03 04 10 11 12 13 14 15 16 17 18 19 20 21 22 30 37".split(), 2),
              **dict.fromkeys("23 24 25 40 41 42 71".split(), 3), **dict.fromkeys(map(str, range(90, 100)), 2),
              **dict.fromkeys("31 32 33 34 35 36 39 43 70 72 80 81 82".split(), 4)}
KEYS = "00 01 253 255 401 402 414 415 417 8003 8004 8006 8010 8013 8017 8018".split()


def elements(text):
    """[(ai, value)], or None."""
    if re.match(r"\([0-9]{2,4}\)", text):
        parts = re.split(r"\(([0-9]{2,4})\)", text)[1:]
        return list(zip(parts[::2], parts[1::2]))
    found = []
    text = text.lstrip(GS)
    while text:
        n = AI_LENGTHS.get(text[:2])
        if n is None or len(text) < n or not digits(text[:n]):
            return None
        ai, rest = text[:n], text[n:].split(GS, 1)[0]
        value = rest[:FIXED[ai[:2]]] if ai[:2] in FIXED else rest
        found.append((ai, value))
        text = text[n + len(value):].lstrip(GS)
    return found


def right(ai, value):
    n = {"00": 18, "01": 14, "02": 14, "03": 14, "8017": 18, "8018": 18}.get(ai, 13 if ai[:2] == "41" else 0)
    if AI_LENGTHS.get(ai[:2]) != len(ai) or not re.fullmatch("[!-~]{1,90}", value):
        return False
    if ai[:2] in FIXED and len(value) != FIXED[ai[:2]]:
        return False
    return not n or (digits(value) and len(value) == n and ean(value))


def customer(found):
    if not found or len(found) > 64 or not all(right(*e) for e in found) or len(dict(found)) != len(set(found)):
        return None
    codes = dict(found)
    return codes.get("8018") if "8017" not in codes else None


def link(domains, uri):
    if not re.match("(https?|HTTPS?)://", uri) or len(uri) > 2048:
        return None
    parts = urlsplit(uri)
    host = re.sub(":[0-9]*$", "", parts.netloc).lower()
    if host not in [d.lower() for d in domains] + ["id.gs1.org"] or parts.path.count("/") > 40:
        return None
    if re.search("%(?![0-9A-Fa-f]{2})|%[01]|%7[Ff]|%[89A-Fa-f]", parts.path):
        return None
    path = [unquote(s) for s in parts.path.split("/")[1:]]
    i = len(path) - 2
    while i >= 0 and path[i] not in KEYS and digits(path[i]) and AI_LENGTHS.get(path[i][:2]) == len(path[i]):
        i -= 2
    if i < 0 or path[i] != "8018":
        return None
    found = list(zip(path[i::2], path[i + 1::2]))
    for part in filter(None, parts.query.split("&")):
        name, sep, value = part.partition("=")
        if digits(name) and sep:
            found.append((name, unquote(value)))
    return customer(found)


def gsrn(rules, text):
    text = text.strip(" \t\r\n\v\f")
    if digits(text) and len(text) == 18:
        return text if ean(text) else None
    if re.match("https?://", text, re.I):
        return link(rules.get("domains", []), text)
    # Without a symbol's word for it, it has to say itself that it is GS1's.
    own = re.match(r"\([0-9]{2,4}\)", text) or GS in text or (re.fullmatch("801[78][0-9]{18}", text) and ean(text[4:]))
    return customer(elements(text)) if own else None


# --- others ---

def par(value):
    # A whole run of 12 to 19 digits that passes Luhn is a card number, whoever gave it.
    return value if re.fullmatch("[A-Z0-9]{29}", value) and not any(
        12 <= len(r) <= 19 and luhn(r) for r in re.findall("[0-9]+", value)) else None


def mod97(s):
    return int("".join(str(int(c, 36)) for c in s)) % 97


def weigh(n, weights):
    return sum(int(d) * w for d, w in zip(n, weights))


def iso_11_10(n):
    p = 10
    for d in n[:-1]:
        p = 2 * (((p + int(d)) % 10) or 10) % 11
    return (p + int(n[-1])) % 10 == 1


def spain(n):
    letters, control = "TRWAGMYFPDXBNJZSQVHLCKE", "JABCDEFGHI"
    if n[0] in "0123456789XYZ":
        return n[-1] == letters[int(n[:-1].translate(str.maketrans("XYZ", "012"))) % 23]
    if n[0] in "KLM":
        return n[-1] == letters[int(n[1:8]) % 23]
    c = -sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(n[1:8])) % 10
    return n[0] in "ABCDEFGHJNPQRSUVW" and n[-1] in (str(c), control[c])


def always(_):
    return True


VAT = {
    "AT": (r"U\d{8}", lambda n: (10 - (sum(sum(divmod(int(d) * (1 + i % 2), 10)) for i, d in enumerate(n[1:8])) + 4) % 10) % 10
           == int(n[8])),
    "BE": (r"[01]\d{9}", lambda n: 97 - int(n[:8]) % 97 == int(n[8:])), "BG": (r"\d{9,10}", always),
    "CHE": (r"\d{9}(MWST|TVA|IVA)?", always), "CY": (r"\d{8}[A-Z]", always), "CZ": (r"\d{8,10}", always),
    "DE": (r"\d{9}", iso_11_10), "DK": (r"[1-9]\d{7}", lambda n: weigh(n, (2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0),
    "EE": (r"\d{9}", always), "EL": (r"\d{9}", lambda n: sum(int(d) << (8 - i) for i, d in enumerate(n[:8])) % 11 % 10 == int(n[8])),
    "ES": (r"\d{8}[A-Z]|[A-Z]\d{7}[0-9A-Z]", spain), "FI": (r"\d{8}", lambda n: weigh(n, (7, 9, 10, 5, 8, 4, 2, 1)) % 11 == 0),
    "FR": (r"[0-9A-HJ-NP-Z]{2}\d{9}", lambda n: not digits(n) or int(n[2:] + "12") % 97 == int(n[:2])),
    "GB": (r"(\d{9})(\d{3})?|GD\d{3}|HA\d{3}", lambda n: n[0] in "GH" or (weigh(n, range(8, 1, -1)) + int(n[7:9])) % 97 in (0, 42)),
    "HR": (r"\d{11}", iso_11_10), "HU": (r"\d{8}", always), "IE": (r"\d{7}[A-Z]{1,2}|\d[0-9A-Z]\d{5}[A-Z]", always),
    "IT": (r"\d{11}", luhn), "LT": (r"\d{9}|\d{12}", always), "LU": (r"\d{8}", lambda n: int(n[:6]) % 89 == int(n[6:])),
    "LV": (r"\d{11}", always), "MT": (r"\d{8}", always),
    "NL": (r"\d{9}B\d{2}", lambda n: weigh(n, range(9, 1, -1)) % 11 == int(n[8]) or mod97("NL" + n) == 1),
    "NO": (r"\d{9}(MVA)?", always), "PL": (r"\d{10}", lambda n: weigh(n, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(n[9])),
    "PT": (r"\d{9}", lambda n: (lambda c: 0 if c > 9 else c)(11 - weigh(n, range(9, 1, -1)) % 11) == int(n[8])),
    "RO": (r"\d{2,10}", always), "SE": (r"\d{12}", lambda n: luhn(n[:10]) and n[10:] != "00"), "SI": (r"\d{8}", always),
    "SK": (r"\d{10}", always), "XI": (r"\d{9}(\d{3})?", lambda n: (weigh(n, range(8, 1, -1)) + int(n[7:9])) % 97 in (0, 42)),
}


def vat(value):
    nf = re.sub("[ ./-]", "", value)
    if not re.fullmatch("[0-9A-Za-z]+", nf):
        return None
    nf = re.sub("^GR", "EL", nf.upper())
    for country, (form, check) in VAT.items():
        n = nf[len(country):]
        if nf.startswith(country) and re.fullmatch(form, n, re.A) and check(n):
            return re.sub("(MWST|TVA|IVA|MVA)$", "", nf) if country in ("CHE", "NO") else nf
    return None


WHITE = " \t\n\r\v\f\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200c)))


def email(value):
    """The domain as `idn2` has it."""
    local, at, domain = value.strip(WHITE).partition("@")
    local = unicodedata.normalize("NFC", local.lower())
    if not at or len(local.encode()) > 64 or not re.fullmatch(r'[^\s"(),:;<>@\[\\\]\x00-\x1f\x7f.]+(\.[^\s"(),:;<>@\[\\\]\x00-\x1f\x7f.]+)*', local):
        return None
    if any(ord(c) > 127 and unicodedata.category(c)[0] not in "LMN" or 0xfe00 <= ord(c) < 0xfe10 for c in local):
        return None
    if re.search(r"[\s\x00-\x1f]", domain) or not domain or re.search(r"(^|\.)(?!xn)..--", domain, re.I):
        return None  # IDNA 2008: hyphens in the third and fourth place are for xn-- alone
    r = subprocess.run(["idn2", "--quiet", "--no-tr46", "--", domain] if domain.isascii() and "xn--" not in domain.lower()
                       else ["idn2", "--quiet", "--", domain], capture_output=True, text=True)
    name = r.stdout.strip().lower()
    label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    if r.returncode or len(name) > 253 or not re.fullmatch(rf"({label}\.)+(?![0-9]+$){label}", name):
        return None
    return f"{local}@{name}"


def form(rules, kind, value):
    """rules: as in the vectors. NotImplemented: not modelled."""
    if kind == "loyalty":
        return number(rules["loyalty"], value)
    if kind == "account":
        return number(rules["account"], value)
    if kind == "wallet":
        return wallet(rules["wallet"], value)
    if kind == "gsrn":
        return gsrn(rules, value)
    if kind == "par":
        return par(value)
    if kind == "vat_id":
        return vat(value)
    if kind == "email" and shutil.which("idn2"):
        return email(value)
    return NotImplemented
