# SPDX-License-Identifier: LGPL-2.1-or-later
"""All of virsh's verbs and their options, as the helps of both tell: what vmunit leaves out stands here, with the reason."""

import re

from verb_rows import run

# More of them than any verb takes.
WORDS = [f"w{i}" for i in range(40)]

LEFT_OUT = {
    "destroy": {"--remove-logs": "logs are in the journal"},
    "qemu-monitor-command": {"--pass-fds": "not yet supported"},
}


def verbs(program):
    """{verb: what the list of all says of it}"""
    return dict(re.findall(r"^    (\S+) +(.*)$", run([*program, "help"])[0], re.M))


def options(program, verb):
    text = re.search(r"^  OPTIONS\n(.*)", run([*program, "help", verb])[0], re.M | re.S)
    return set(re.findall(r"^    (?:-\w \| )?(?:\[?(--[\w-]+)|<\S+>)", text.group(1), re.M)) if text else set()


def surplus(program, verb):
    """Which of many words, none of which is an option, is the first that nothing takes; None: there is none."""
    match = re.fullmatch(r"error: unexpected data '(w\d+)'", run([*program, verb, *WORDS])[1])
    return match and match[1]


def compare(program, virsh):
    """Yields each verb of virsh's, with what is wrong about it or None."""
    mine = verbs([program])
    theirs = verbs(virsh)
    yield "help", None if len(theirs) > 200 else f"virsh has {len(theirs)} verbs"
    for verb in theirs:
        if mine.get(verb, "").startswith(("not yet supported", "not supported: ")):
            yield verb, None
            continue
        missing = options(virsh, verb) - options([program], verb)
        known = set(LEFT_OUT.get(verb, ()))
        first, expected = surplus([program], verb), surplus(virsh, verb)
        yield verb, ("  vmunit does not know it" if verb not in mine else
                     f"  the first of many words that nothing takes is {first}, expected was {expected}" if expected and first != expected else
                     f"  without {sorted(missing)}, expected was without {sorted(known)}" if missing != known else None)
