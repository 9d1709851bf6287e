# SPDX-License-Identifier: LGPL-2.1-or-later
"""Differences planted into a command line, to see whether the comparison finds them."""

import json
import re

import argv as argvs


def json_changes(text):
    """(key, text) with one value changed, and with one key less."""
    value = json.loads(text)
    for key in value:
        other = dict(value)
        old = value[key]
        if old is None or isinstance(old, (dict, list)):
            other[key] = {"planted": 1}
        else:
            other[key] = not old if isinstance(old, bool) else old + 1 if isinstance(old, int) else old + "x"
        yield key, json.dumps(other)
        yield f"without {key}", json.dumps({k: v for k, v in value.items() if k != key})


def pair_changes(text):
    parts = re.split(r"(?<!,),(?!,)", text)
    for i, part in enumerate(parts):
        key = part.partition("=")[0] if "=" in part else f"word {i}"
        yield key, ",".join(parts[:i] + [part + "x"] + parts[i + 1:])
        if len(parts) > 1:
            yield f"without {key}", ",".join(parts[:i] + parts[i + 1:])


def driver_of(text):
    found = re.search(r'"(?:driver|qom-type|type)": ?"([^"]+)"', text)
    return found[1] if found else re.split("[,=]", text)[0]


def changes(words):
    """(place, words): one thing differs in each, named by option, driver and property."""
    for i, word in enumerate(words):
        if not re.match(r"-[A-Za-z]", word):
            continue
        value = words[i + 1] if i + 1 < len(words) and not words[i + 1].startswith("-") else None
        if value is None:
            yield (word, "", "without it"), words[:i] + words[i + 1:]
            continue
        driver = driver_of(value) if word in argvs.PAIRS and word not in ("-name", "-smp", "-m") else ""
        yield (word, driver, "without it"), words[:i] + words[i + 2:]
        yield (word, driver, "twice"), words[:i] + words[i:i + 2] + words[i:]
        changed = json_changes(value) if value.startswith("{") else pair_changes(value)
        for key, text in changed:
            yield (word, driver, key), words[:i + 1] + [text] + words[i + 2:]
    yield from reordered(words)


def reordered(words):
    """Two neighbours of the options whose order counts, the other way round."""
    for i in range(len(words) - 3):
        if words[i] == words[i + 2] and words[i].lstrip("-") in argvs.ORDERED:
            yield (words[i], "", "order"), words[:i] + words[i + 2:i + 4] + words[i:i + 2] + words[i + 4:]


# What is wiring on purpose: no comparison would see it.
WIRED = [("-netdev", "fd"), ("-netdev", "fds"), ("-netdev", "vhost"), ("-chardev", "path"), ("-uuid", "word 0"),
         ("-object", "data"), ("-object", "iv"), ("-device", "vhostfd"),
         ("-object", "without it")]


def matters(place):
    option, driver, what = place
    if option == "-cpu" and driver == "EPYC" and what in ("without monitor", "without hypervisor", "without npt", "without vme"):
        return False
    return (option, what.removeprefix("without ")) not in WIRED and (option, what) not in WIRED
