# SPDX-License-Identifier: LGPL-2.1-or-later
"""test:///default, vmunit's against virsh's: each row is one line of the shell, from a test driver as it is at its beginning. Marks
are those of verb_rows.py; of dominfo, FREE is not compared."""

import pathlib
import re

from verb_rows import difference, rows, run

# What kind of machine libvirt says it is, its time (the host's clock there), its labels.
FREE = re.compile(r"(?m)^(OS Type|CPU time|Security (model|DOI|label)):.*\n?")

DEFINITION = """<domain type='test'>
  <name>x</name>
  <uuid>11111111-2222-4333-8444-555555555555</uuid>
  <title>The machine</title>
  <memory unit='KiB'>524288</memory>
  <currentMemory unit='KiB'>262144</currentMemory>
  <vcpu current='1'>2</vcpu>
  <os><type>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <source file='/nonexistent/a.img'/>
      <target dev='vda' bus='virtio'/>
    </disk>
  </devices>
</domain>
"""

# NAME.xml: the text, and what of it is replaced by what.
FILES = {
    "x": (),
    "x2": (("memory unit='KiB'>524288", "memory unit='KiB'>1048576"),),
    "kvm": (("type='test'", "type='kvm'"), ("<type>", "<type arch='x86_64'>")),
    "qemu": (("type='test'", "type='qemu'"),),
    "othername": (("<name>x<", "<name>y<"),),
    "otheruuid": (("11111111", "22222222"),),
    "bad": (("</domain>", ""),),
    "noname": (("<name>x</name>", ""),),
    "nomemory": (("<memory unit='KiB'>524288</memory>", ""), ("<currentMemory unit='KiB'>262144</currentMemory>", "")),
    "xen": (("type='test'", "type='nonsense'"),),
    "preserve": (("<devices>", "<on_reboot>preserve</on_reboot><devices>"),),
    "destroy": (("<devices>", "<on_reboot>destroy</on_reboot><devices>"),),
}

ROWS = """
# what is there
list
list --all
list --inactive
list --name; list --uuid; list --id; list --id --name; list --name --uuid --all
list --title; list --managed-save; list --state-running; list --state-paused; list --state-shutoff; list --state-other
list --persistent; list --transient; list --autostart; list --no-autostart; list --all --with-managed-save; list --without-managed-save
list --with-snapshot; list --without-snapshot; list --table; list --table --name
dominfo test
domstate test; domstate test --reason; domid test; domuuid test; domname 6695eb01-f6a4-8304-79aa-97f2502e193f; domname 1; domuuid 1
domid nobody; domstate nobody; dominfo nobody; dumpxml nobody; domuuid 7
dumpxml test; dumpxml test --inactive; dumpxml 1 --security-info
dumpxml test --xpath //mac
domblklist test; domblklist test --details; domiflist test; vcpucount test; vcpucount test --live --active
domcontrol test
uri; hostname; nodeinfo
connect; list; connect test:///default; list
! connect test:///nonsense # virsh takes it for a file
# to run and not to run
suspend test; list; domstate test --reason; suspend test; resume test; domstate test --reason; list; resume test
shutdown test; list --all; domstate test --reason; start test; list; domstate test --reason; domid test
destroy test; list --all; domstate test --reason; destroy test; dominfo test; domid test; start test; start test; dominfo test
suspend test; shutdown test; list; destroy test; list --all; domstate test --reason
suspend test; reboot test; domstate test --reason; reset test; domstate test --reason
destroy test --graceful; list --all; reboot test
! destroy test; suspend test # it is said as of other machines: domain is not running
! destroy test; resume test # the same
! destroy test; shutdown test # the same
suspend test; list; resume test; define DIR/x.xml; start x; list --all; destroy test; list --all; undefine x
# definitions
define DIR/x.xml; list --all; list --all --title; dominfo x; domstate x --reason; dumpxml x; domid x; domuuid x; domname x
define DIR/x.xml; start x; list; domid x; dumpxml x; dominfo x; domstate x --reason; destroy x; list --all; undefine x; list --all
define DIR/x.xml; start x; domid x; destroy x; start x; domid x; domname 3; domname 2; list
define DIR/x.xml; start x; define DIR/x2.xml; dominfo x; dumpxml x --inactive; destroy x; dominfo x
define DIR/x.xml; define DIR/x.xml; undefine x; undefine x; dominfo x
define DIR/kvm.xml; list --all; start x; list
define DIR/qemu.xml; start x; list
! define DIR/preserve.xml; start x; reboot x; list --all # of a crash only, as on QEMU
define DIR/destroy.xml; start x; reboot x; list --all
define DIR/x.xml; define DIR/othername.xml; list --all
define DIR/x.xml; define DIR/otheruuid.xml; list --all
! define DIR/bad.xml; list --all # with the place in the file, as on QEMU
! define DIR/noname.xml # the same
! define DIR/nomemory.xml # the same
! define DIR/xen.xml # the same
define DIR/nothing.xml
define DIR/x.xml --validate; list --all
undefine test; list --all; dominfo test; destroy test; list --all
undefine nobody
define DIR/x.xml; start x; undefine x; list --all --transient; define DIR/x.xml; list --all --transient; dominfo x
# without one
create DIR/x.xml; list --all; dominfo x; domstate x --reason; destroy x; list --all; dominfo x
create DIR/x.xml; list --transient; suspend x; resume x; shutdown x; list --all; create DIR/x.xml; domid x
create DIR/x.xml; create DIR/x.xml; start x
! create DIR/x.xml; autostart x # nothing of it is there at the next boot, as on QEMU
create DIR/x.xml; define DIR/x.xml; list --persistent; destroy x; list --all
! create DIR/bad.xml # the same
create DIR/nothing.xml; list --all
# autostart, names
autostart test; dominfo test; list --autostart; autostart test --disable; list --autostart; dominfo test
define DIR/x.xml; autostart x; dominfo x; undefine x; define DIR/x.xml; dominfo x
define DIR/x.xml; domrename x y; list --all; domuuid y; domrename y y; domrename y test; domrename y ''; domrename y a/b; start y; domrename y z
domrename test y
# notes
desc test; desc test --title; desc test a note; desc test; desc test --title A machine; desc test --title; list --title
desc test --config later; desc test --config; desc test; dumpxml test --inactive --xpath //description; desc test --live now; desc test --live
desc test --live --config both; desc test; destroy test; desc test; desc test ''; desc test
metadata test http://a/b; metadata test http://a/b --key k --set "<x a='b'/>"; metadata test http://a/b; metadata test http://a/b --remove; metadata test http://a/b
metadata test http://a/b --key k --set "<x a='b'/>" --config; metadata test http://a/b --config; dumpxml test --inactive --xpath //metadata
# processors and memory
setvcpus test 1; vcpucount test; dumpxml test --xpath //vcpu; setvcpus test 2; vcpucount test
setvcpus test 3 --maximum --config; vcpucount test; destroy test; vcpucount test; start test; vcpucount test
! setvcpus test 3 # as QEMU's driver says it
setvcpus test 0; setvcpus test -1; setvcpus test x
setmem test 1G; dominfo test; setmem test 9G; dominfo test; setmem test 1G --config; dominfo test
setmaxmem test 9G; destroy test; setmaxmem test 9G; dominfo test; setmem test 3G --config; dominfo test; start test; dominfo test
define DIR/x.xml; vcpucount x; setvcpus x 2 --config; vcpucount x; dumpxml x; start x; dumpxml x; dominfo x
# what these machines have not
ttyconsole test; vncdisplay test; domdisplay test
event --all --timeout 1
"""


def _bare(result):
    return FREE.sub("", result[0]), *result[1:]


def compare(program, virsh, environment, directory):
    """Yields each row's line, with what is wrong about it or None."""
    for name, changes in FILES.items():
        text = DEFINITION
        for old, new in changes:
            text = text.replace(old, new)
        (pathlib.Path(directory) / f"{name}.xml").write_text(text, encoding="utf-8")
    for line, mark in rows(ROWS):
        words = ["-c", "test:///default", line.replace("DIR", str(directory))]
        yield f"test: {line}", difference(mark, _bare(run([virsh, *words], environment)), _bare(run([program, *words], environment)))
