"""Slips of people who type: single edits, by the published kinds."""

import string

KEYS = ["qwertzuiop", "asdfghjkl", "yxcvbnm", "1234567890"]


def neighbour(rng, c):
    for row in KEYS:
        at = row.find(c.lower())
        if at >= 0:
            return row[max(0, min(len(row) - 1, at + rng.choice([-1, 1])))]
    return rng.choice(string.ascii_lowercase)


def insert(rng, s):
    at = rng.randrange(len(s) + 1)
    c = rng.choice(string.digits if s.isdigit() else string.ascii_lowercase)
    return s[:at] + c + s[at:]


def delete(rng, s):
    at = rng.randrange(len(s))
    return s[:at] + s[at + 1:] if len(s) > 1 else s


def substitute(rng, s):
    at = rng.randrange(len(s))
    c = rng.choice(string.digits) if s[at].isdigit() else neighbour(rng, s[at])
    return s[:at] + c + s[at + 1:]


def transpose(rng, s):
    if len(s) < 2:
        return s
    at = rng.randrange(len(s) - 1)
    return s[:at] + s[at + 1] + s[at] + s[at + 2:]


SOUNDS = [("ph", "f"), ("f", "ph"), ("ck", "k"), ("c", "k"), ("k", "c"), ("y", "i"), ("ie", "y"), ("ei", "ai"), ("tt", "t"), ("l", "ll"),
          ("n", "nn"), ("th", "t"), ("s", "z"), ("z", "s"), ("sch", "sh"), ("dt", "t"), ("mm", "m"), ("ae", "e"), ("oo", "u"), ("ee", "ea")]


def misspell(rng, s):
    fits = [(a, b) for a, b in SOUNDS if a in s[1:]]
    if not fits:
        return substitute(rng, s)
    a, b = rng.choice(fits)
    at = s.index(a, 1)
    return s[:at] + b + s[at + len(a):]


def swap_words(rng, s):
    words = s.split()
    if len(words) < 2:
        return s
    at = rng.randrange(len(words) - 1)
    words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)


def part_word(rng, s):
    if len(s) < 4:
        return s
    at = rng.randrange(1, len(s) - 1)
    return s[:at] + " " + s[at:]


def join_words(rng, s):
    return s.replace(" ", "", 1)


def typo(rng, s):
    """One slip, by how often each kind happens (Peterson 1986: delete, substitute, insert, exchange)."""
    return rng.choices([delete, substitute, insert, transpose], [32, 40, 19, 9])[0](rng, s) if s else s
