# SPDX-License-Identifier: LGPL-2.1-or-later
"""What verbs say and do in each state of a machine (states.py): virsh 9.0's answers, taken from a libvirtd by oracle/states.py, and
vmunit's where they differ. A row is a verb, its exit status, the state after it and its text, whose lines are separated by " / ";
in OURS the reason follows behind " # ". What wakes up a guest that sleeps is not in it: this one goes to sleep again."""

VIRSH = """
== undefined
domstate N | 1 | undefined | error: failed to get domain 'states'
managedsave-remove N | 1 | undefined | error: failed to get domain 'states'
undefine N --nvram --keep-nvram | 1 | undefined | error: Options --nvram and --keep-nvram are mutually exclusive
domrename N N | 1 | undefined | error: failed to get domain 'states'
setvcpus N 2 | 1 | undefined | error: failed to get domain 'states'
setvcpus N 1 --live | 1 | undefined | error: failed to get domain 'states'
setvcpus N 1 --config | 1 | undefined | error: failed to get domain 'states'
setmem N 32M --live | 1 | undefined | error: failed to get domain 'states'
setmem N 64M --config | 1 | undefined | error: failed to get domain 'states'
console N | 1 | undefined | error: failed to get domain 'states'
dompmwakeup N | 1 | undefined | error: failed to get domain 'states'
dompmsuspend N mem | 1 | undefined | error: failed to get domain 'states'
inject-nmi N | 1 | undefined | error: failed to get domain 'states'
send-key N KEY_A | 1 | undefined | error: failed to get domain 'states'
screenshot N D/shot | 1 | undefined | error: failed to get domain 'states'
managedsave-dumpxml N | 1 | undefined | error: failed to get domain 'states'
start N | 1 | undefined | error: failed to get domain 'states'
create D/N.xml | 0 | running (booted) | Domain 'states' created from D/states.xml
define D/N.xml | 0 | shut off (unknown) | Domain 'states' defined from D/states.xml
autostart N | 1 | undefined | error: failed to get domain 'states'
autostart N --disable | 1 | undefined | error: failed to get domain 'states'
shutdown N | 1 | undefined | error: failed to get domain 'states'
shutdown N --mode agent | 1 | undefined | error: failed to get domain 'states'
reboot N | 1 | undefined | error: failed to get domain 'states'
reboot N --mode agent | 1 | undefined | error: failed to get domain 'states'
suspend N | 1 | undefined | error: failed to get domain 'states'
resume N | 1 | undefined | error: failed to get domain 'states'
reset N | 1 | undefined | error: failed to get domain 'states'
dump N D/core | 1 | undefined | error: failed to get domain 'states'
dump N D/core --memory-only | 1 | undefined | error: failed to get domain 'states'
dump N D/core --crash | 1 | undefined | error: failed to get domain 'states'
save N D/save | 1 | undefined | error: failed to get domain 'states'
restore D/earlier | 0 | running (restored) | Domain restored from D/earlier
managedsave N | 1 | undefined | error: failed to get domain 'states'
domrename N new | 1 | undefined | error: failed to get domain 'states'
undefine N --managed-save | 1 | undefined | error: failed to get domain 'states'
undefine N | 1 | undefined | error: failed to get domain 'states'
destroy N | 1 | undefined | error: failed to get domain 'states'
== shut off
domstate N | 0 | shut off (unknown) | shut off
managedsave-remove N | 0 | shut off (unknown) | Domain 'states' has no manage save image; removal skipped
undefine N --nvram --keep-nvram | 1 | shut off (unknown) | error: Options --nvram and --keep-nvram are mutually exclusive
domrename N N | 1 | shut off (unknown) | error: Requested operation is not valid: Can't rename domain to itself
setvcpus N 2 | 1 | shut off (unknown) | error: Requested operation is not valid: domain is not running
setvcpus N 1 --live | 1 | shut off (unknown) | error: Requested operation is not valid: domain is not running
setvcpus N 1 --config | 0 | shut off (unknown) |
setmem N 32M --live | 1 | shut off (unknown) | error: Requested operation is not valid: domain is not running
setmem N 64M --config | 0 | shut off (unknown) |
console N | 1 | shut off (unknown) | error: The domain is not running
dompmwakeup N | 1 | shut off (unknown) | error: Domain 'states' could not be woken up / error: Requested operation is not valid: domain is not running
dompmsuspend N mem | 1 | shut off (unknown) | error: Domain 'states' could not be suspended / error: Requested operation is not valid: domain is not running
inject-nmi N | 1 | shut off (unknown) | error: Requested operation is not valid: domain is not running
send-key N KEY_A | 1 | shut off (unknown) | error: Requested operation is not valid: domain is not running
screenshot N D/shot | 1 | shut off (unknown) | error: could not take a screenshot of states / error: Requested operation is not valid: domain is not running
managedsave-dumpxml N | 1 | shut off (unknown) | error: Requested operation is not valid: domain does not have managed save image
start N | 0 | running (booted) | Domain 'states' started
create D/N.xml | 0 | running (booted) | Domain 'states' created from D/states.xml
define D/N.xml | 0 | shut off (unknown) | Domain 'states' defined from D/states.xml
autostart N | 0 | shut off (unknown) | Domain 'states' marked as autostarted
autostart N --disable | 0 | shut off (unknown) | Domain 'states' unmarked as autostarted
shutdown N | 1 | shut off (unknown) | error: Failed to shutdown domain 'states' / error: Requested operation is not valid: domain is not running
shutdown N --mode agent | 1 | shut off (unknown) | error: Failed to shutdown domain 'states' / error: Requested operation is not valid: domain is not running
reboot N | 1 | shut off (unknown) | error: Failed to reboot domain 'states' / error: Requested operation is not valid: domain is not running
reboot N --mode agent | 1 | shut off (unknown) | error: Failed to reboot domain 'states' / error: Requested operation is not valid: domain is not running
suspend N | 1 | shut off (unknown) | error: Failed to suspend domain 'states' / error: Requested operation is not valid: domain is not running
resume N | 1 | shut off (unknown) | error: Failed to resume domain 'states' / error: Requested operation is not valid: domain is not running
reset N | 1 | shut off (unknown) | error: Failed to reset domain 'states' / error: Requested operation is not valid: domain is not running
dump N D/core | 1 | shut off (unknown) | error: Failed to core dump domain 'states' to D/core / error: Requested operation is not valid: domain is not running
dump N D/core --memory-only | 1 | shut off (unknown) | error: Failed to core dump domain 'states' to D/core / error: Requested operation is not valid: domain is not running
dump N D/core --crash | 1 | shut off (unknown) | error: Failed to core dump domain 'states' to D/core / error: Requested operation is not valid: domain is not running
save N D/save | 1 | shut off (unknown) | error: Failed to save domain 'states' to D/save / error: Requested operation is not valid: domain is not running
restore D/earlier | 0 | running (restored) | Domain restored from D/earlier
managedsave N | 1 | shut off (unknown) | error: Failed to save domain 'states' state / error: Requested operation is not valid: domain is not running
domrename N new | 0 | undefined | Domain successfully renamed
undefine N --managed-save | 0 | undefined | Domain 'states' has been undefined
undefine N | 0 | undefined | Domain 'states' has been undefined
destroy N | 1 | shut off (unknown) | error: Failed to destroy domain 'states' / error: Requested operation is not valid: domain is not running
== running
domstate N | 0 | running (booted) | running
managedsave-remove N | 0 | running (booted) | Domain 'states' has no manage save image; removal skipped
undefine N --nvram --keep-nvram | 1 | running (booted) | error: Options --nvram and --keep-nvram are mutually exclusive
domrename N N | 1 | running (booted) | error: Requested operation is not valid: cannot rename active domain
setvcpus N 2 | 1 | running (booted) | error: invalid argument: requested vcpus is greater than max allowable vcpus for the live domain: 2 > 1
setvcpus N 1 --live | 0 | running (booted) |
setvcpus N 1 --config | 0 | running (booted) |
setmem N 32M --live | 0 | running (booted) |
setmem N 64M --config | 0 | running (booted) |
console N | 1 | running (booted) | error: Cannot run interactive console without a controlling TTY
dompmwakeup N | 1 | running (booted) | error: Domain 'states' could not be woken up / error: internal error: unable to execute QEMU command 'system_wakeup': Unable to wake up: guest is not in suspended state
dompmsuspend N mem | 1 | running (booted) | error: Domain 'states' could not be suspended / error: argument unsupported: QEMU guest agent is not configured
inject-nmi N | 0 | running (booted) |
send-key N KEY_A | 0 | running (booted) |
screenshot N D/shot | 0 | running (booted) | Screenshot saved to D/shot, with type of image/png
managedsave-dumpxml N | 1 | running (booted) | error: Requested operation is not valid: domain does not have managed save image
start N | 1 | running (booted) | error: Domain is already active
create D/N.xml | 1 | running (booted) | error: Failed to create domain from D/states.xml / error: Requested operation is not valid: domain 'states' is already active
define D/N.xml | 0 | running (booted) | Domain 'states' defined from D/states.xml
autostart N | 0 | running (booted) | Domain 'states' marked as autostarted
autostart N --disable | 0 | running (booted) | Domain 'states' unmarked as autostarted
shutdown N | 0 | running (booted) | Domain 'states' is being shutdown
shutdown N --mode agent | 1 | running (booted) | error: Failed to shutdown domain 'states' / error: argument unsupported: QEMU guest agent is not configured
reboot N | 0 | running (booted) | Domain 'states' is being rebooted
reboot N --mode agent | 1 | running (booted) | error: Failed to reboot domain 'states' / error: argument unsupported: QEMU guest agent is not configured
suspend N | 0 | paused (user) | Domain 'states' suspended
resume N | 1 | running (booted) | error: Failed to resume domain 'states' / error: Requested operation is not valid: domain is already running
reset N | 0 | running (booted) | Domain 'states' was reset
dump N D/core | 0 | running (unpaused) | Domain 'states' dumped to D/core
dump N D/core --memory-only | 0 | running (unpaused) | Domain 'states' dumped to D/core
dump N D/core --crash | 0 | shut off (crashed) | Domain 'states' dumped to D/core
save N D/save | 0 | shut off (saved) | Domain 'states' saved to D/save
restore D/earlier | 1 | running (booted) | error: Failed to restore domain from D/earlier / error: Requested operation is not valid: domain 'states' is already active
managedsave N | 0 | shut off (saved) | Domain 'states' state saved by libvirt
domrename N new | 1 | running (booted) | error: Requested operation is not valid: cannot rename active domain
undefine N --managed-save | 0 | running (booted) | Domain 'states' has been undefined
undefine N | 0 | running (booted) | Domain 'states' has been undefined
destroy N | 0 | shut off (destroyed) | Domain 'states' destroyed
== paused
domstate N | 0 | paused (user) | paused
managedsave-remove N | 0 | paused (user) | Domain 'states' has no manage save image; removal skipped
undefine N --nvram --keep-nvram | 1 | paused (user) | error: Options --nvram and --keep-nvram are mutually exclusive
domrename N N | 1 | paused (user) | error: Requested operation is not valid: cannot rename active domain
setvcpus N 2 | 1 | paused (user) | error: invalid argument: requested vcpus is greater than max allowable vcpus for the live domain: 2 > 1
setvcpus N 1 --live | 0 | paused (user) |
setvcpus N 1 --config | 0 | paused (user) |
setmem N 32M --live | 0 | paused (user) |
setmem N 64M --config | 0 | paused (user) |
console N | 1 | paused (user) | error: Cannot run interactive console without a controlling TTY
dompmwakeup N | 1 | paused (user) | error: Domain 'states' could not be woken up / error: internal error: unable to execute QEMU command 'system_wakeup': Unable to wake up: guest is not in suspended state
dompmsuspend N mem | 1 | paused (user) | error: Domain 'states' could not be suspended / error: Requested operation is not valid: domain is not running
inject-nmi N | 0 | paused (user) |
send-key N KEY_A | 0 | paused (user) |
screenshot N D/shot | 0 | paused (user) | Screenshot saved to D/shot, with type of image/png
managedsave-dumpxml N | 1 | paused (user) | error: Requested operation is not valid: domain does not have managed save image
start N | 1 | paused (user) | error: Domain is already active
create D/N.xml | 1 | paused (user) | error: Failed to create domain from D/states.xml / error: Requested operation is not valid: domain 'states' is already active
define D/N.xml | 0 | paused (user) | Domain 'states' defined from D/states.xml
autostart N | 0 | paused (user) | Domain 'states' marked as autostarted
autostart N --disable | 0 | paused (user) | Domain 'states' unmarked as autostarted
shutdown N | 1 | paused (user) | error: Failed to shutdown domain 'states' / error: Requested operation is not valid: domain is not running
shutdown N --mode agent | 1 | paused (user) | error: Failed to shutdown domain 'states' / error: Requested operation is not valid: domain is not running
reboot N | 0 | paused (user) | Domain 'states' is being rebooted
reboot N --mode agent | 1 | paused (user) | error: Failed to reboot domain 'states' / error: Requested operation is not valid: domain is not running
suspend N | 0 | paused (user) | Domain 'states' suspended
resume N | 0 | running (unpaused) | Domain 'states' resumed
reset N | 0 | paused (user) | Domain 'states' was reset
dump N D/core | 0 | paused (user) | Domain 'states' dumped to D/core
dump N D/core --memory-only | 0 | paused (user) | Domain 'states' dumped to D/core
dump N D/core --crash | 0 | shut off (crashed) | Domain 'states' dumped to D/core
save N D/save | 0 | shut off (saved) | Domain 'states' saved to D/save
restore D/earlier | 1 | paused (user) | error: Failed to restore domain from D/earlier / error: Requested operation is not valid: domain 'states' is already active
managedsave N | 0 | shut off (saved) | Domain 'states' state saved by libvirt
domrename N new | 1 | paused (user) | error: Requested operation is not valid: cannot rename active domain
undefine N --managed-save | 0 | paused (user) | Domain 'states' has been undefined
undefine N | 0 | paused (user) | Domain 'states' has been undefined
destroy N | 0 | shut off (destroyed) | Domain 'states' destroyed
== saved
domstate N | 0 | shut off (saved) | shut off
managedsave-remove N | 0 | shut off (saved) | Removed managedsave image for domain 'states'
undefine N --nvram --keep-nvram | 1 | shut off (saved) | error: Options --nvram and --keep-nvram are mutually exclusive
domrename N N | 1 | shut off (saved) | error: Requested operation is not valid: domain with a managed saved state can't be renamed
setvcpus N 2 | 1 | shut off (saved) | error: Requested operation is not valid: domain is not running
setvcpus N 1 --live | 1 | shut off (saved) | error: Requested operation is not valid: domain is not running
setvcpus N 1 --config | 0 | shut off (saved) |
setmem N 32M --live | 1 | shut off (saved) | error: Requested operation is not valid: domain is not running
setmem N 64M --config | 0 | shut off (saved) |
console N | 1 | shut off (saved) | error: The domain is not running
dompmwakeup N | 1 | shut off (saved) | error: Domain 'states' could not be woken up / error: Requested operation is not valid: domain is not running
dompmsuspend N mem | 1 | shut off (saved) | error: Domain 'states' could not be suspended / error: Requested operation is not valid: domain is not running
inject-nmi N | 1 | shut off (saved) | error: Requested operation is not valid: domain is not running
send-key N KEY_A | 1 | shut off (saved) | error: Requested operation is not valid: domain is not running
screenshot N D/shot | 1 | shut off (saved) | error: could not take a screenshot of states / error: Requested operation is not valid: domain is not running
managedsave-dumpxml N | 0 | shut off (saved) | a definition
start N | 0 | running (restored) | Domain 'states' started
create D/N.xml | 0 | running (booted) | Domain 'states' created from D/states.xml
define D/N.xml | 0 | shut off (saved) | Domain 'states' defined from D/states.xml
autostart N | 0 | shut off (saved) | Domain 'states' marked as autostarted
autostart N --disable | 0 | shut off (saved) | Domain 'states' unmarked as autostarted
shutdown N | 1 | shut off (saved) | error: Failed to shutdown domain 'states' / error: Requested operation is not valid: domain is not running
shutdown N --mode agent | 1 | shut off (saved) | error: Failed to shutdown domain 'states' / error: Requested operation is not valid: domain is not running
reboot N | 1 | shut off (saved) | error: Failed to reboot domain 'states' / error: Requested operation is not valid: domain is not running
reboot N --mode agent | 1 | shut off (saved) | error: Failed to reboot domain 'states' / error: Requested operation is not valid: domain is not running
suspend N | 1 | shut off (saved) | error: Failed to suspend domain 'states' / error: Requested operation is not valid: domain is not running
resume N | 1 | shut off (saved) | error: Failed to resume domain 'states' / error: Requested operation is not valid: domain is not running
reset N | 1 | shut off (saved) | error: Failed to reset domain 'states' / error: Requested operation is not valid: domain is not running
dump N D/core | 1 | shut off (saved) | error: Failed to core dump domain 'states' to D/core / error: Requested operation is not valid: domain is not running
dump N D/core --memory-only | 1 | shut off (saved) | error: Failed to core dump domain 'states' to D/core / error: Requested operation is not valid: domain is not running
dump N D/core --crash | 1 | shut off (saved) | error: Failed to core dump domain 'states' to D/core / error: Requested operation is not valid: domain is not running
save N D/save | 1 | shut off (saved) | error: Failed to save domain 'states' to D/save / error: Requested operation is not valid: domain is not running
restore D/earlier | 0 | running (restored) | Domain restored from D/earlier
managedsave N | 1 | shut off (saved) | error: Failed to save domain 'states' state / error: Requested operation is not valid: domain is not running
domrename N new | 1 | shut off (saved) | error: Requested operation is not valid: domain with a managed saved state can't be renamed
undefine N --managed-save | 0 | undefined | Domain 'states' has been undefined
undefine N | 1 | shut off (saved) | error: Refusing to undefine while domain managed save image exists
destroy N | 1 | shut off (saved) | error: Failed to destroy domain 'states' / error: Requested operation is not valid: domain is not running
== crashed
domstate N | 0 | crashed (panicked) | crashed
managedsave-remove N | 0 | crashed (panicked) | Domain 'states' has no manage save image; removal skipped
undefine N --nvram --keep-nvram | 1 | crashed (panicked) | error: Options --nvram and --keep-nvram are mutually exclusive
domrename N N | 1 | crashed (panicked) | error: Requested operation is not valid: cannot rename active domain
setvcpus N 2 | 1 | crashed (panicked) | error: invalid argument: requested vcpus is greater than max allowable vcpus for the live domain: 2 > 1
setvcpus N 1 --live | 0 | crashed (panicked) |
setvcpus N 1 --config | 0 | crashed (panicked) |
setmem N 32M --live | 0 | crashed (panicked) |
setmem N 64M --config | 0 | crashed (panicked) |
console N | 1 | crashed (panicked) | error: Cannot run interactive console without a controlling TTY
dompmwakeup N | 1 | crashed (panicked) | error: Domain 'states' could not be woken up / error: internal error: unable to execute QEMU command 'system_wakeup': Unable to wake up: guest is not in suspended state
dompmsuspend N mem | 1 | crashed (panicked) | error: Domain 'states' could not be suspended / error: Requested operation is not valid: domain is not running
inject-nmi N | 0 | crashed (panicked) |
send-key N KEY_A | 0 | crashed (panicked) |
screenshot N D/shot | 0 | crashed (panicked) | Screenshot saved to D/shot, with type of image/png
managedsave-dumpxml N | 1 | crashed (panicked) | error: Requested operation is not valid: domain does not have managed save image
start N | 1 | crashed (panicked) | error: Domain is already active
create D/N.xml | 1 | crashed (panicked) | error: Failed to create domain from D/states.xml / error: Requested operation is not valid: domain 'states' is already active
define D/N.xml | 0 | crashed (panicked) | Domain 'states' defined from D/states.xml
autostart N | 0 | crashed (panicked) | Domain 'states' marked as autostarted
autostart N --disable | 0 | crashed (panicked) | Domain 'states' unmarked as autostarted
shutdown N | 1 | crashed (panicked) | error: Failed to shutdown domain 'states' / error: Requested operation is not valid: domain is not running
shutdown N --mode agent | 1 | crashed (panicked) | error: Failed to shutdown domain 'states' / error: Requested operation is not valid: domain is not running
reboot N | 0 | crashed (panicked) | Domain 'states' is being rebooted
reboot N --mode agent | 1 | crashed (panicked) | error: Failed to reboot domain 'states' / error: Requested operation is not valid: domain is not running
suspend N | 0 | crashed (panicked) | Domain 'states' suspended
resume N | 0 | running (unpaused) | Domain 'states' resumed
reset N | 0 | paused (crashed) | Domain 'states' was reset
dump N D/core | 0 | crashed (panicked) | Domain 'states' dumped to D/core
dump N D/core --memory-only | 0 | crashed (panicked) | Domain 'states' dumped to D/core
dump N D/core --crash | 0 | shut off (crashed) | Domain 'states' dumped to D/core
save N D/save | 0 | shut off (saved) | Domain 'states' saved to D/save
restore D/earlier | 1 | crashed (panicked) | error: Failed to restore domain from D/earlier / error: Requested operation is not valid: domain 'states' is already active
managedsave N | 0 | shut off (saved) | Domain 'states' state saved by libvirt
domrename N new | 1 | crashed (panicked) | error: Requested operation is not valid: cannot rename active domain
undefine N --managed-save | 0 | crashed (panicked) | Domain 'states' has been undefined
undefine N | 0 | crashed (panicked) | Domain 'states' has been undefined
destroy N | 0 | shut off (destroyed) | Domain 'states' destroyed
== pmsuspended
domstate N | 0 | pmsuspended (unknown) | pmsuspended
managedsave-remove N | 0 | pmsuspended (unknown) | Domain 'states' has no manage save image; removal skipped
undefine N --nvram --keep-nvram | 1 | pmsuspended (unknown) | error: Options --nvram and --keep-nvram are mutually exclusive
domrename N N | 1 | pmsuspended (unknown) | error: Requested operation is not valid: cannot rename active domain
setvcpus N 2 | 1 | pmsuspended (unknown) | error: invalid argument: requested vcpus is greater than max allowable vcpus for the live domain: 2 > 1
setvcpus N 1 --live | 0 | pmsuspended (unknown) |
setvcpus N 1 --config | 0 | pmsuspended (unknown) |
setmem N 32M --live | 0 | pmsuspended (unknown) |
setmem N 64M --config | 0 | pmsuspended (unknown) |
console N | 1 | pmsuspended (unknown) | error: Cannot run interactive console without a controlling TTY
dompmsuspend N mem | 1 | pmsuspended (unknown) | error: Domain 'states' could not be suspended / error: Requested operation is not valid: domain is not running
inject-nmi N | 0 | pmsuspended (unknown) |
screenshot N D/shot | 0 | pmsuspended (unknown) | Screenshot saved to D/shot, with type of image/png
managedsave-dumpxml N | 1 | pmsuspended (unknown) | error: Requested operation is not valid: domain does not have managed save image
start N | 1 | pmsuspended (unknown) | error: Domain is already active
create D/N.xml | 1 | pmsuspended (unknown) | error: Failed to create domain from D/states.xml / error: Requested operation is not valid: domain 'states' is already active
define D/N.xml | 0 | pmsuspended (unknown) | Domain 'states' defined from D/states.xml
autostart N | 0 | pmsuspended (unknown) | Domain 'states' marked as autostarted
autostart N --disable | 0 | pmsuspended (unknown) | Domain 'states' unmarked as autostarted
shutdown N | 1 | pmsuspended (unknown) | error: Failed to shutdown domain 'states' / error: Requested operation is not valid: domain is not running
shutdown N --mode agent | 1 | pmsuspended (unknown) | error: Failed to shutdown domain 'states' / error: Requested operation is not valid: domain is not running
reboot N | 0 | pmsuspended (unknown) | Domain 'states' is being rebooted
reboot N --mode agent | 1 | pmsuspended (unknown) | error: Failed to reboot domain 'states' / error: Requested operation is not valid: domain is not running
suspend N | 1 | pmsuspended (unknown) | error: Failed to suspend domain 'states' / error: Requested operation is not valid: domain is pmsuspended
resume N | 1 | pmsuspended (unknown) | error: Failed to resume domain 'states' / error: Requested operation is not valid: domain is pmsuspended
reset N | 0 | pmsuspended (unknown) | Domain 'states' was reset
dump N D/core --memory-only | 0 | pmsuspended (unknown) | Domain 'states' dumped to D/core
dump N D/core --crash | 0 | shut off (crashed) | Domain 'states' dumped to D/core
save N D/save | 0 | shut off (saved) | Domain 'states' saved to D/save
restore D/earlier | 1 | pmsuspended (unknown) | error: Failed to restore domain from D/earlier / error: Requested operation is not valid: domain 'states' is already active
managedsave N | 0 | shut off (saved) | Domain 'states' state saved by libvirt
domrename N new | 1 | pmsuspended (unknown) | error: Requested operation is not valid: cannot rename active domain
undefine N --managed-save | 0 | pmsuspended (unknown) | Domain 'states' has been undefined
undefine N | 0 | pmsuspended (unknown) | Domain 'states' has been undefined
destroy N | 0 | shut off (destroyed) | Domain 'states' destroyed
"""

OURS = """
== shut off
create D/N.xml | 1 | shut off (unknown) | error: Failed to create domain from D/states.xml / error: operation failed: domain 'states' is already defined in /etc/vm/states.xml # a machine of the moment does not hide a definition
== running
managedsave N | 0 | shut off (saved) | Domain 'states' state saved by vmunit # it is not libvirt
== paused
managedsave N | 0 | shut off (saved) | Domain 'states' state saved by vmunit # it is not libvirt
== saved
create D/N.xml | 1 | shut off (saved) | error: Failed to create domain from D/states.xml / error: operation failed: domain 'states' is already defined in /etc/vm/states.xml # a machine of the moment does not hide a definition
== crashed
reboot N | 1 | crashed (panicked) | error: Failed to reboot domain 'states' / error: Requested operation is not valid: domain is not running # nobody is there who could hear it
save N D/save | 1 | crashed (panicked) | error: Failed to save domain 'states' to D/save / error: Requested operation is not valid: domain is not running # it would come back as if it were only paused; dump keeps it
managedsave N | 1 | crashed (panicked) | error: Failed to save domain 'states' state / error: Requested operation is not valid: domain is not running # the same
== pmsuspended
reset N | 0 | paused (user) | Domain 'states' was reset # QEMU has it stand still then, and resume goes on
save N D/save | 1 | pmsuspended (unknown) | error: Failed to save domain 'states' to D/save / error: Requested operation is not valid: domain is pmsuspended # QEMU would wake it up
managedsave N | 1 | pmsuspended (unknown) | error: Failed to save domain 'states' state / error: Requested operation is not valid: domain is pmsuspended # the same
"""


def read(text):
    """{state: {verb: (exit status, text, state after it)}}"""
    table = {}
    for line in text.strip().splitlines():
        if line.startswith("== "):
            rows = table.setdefault(line[3:], {})
            continue
        verb, status, after, answer = (part.strip() for part in line.split(" # ")[0].split("|", 3))
        rows[verb] = (int(status), answer.replace(" / ", "\n"), after)
    return table


def expected(state):
    """Of vmunit. A row that says what virsh says anyway is none of ours."""
    theirs, ours = read(VIRSH).get(state, {}), read(OURS).get(state, {})
    needless = [verb for verb in ours if ours[verb] == theirs.get(verb)]
    if needless:
        raise AssertionError(f"{state}: virsh says the same about {needless}")
    return {**theirs, **ours}
