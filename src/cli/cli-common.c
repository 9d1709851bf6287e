/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "cli-common.h"
#include "domain-xml.h"
#include "file-util.h"
#include "parse-util.h"
#include "plans.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"
#include "xml-select.h"

int cli_lookup(Cli *cli, const Command *c, VmLookupFlags flags, Vm *ret, const char **ret_word) {
        _cleanup_diag_ Diag diag = {};
        const char *word;

        if (command_get_nonempty(cli, c, "domain", &word) < 0)
                return -1;
        int r = vm_lookup(cli->manager, word, flags, &diag, ret);
        if (r == -ENOENT)
                return cli_error(cli, "failed to get domain '%s'", word);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "failed to get domain '%s'", word);
        if (ret_word)
                *ret_word = word;
        return 0;
}

int cli_lookup_running(Cli *cli, const Command *c, Vm *ret) {
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        if (!vm.active)
                return cli_error(cli, "Requested operation is not valid: domain is not running");
        *ret = vm;
        vm = (Vm) {};
        return 0;
}

int cli_describe_vm(Cli *cli, const Vm *vm, bool inactive, Domain **ret) {
        _cleanup_diag_ Diag diag = {};

        (void) diag_init(&diag, vm->source_path);
        int r = vm_describe(cli->manager, vm, inactive, &diag, ret);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

int cli_describe(Cli *cli, const Command *c, bool inactive, Vm *ret_vm, Domain **ret) {
        if (cli_lookup(cli, c, VM_BY_ANY, ret_vm, NULL) < 0)
                return -1;
        return cli_describe_vm(cli, ret_vm, inactive, ret);
}

int read_definition_file(const char *path, Diag *diag, char **ret, size_t *ret_size) {
        int r = read_stream_limited(path, DOMAIN_XML_MAX, ret, ret_size);

        if (r == -EFBIG)
                return diag_error_code(diag, r, (SrcLoc) {}, "Failed to open file '%s': larger than %u MiB", path,
                                       DOMAIN_XML_MAX >> 20);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "Failed to open file '%s': %s", path,
                                       r == -EBADF ? "a block device" : strerror(-r));
        return 0;
}

int cli_refuse_fds(Cli *cli, const Command *c, const char *function, const char *format, const char *what) {
        const char *word = command_get(c, "pass-fds");
        _cleanup_strv_ char **numbers = NULL;
        _cleanup_diag_ Diag diag = {};
        unsigned fd;

        if (!word)
                return 0;
        if (strv_split(word, ",", &numbers) < 0)
                return cli_error(cli, "out of memory");
        STRV_FOREACH(n, numbers)
                if (parse_uint(*n, &fd) < 0 || fd > INT_MAX)
                        return cli_error(cli, "Unable to parse FD number '%s'", *n);
        STRV_FOREACH(n, numbers)
                if (parse_uint(*n, &fd) >= 0 && fcntl((int) fd, F_GETFD) < 0) {
                        (void) diag_error(&diag, (SrcLoc) {}, "Cannot duplicate FD %u: %s", fd, strerror(errno));
                        break;
                }
        if (!diag_first_error(&diag))
                (void) diag_error(&diag, (SrcLoc) {}, "this function is not supported by the connection driver: %s", function);
        _cleanup_free_ char *failed = strf(format, what);
        return cli_error_diag(cli, -EOPNOTSUPP, &diag, "%s", strempty(failed));
}

int cli_change_flags(Cli *cli, const Command *c, ChangeFlags *ret) {
        bool live = command_has(c, "live"), config = command_has(c, "config");

        if (command_has(c, "current") && (live || config))
                return cli_error(cli, "Options --current and --%s are mutually exclusive", live ? "live" : "config");
        *ret = (live ? CHANGE_LIVE : 0) | (config ? CHANGE_CONFIG : 0);
        return 0;
}

/* One of them, into the list. */
static int add_credential(Cli *cli, const char *word, char ***list) {
        const char *equals = strchr(word, '=');
        _cleanup_free_ char *name = equals ? strndup(word, (size_t) (equals - word)) : NULL, *text = NULL;
        const char *value = equals ? equals + 1 : NULL;
        size_t size = 0;

        if (!credential_name_is_valid(name))
                return cli_error(cli, "--credential needs NAME=VALUE or NAME=@FILE, and a name has letters, digits and ._@+- only");
        if (*value == '@') {
                int r = read_stream_limited(value + 1, CREDENTIAL_VALUE_MAX, &text, &size);
                if (r < 0 && r != -EFBIG)
                        return cli_error(cli, "cannot read '%s' for credential '%s': %s", value + 1, name, strerror(-r));
                if (r == -EFBIG || strlen(text) != size)
                        return cli_error(cli, "credential '%s': '%s' %s", name, value + 1, r < 0 ? "is larger than 16 KiB" : "contains a NUL byte");
                value = text;
        }
        if (strlen(value) > CREDENTIAL_VALUE_MAX)
                return cli_error(cli, "credential '%s' is larger than 16 KiB", name);
        STRV_FOREACH(i, *list) {
                const char *rest = startswith(*i, name);
                if (rest && *rest == '=')
                        return cli_error(cli, "credential '%s' is given twice", name);
        }
        return strv_extendf(list, "%s=%s", name, value) < 0 ? cli_error(cli, "%s", strerror(ENOMEM)) : 0;
}

int cli_credentials(Cli *cli, const Command *c, char ***ret) {
        _cleanup_strv_ char **list = NULL;

        for (size_t i = 0; i < c->n_rest; i++)
                if (add_credential(cli, c->rest[i], &list) < 0)
                        return -1;
        if (c->n_rest > CREDENTIALS_MAX)
                return cli_error(cli, "more than %u credentials", CREDENTIALS_MAX);
        *ret = TAKE_PTR(list);
        return 0;
}

int cli_read_file(Cli *cli, const char *path, char **ret, size_t *ret_size) {
        _cleanup_diag_ Diag diag = {};

        return read_definition_file(path, &diag, ret, ret_size) < 0
                       ? cli_error(cli, "%s", strempty(diag_first_error(&diag))) : 0;
}

int cli_error_reason(Cli *cli, int r, const Diag *diag) {
        return cli_error(cli, "%s", diag_first_error(diag) ?: strerror(-r));
}

static void append_json(Text *t, json_object *o, int level);

/* An element of a list or a member of an object, on a line of its own. */
static void append_item(Text *t, bool first, const char *key, json_object *value, int level) {
        text_append(t, first ? "" : ",\n");
        text_appendf(t, "%*s", 2 * level, "");
        if (key) {
                json_object *name = json_object_new_string(key);
                text_append(t, json_object_to_json_string_ext(name, JSON_C_TO_STRING_NOSLASHESCAPE));
                text_append(t, ": ");
                json_object_put(name);
        }
        append_json(t, value, level);
}

static void append_json(Text *t, json_object *o, int level) {
        json_type type = json_object_get_type(o);
        bool first = true;

        if (type != json_type_object && type != json_type_array) {
                text_append(t, json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE));
                return;
        }
        text_append(t, type == json_type_object ? "{\n" : "[\n");
        if (type == json_type_object) {
                json_object_object_foreach(o, key, value) {
                        append_item(t, first, key, value, level + 1);
                        first = false;
                }
        } else
                for (size_t i = 0; i < json_object_array_length(o); i++)
                        append_item(t, i == 0, NULL, json_object_array_get_idx(o, i), level + 1);
        text_appendf(t, "\n%*s%c", 2 * level, "", type == json_type_object ? '}' : ']');
}

void cli_print_json(Cli *cli, json_object *o, bool pretty, const char *end) {
        _cleanup_free_ char *text = NULL;
        _cleanup_text_ Text t = {};

        if (pretty)
                append_json(&t, o, 0);
        else
                text_append(&t, json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE | JSON_C_TO_STRING_PLAIN));
        if (text_finish(&t, &text) >= 0)
                cli_print(cli, "%s%s", text, end);
}

void cli_format_size(uint64_t bytes, char ret[CLI_SIZE_MAX]) {
        static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        double v = (double) bytes;
        unsigned i = 0;

        for (; v >= 1024 && i + 1 < ELEMENTSOF(units); i++)
                v /= 1024;
        (void) snprintf(ret, CLI_SIZE_MAX, "%.3f %s", v, units[i]);
}

int cli_print_xml(Cli *cli, const Command *c, const char *xml) {
        const char *xpath = command_get(c, "xpath");
        _cleanup_free_ char *part = NULL;
        _cleanup_diag_ Diag diag = {};

        if (xpath && xml_select(xml, xpath, command_has(c, "wrap"), &diag, &part) < 0)
                return cli_error(cli, "%s", diag_first_error(&diag) ?: "out of memory");
        cli_print(cli, "%s", part ?: xml);
        return 0;
}

bool cli_wants_progress(const Cli *cli, const Command *c) {
        int fd = fileno(cli->err);

        return command_has(c, "verbose") && fd >= 0 && isatty(fd);
}
