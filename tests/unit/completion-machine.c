/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "cli.h"
#include "fake-machine.h"
#include "string-util.h"

/* vmunit on a machine made up, for the completion of shells (test-completion.py): web, with two disks and two interfaces,
 * runs; db does not. */

static char *definition(const char *name, const char *devices) {
        return strf("<domain type='qemu'><name>%s</name><memory unit='MiB'>512</memory>"
                    "<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>%s</devices></domain>\n", name, devices);
}

/* Any: that nobody is there shows when somebody is asked. */
static int connect_anywhere(_unused_ Cli *cli, _unused_ const Connection *c, _unused_ Diag *diag) {
        return 0;
}

int main(int argc, char **argv) {
        _cleanup_(fake_machine_freep) FakeMachine *machine = fake_machine_new();
        _cleanup_free_ char *web = definition("web", "<disk type='file'><source file='/srv/web.img'/><target dev='vda' bus='virtio'/></disk>"
                "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"
                "<interface type='user'><mac address='52:54:00:12:34:56'/></interface>"
                "<interface type='user'><mac address='52:54:00:aa:bb:cc'/></interface>");
        _cleanup_free_ char *db = definition("db", "");

        fake_file(machine, "etc/web.xml", web);
        fake_file(machine, "run/web/domain.xml", web);
        fake_file(machine, "etc/db.xml", db);
        fake_unit(machine, "web")->activity = UNIT_ACTIVE;
        fake_runtime(machine, "web", "running/booted", "5");
        Cli cli = {
                .manager = machine->manager, .in = stdin, .out = stdout, .err = stderr, .program = "vmunit", .escape = CLI_ESCAPE_DEFAULT,
                .open_connection = connect_anywhere,
        };
        int r = cli_run(&cli, argc, argv);
        cli_done(&cli);
        return r;
}
