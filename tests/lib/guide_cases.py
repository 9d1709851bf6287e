# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cases of test-guide.py, of either tier: a scene of a guide, played by one side, is a case."""

import contextlib
import re

import guide
import harness
from harness import check
from running_verbs import libvirtd

def words_of_state():
    """Nothing is so much masked that another state, number or name would pass: of every answer expected, each line is wrong
    once one of its words is another."""
    changed = 0
    for name, scenes in guide.guides().items():
        for step in (step for scene in scenes for step in scene.steps):
            for i, line in enumerate(step.expected()):
                answered = re.sub(r"\{(\w+)\}", lambda mask: SAMPLES[mask[1]], line)
                lines = [re.sub(r"\{(\w+)\}", lambda mask: SAMPLES[mask[1]], other) for other in step.expected()]
                check(not guide.difference(step.expected(), guide.plain("\n".join(lines)), step.unordered), f"{name}: line {step.line}: {line!r}")
                for word in re.findall(r"[A-Za-z]{3,}", re.sub(r"\{\w+\}", "", line)):
                    wrong = [*lines[:i], answered.replace(word, word[::-1] + "x"), *lines[i + 1 :]]
                    check(guide.difference(step.expected(), guide.plain("\n".join(wrong)), step.unordered),
                          f"{name}: line {step.line}: {word!r} may be anything")
                    changed += 1
    check(changed > 100, f"{changed} words changed")
    print(f"    {changed} words changed")
    steps = [(scene, step) for scenes in guide.guides().values() for scene in scenes for step in scene.printed()]
    print(f"    {len(steps)} commands: {sum(bool(step.left_out) for _, step in steps)} left out, "
          f"{sum(scene.host for scene, _ in steps)} in the host tier, "
          f"{sum(bool(guide.refusal(step.expected())) for _, step in steps)} not yet supported, "
          f"{sum(bool(step.differs) for _, step in steps)} that virsh answers otherwise, {sum(bool(step.pending) for _, step in steps)} to come")


SAMPLES = {"id": "7", "uuid": "11111111-2222-4333-8444-555555555555", "time": "6.8s", "nic": "vnet0", "pty": "/dev/pts/1",
           "cpus": "0-3,5", "count": "0"}


def main(*, host, controllers=()):
    with contextlib.ExitStack() as stack:
        daemon = []

        def play(scene, side):
            # One libvirtd for all, from when it is needed first.
            if side.name == "virsh" and not daemon:
                daemon.append(stack.enter_context(libvirtd(controllers, "/run/libvirt")))
            guide.play(scene, side)

        harness.add_case("every_word_counts", words_of_state)
        for title, scene, side in plays(host):
            harness.add_case(title, lambda scene=scene, side=side: play(scene, side), timeout=300)
        harness.main()


def plays(host):
    """Yields (title, scene, side). A scene that another guide has word for word is not asked once more, but of vmunit by the
    name virsh."""
    known = set()
    for name, scenes in guide.guides().items():
        for scene in scenes:
            if scene.host != host:
                continue
            text = scene.text()
            for side in map(guide.Side, ("link",) if text in known else ("vmunit", "virsh")):
                if not any(side.is_asked(step) for step in scene.printed()):
                    continue
                yield f"{side.name}:{name}_{scene.where}_{scene.title}".replace(" ", "_"), scene, side
            known.add(text)
