/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The private D-Bus interface between `vmunit` and a VM's monitor: peer to peer on the socket
 * /run/vmunit/NAME/control, no bus. One vtable (control-server.c) is the definition; the client calls by these
 * names.
 *
 *   GetState() → s state, s reason            virsh's words (domain-state.h)
 *   Suspend(), Resume()
 *   Shutdown(s mode), Reboot(s mode)          "", "acpi", "agent"
 *   Reset()
 *   Quit()                                    asks QEMU to end
 *   OpenConsole(s alias, b force) → h         alias "" is the first; a stream in both directions
 *   ViewConsole(s alias) → h                  a pipe with what the console says from now on; it ends with the monitor
 *   FeedConsole(s alias) → h                  from whoever has the console: answered when somebody wants to look, with a pipe for a
 *                                             copy of what it says. When nobody looks any more, nobody reads that pipe
 *   GetConsoles() → a(ss)                     alias, host device ("/dev/pts/3" or "")
 *   SetThreads(s settings)                    what all threads are asked for (thread-plan.h)
 *   SetActions(s actions)                     what becomes of the machine: "destroy.restart.preserve", of poweroff, reboot and crash
 *   GetThreads() → a(suus)                    kind, id, TID, CPUs it may run on, as the kernel says
 *   Qmp(s command) → s                        one QMP command object, its "return" value
 *   Agent(s command) → s                      the same for the guest agent
 *   AgentWithin(s command, t limit) → s       the same, waiting so many microseconds; 0: not at all, the answer is "null" then
 *   QmpWithFd(s command, h fd) → s            as Qmp, with a descriptor for QEMU
 *   Unplug(s device)                          device_del, and then until the guest has let go of it, or has not
 *   Save() → h                                stops the guest; its state, to be read to the end. When this client closes
 *                                             the stream or its connection, the guest goes on
 *   WaitSaved()                               from the same client: returns when all of the state was written
 *   EndSaved()                                what was read is safe: ends the machine. From the same client, which must wait for it
 *   Dump(s format, b live) → h                as Save, but the guest is to go on. format "": the same stream, and with live the guest
 *                                             runs until the end of it; "elf": its memory only
 *   DumpTo(s format, h file)                  the formats that QEMU can only write into a file
 *   EndDump(s then)                           behind WaitSaved: "" goes on, "reset" before that, "crash" ends the machine
 *   Progress(t processed, t total)            from the same client: how many bytes it has read; an error when it may as well stop
 *   GetJob(b completed, b keep) → s           what is being saved or dumped, as JSON: {} or status, operation ("save", "dump") and
 *                                             libvirt's numbers. completed: the last one that was, which is forgotten then but for keep
 *   AbortJob()                                the guest goes on, and whoever saves or dumps it is told
 *   Subscribe() → s state, s reason           from then on this client gets Event, too. While there is a subscriber, the monitor
 *                                             has work to do, and stays
 *   signal StateChanged(s state, s reason)    after the Event that it follows from
 *   signal Event(s name, t usec, s data)      QEMU's, to subscribers, and to who has not called yet: usec since 1970 (0: not
 *                                             known), its data as JSON ("": none). The monitor's own begin with "VMUNIT_": it gives QEMU up (CONTROL_ERROR); it has
 *                                             handed a client over (VNC_CONNECTED, like QEMU's); a guest's state has been written (JOB_COMPLETED, as GetJob)
 *   signal ConsoleTaken(s alias)              somebody takes this console by force: leave it. Said until it is free
 */
#define CONTROL_PATH "/org/vmunit/Machine1"
#define CONTROL_INTERFACE "org.vmunit.Machine1"

#define CONTROL_EVENT_ERROR "VMUNIT_CONTROL_ERROR"
#define CONTROL_EVENT_VNC "VMUNIT_VNC_CONNECTED"
#define CONTROL_EVENT_JOB "VMUNIT_JOB_COMPLETED"
#define CONTROL_EVENT_NAME_MAX 64U
#define CONTROL_EVENT_DATA_MAX (16U * 1024U)

#define CONTROL_ERROR_STATE "org.vmunit.Error.InvalidState"   /* "domain is not running" */
#define CONTROL_ERROR_BUSY "org.vmunit.Error.Busy"            /* another client has the console */
#define CONTROL_ERROR_NOT_FOUND "org.vmunit.Error.NotFound"   /* no such console */
#define CONTROL_ERROR_AGENT "org.vmunit.Error.Agent"          /* the guest agent is not connected */
#define CONTROL_ERROR_QEMU "org.vmunit.Error.Qemu"            /* QEMU refused; its own text */
#define CONTROL_ERROR_GUEST "org.vmunit.Error.Guest"          /* the guest keeps the device */
#define CONTROL_ERROR_TIMEOUT "org.vmunit.Error.Timeout"
