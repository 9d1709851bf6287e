/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli-common.h"
#include "console-input.h"
#include "file-util.h"
#include "string-util.h"

/* inject-nmi, send-key, screenshot */

#define SCREENSHOT_MAX (256U << 20)

static int verb_inject_nmi(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        int r = vm_inject_nmi(cli->manager, &vm, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

static int get_codeset(Cli *cli, const char *word, KeyCodeset *ret) {
        int set = isempty(word) ? CODESET_LINUX : key_codeset_find(word);

        if (set < 0)
                return cli_error(cli, "unknown codeset: '%s'", word);
        *ret = (KeyCodeset) set;
        return 0;
}

static int verb_send_key(Cli *cli, const Command *c) {
        unsigned codes[KEYS_MAX], hold = 0;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        KeyCodeset set = CODESET_LINUX;

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0 || command_get_uint(cli, c, "holdtime", &hold) < 0 ||
            get_codeset(cli, command_get(c, "codeset"), &set) < 0)
                return -1;
        for (size_t i = 0; i < c->n_rest; i++) {
                if (i == KEYS_MAX)
                        return cli_error(cli, "too many keycodes");
                if (key_code(set, c->rest[i], &codes[i]) < 0)
                        return cli_error(cli, "invalid keycode: '%s'", c->rest[i]);
        }
        int r = vm_send_keys(cli->manager, &vm, set, codes, c->n_rest, hold, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

static int copy(int from, int to) {
        char buffer[65536];
        ssize_t n;

        while ((n = read(from, buffer, sizeof(buffer))) > 0) {
                int r = write_all(to, buffer, (size_t) n);
                if (r < 0)
                        return r;
        }
        return n < 0 ? -errno : 0;
}

/* What QEMU wrote is written by the caller, as the caller. Of what fails nothing is left that could be taken for a picture. */
static int copy_to(int from, const char *path) {
        struct stat st;

        if (fstat(from, &st) < 0)
                return -errno;
        if (st.st_size > (off_t) SCREENSHOT_MAX)
                return -EFBIG;
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);
        bool created = fd >= 0;
        if (!created && errno == EEXIST)
                fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        int r = copy(from, fd);
        if (r < 0 && created)
                (void) unlink(path);
        else if (r < 0)
                (void) !ftruncate(fd, 0);
        return r;
}

static char *file_name(const Vm *vm, const char *mime) {
        time_t now = time(NULL);
        char text[64];
        struct tm tm;

        if (!localtime_r(&now, &tm) || strftime(text, sizeof(text), "%Y-%m-%d-%H:%M:%S", &tm) == 0)
                return NULL;
        return strf("%s-%s%s", vm->name, text, streq(mime, "image/png") ? ".png" : ".ppm");
}

static int verb_screenshot(Cli *cli, const Command *c) {
        _cleanup_free_ char *generated = NULL;
        const char *file, *mime = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        unsigned screen = 0;

        if (command_get_nonempty(cli, c, "file", &file) < 0 || command_get_uint(cli, c, "screen", &screen) < 0 ||
            cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        _cleanup_close_ int fd = vm_screenshot(cli->manager, &vm, screen, &diag, &mime);
        if (fd < 0)
                return cli_error_diag(cli, fd, &diag, "could not take a screenshot of %s", vm.name);
        if (!file)
                file = generated = file_name(&vm, mime);
        if (!file)
                return cli_error(cli, "out of memory");
        int r = copy_to(fd, file);
        if (r < 0)
                return cli_error(cli, "cannot create file %s: %s", file, strerror(-r));
        cli_print_extra(cli, "Screenshot saved to %s, with type of %s", file, mime);
        return 0;
}

static const Option nmi_options[] = { OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"), OPTIONS_END };
static const Option key_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        { .name = "codeset", .type = OPTION_STRING, .named = true, .words = "linux|xt|atset1|atset2|atset3|os_x|xt_kbd|usb|win32|qnum",
          .help = "the codeset of keycodes, default:linux" },
        { .name = "holdtime", .type = OPTION_INT, .named = true,
          .help = "the time (in milliseconds) how long the keys will be held" },
        { .name = "keycode", .type = OPTION_ARGV, .required = true, .help = "the key code" },
        OPTIONS_END,
};
static const Option screenshot_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        { .name = "file", .type = OPTION_STRING, .hint = HINT_FILE, .help = "where to store the screenshot" },
        { .name = "screen", .type = OPTION_INT, .help = "ID of a screen to take screenshot of" },
        OPTIONS_END,
};

static const Verb input_verbs[] = {
        { "inject-nmi", GROUP_DOMAIN, verb_inject_nmi, nmi_options, "Inject NMI to the guest", "Inject NMI to the guest domain.",
          .changes = true },
        { "send-key", GROUP_DOMAIN, verb_send_key, key_options, "Send keycodes to the guest",
          "Send keycodes (integers or symbolic names) to the guest", .changes = true },
        { "screenshot", GROUP_DOMAIN, verb_screenshot, screenshot_options,
          "take a screenshot of a current domain console and store it into a file", "screenshot of a current domain console" },
};
DEFINE_VERB_TABLE(input);
