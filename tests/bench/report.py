#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What compare_sides.py has measured, for people: report.py FIGURES.json DIRECTORY writes table.md and plot.svg there, and prints the
table. Fails when vmunit is behind libvirt anywhere: that is a ratio, and does not depend on the machine; and when a side has no value
of a figure that others have. That a target in milliseconds is missed is said, and fails nothing."""

import json
import os
import statistics
import sys

MS, PERCENT, MIB, KIB, PLAIN = (1000, "ms"), (1, "%"), (1, "MiB"), (1, "KiB"), (1, "")
QEMU = "QEMU alone"


class Row:
    """A line of the table: what it says, its figure, the sides in it, and what it should be at most."""

    def __init__(self, title, figure, ours, theirs=None, alone=None, unit=MS, target=None, beyond=None, times=None):
        self.title, self.figure, self.sides = title, figure, {"vmunit": ours, "QEMU alone": alone, "libvirt": theirs}
        self.unit, self.target, self.beyond, self.times = unit, target, beyond, times


ROWS = [
    Row("`vmunit start`", "start", "vmunit start", "virsh start", QEMU, beyond=25, times=2),
    Row("`systemctl start`", "start", "systemctl start", "virsh start", QEMU, beyond=25, times=2),
    Row("CPU time of a start: QEMU", "start-cpu", "QEMU"),
    Row("that of the supervisor, with what systemd's child does before it", "start-cpu", "supervisor"),
    Row("that of the root steps, with what systemd's children do before them", "start-cpu", "root steps"),
    Row("that of systemd itself", "start-cpu", "systemd"),
    Row("that of `vmunit`", "start-cpu", "vmunit"),
    Row("that of dbus-daemon, journald, machined, logind", "start-cpu", "others"),
    Row("that of the monitor", "start-cpu", "monitor"),
    Row("CPU time of a `destroy`: the end of QEMU, supervisor, monitor, and the root step", "destroy-cpu", "ended"),
    Row("that of systemd itself", "destroy-cpu", "systemd"),
    Row("that of `vmunit`", "destroy-cpu", "vmunit"),
    Row("that of dbus-daemon, journald, machined, logind", "destroy-cpu", "others"),
    Row("CPU time of a `list --all`, 1 definition: `vmunit`", "list-1-cpu", "vmunit"),
    Row("that of a `vmunit` that has nothing to do", "list-1-cpu", "nothing"),
    Row("that of systemd itself", "list-1-cpu", "systemd"),
    Row("that of dbus-daemon", "list-1-cpu", "others"),
    Row("CPU time of a `list --all`, 100 definitions: `vmunit`", "list-100-cpu", "vmunit"),
    Row("that of systemd itself", "list-100-cpu", "systemd"),
    Row("that of dbus-daemon", "list-100-cpu", "others"),
    Row("`destroy`", "destroy", "vmunit destroy", "virsh destroy", QEMU, target=50),
    Row("stop, after the guest has turned itself off", "shutdown", "vmunit", "virsh", target=50),
    Row("20 starts at once", "parallel-20", "vmunit start", "virsh start", QEMU, times=2),
    Row("50 starts at once", "parallel-50", "vmunit start", "virsh start", QEMU, times=2),
    Row("`list --all`, 1 definition", "list-1", "vmunit", "virsh", target=5),
    Row("`list --all`, 100 definitions, 50 run", "list-100", "vmunit", "virsh", target=15),
    Row("`list --all`, 1,000 definitions, 50 run", "list-1000", "vmunit", "virsh", target=80),
    Row("`define`", "define", "vmunit", "virsh", target=10),
    Row("`undefine`", "undefine", "vmunit", "virsh", target=10),
    Row("`verify`", "verify", "vmunit", target=10),
    Row("generator, 100 definitions", "generator-100", "vmunit"),
    Row("generator, 1,000 definitions", "generator-1000", "vmunit", target=500),
    Row("`systemctl daemon-reload`, 1,000 definitions", "daemon-reload", "vmunit"),
    Row("from QEMU's event to the line of `event`", "event", "vmunit", "virsh", target=2),
    Row("memory without machines, libvirtd", "memory-nothing-runs", "vmunit", "libvirtd", unit=MIB, target=0),
    Row("memory without machines, virtlogd", "memory-nothing-runs", "vmunit", "virtlogd", unit=MIB, target=0),
    Row("memory of a supervisor", "memory-per-machine", "vmunit-supervisor", unit=MIB, target=0.4),
    Row("memory of a monitor", "memory-per-machine", "vmunit-monitor", unit=MIB, target=0.8),
    Row("memory of supervisors and monitors, or daemons, 50 machines", "memory-all", "vmunit", "libvirt", unit=MIB),
    Row("CPU time of these, 50 machines that do nothing", "cpu-idle", "vmunit", "libvirt", unit=PERCENT, target=0.1),
    Row("program that stays while a machine runs", "program-size", "vmunit-supervisor", "libvirtd", unit=KIB),
    Row("libraries it is linked with", "libraries", "vmunit-supervisor", "libvirtd", unit=PLAIN),
    Row("their size", "libraries-size", "vmunit-supervisor", "libvirtd", unit=KIB),
    Row("the monitor's program", "program-size", "vmunit-monitor", unit=KIB),
    Row("libraries the monitor is linked with", "libraries", "vmunit-monitor", unit=PLAIN),
]
# What is behind libvirt, and why that fails nothing as long as its target is met.
MAY_BE_BEHIND = {"cpu-idle": "a supervisor asks its monitor every 30 s whether it answers"}


def spread(values):
    """(median, half of what the middle half of them is apart)."""
    if len(values) < 4:
        return statistics.median(values), (max(values) - min(values)) / 2
    low, middle, high = statistics.quantiles(values, n=4)
    return middle, (high - low) / 2


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value else "0"


def cell(middle, half, unit):
    if not unit:
        return f"{middle:g}"
    return f"{number(middle)}{f' ± {number(half)}' if half else ''} {unit}"


def medians(row, figures):
    """{side: (median, spread)}, in the row's unit."""
    out = {}
    for side, key in row.sides.items():
        values = figures.get(row.figure, {}).get(key)
        if values:
            out[side] = spread([v * row.unit[0] for v in values])
    return out


def verdict(row, found):
    """What the target is, and whether it is met."""
    ours, alone = found["vmunit"][0], found.get("QEMU alone")
    parts = []
    if row.target is not None:
        parts.append((f"≤ {row.target:g} {row.unit[1]}", ours <= row.target))
    if row.beyond is not None and alone:
        parts.append((f"QEMU + ≤ {row.beyond:g} ms", ours - alone[0] <= row.beyond))
    if row.times is not None and alone:
        parts.append((f"≤ {row.times:g} × QEMU", ours <= row.times * alone[0]))
    return ", ".join(f"{text}: {'met' if met else '**missed**'}" for text, met in parts)


def without_value(figures):
    """Whom a figure lacks that was measured, as texts."""
    return [f"{row.title}: {key}" for row in ROWS if row.figure in figures for key in row.sides.values()
            if key and not figures[row.figure].get(key)]


def table(figures):
    """(lines, how often we are behind libvirt)."""
    lines = ["| figure | vmunit | QEMU alone | libvirt 9.0 | libvirt / vmunit | target |", "|---|---|---|---|---|---|"]
    behind = []
    for row in ROWS:
        found = medians(row, figures)
        if "vmunit" not in found:
            continue
        cells = [cell(*found[s], row.unit[1]) if s in found else "" for s in row.sides]
        theirs, ratio = found.get("libvirt"), ""
        if theirs:
            ratio = f"{theirs[0] / found['vmunit'][0]:.1f}" if found["vmunit"][0] else "∞"
            if found["vmunit"][0] > theirs[0]:
                reason = MAY_BE_BEHIND.get(row.figure) if row.target is not None and found["vmunit"][0] <= row.target else None
                ratio += f" ({reason})" if reason else " **behind**"
                if not reason:
                    behind.append(row.title)
        lines.append(f"| {row.title} | {' | '.join(cells)} | {ratio} | {verdict(row, found)} |")
    return lines, behind


def sandbox(figures):
    """What systemd's settings cost, one by one; the rest is within what is between two runs."""
    took = {title: spread([v * 1000 for v in values]) for title, values in figures.get("sandbox", {}).items()}
    if not took:
        return []
    whole, half = took.pop("all")
    none, _ = took.pop("none")
    saved = sorted(((whole - middle, title) for title, (middle, _) in took.items() if whole - middle > 2 * half), reverse=True)
    return ["", f"A program in the unit's sandbox: {number(whole)} ± {number(half)} ms, without one {number(none)} ms; "
            f"{', '.join(f'{title} {number(ms)} ms less' for ms, title in saved) or 'no setting is most of it'}.", ""]


def svg(figures):
    """Bars, a row after the other, each as wide as it is of the longest of its row."""
    colours, height, y, parts = {"QEMU alone": "#999999", "vmunit": "#2a7f62", "libvirt": "#b5651d"}, 16, 10, []
    for row in ROWS:
        found = medians(row, figures)
        if len(found) < 2 or "vmunit" not in found:
            continue
        most = max(m for m, _ in found.values()) or 1
        parts.append(f'<text x="300" y="{y + 12}" text-anchor="end">{row.title.replace("`", "")}</text>')
        for side in ("QEMU alone", "vmunit", "libvirt"):
            if side not in found:
                continue
            middle, half = found[side]
            width, left, right = (round(400 * min(v, most) / most, 1) for v in (middle, max(0, middle - half), middle + half))
            parts.append(f'<rect x="310" y="{y}" width="{width}" height="{height - 4}" fill="{colours[side]}"/>')
            parts.append(f'<line x1="{310 + left}" x2="{310 + right}" y1="{y + 6}" y2="{y + 6}" stroke="black"/>')
            parts.append(f'<text x="{318 + max(width, right)}" y="{y + 11}">{side}: {number(middle)} {row.unit[1]}</text>')
            y += height
        y += 10
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="{y + 10}" font-family="sans-serif" font-size="11">'
            f'<rect width="900" height="{y + 10}" fill="white"/>{"".join(parts)}</svg>\n')


def conditions(data):
    b, a = data["before"], data["after"]
    return (f"{b['time']}: {data['runs']} runs, in turns; median ± half of the middle half. {b['cpus']} CPUs, Linux {b['kernel']}, {b['systemd']}, "
            f"{b['qemu']}, libvirt {b['libvirt']}; load {b['load'][0]} before, {a['load'][0]} after.")


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        data = json.load(f)
    out = sys.argv[2]
    os.makedirs(out, exist_ok=True)
    lines, behind = table(data["figures"])
    text = "\n".join([conditions(data), "", *lines, *sandbox(data["figures"]), ""])
    with open(f"{out}/table.md", "w", encoding="utf-8") as f:
        f.write(text)
    with open(f"{out}/plot.svg", "w", encoding="utf-8") as f:
        f.write(svg(data["figures"]))
    print(text)
    for title in behind:
        print(f"not ok: behind libvirt: {title}")
    missing = without_value(data["figures"])
    if not data["figures"]:
        missing = ["all figures"]
    for what in missing:
        print(f"not ok: without a value: {what}")
    return len(behind) + len(missing) > 0


if __name__ == "__main__":
    sys.exit(main())
