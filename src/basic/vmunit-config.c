/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>

#include "categories.h"
#include "ini.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"
#include "vmunit-config.h"

static const char *const missing_resources_words[] = {
        [MISSING_RESOURCES_ERROR] = "error",
        [MISSING_RESOURCES_IGNORE] = "ignore",
};
DEFINE_STRING_TABLE(missing_resources, MissingResources)

static const char *const host_shutdown_words[] = {
        [HOST_SHUTDOWN_SHUTDOWN] = "shutdown",
        [HOST_SHUTDOWN_SAVE] = "save",
        [HOST_SHUTDOWN_DESTROY] = "destroy",
};
DEFINE_STRING_TABLE(host_shutdown, HostShutdown)

static const char *const save_format_words[] = {
        [SAVE_FORMAT_RAW] = "raw",
        [SAVE_FORMAT_ZSTD] = "zstd",
};
DEFINE_STRING_TABLE(save_format, SaveFormat)

static const char *const huge_page_use_words[] = {
        [HUGE_PAGE_USE_ALWAYS] = "always",
        [HUGE_PAGE_USE_MADVISE] = "madvise",
        [HUGE_PAGE_USE_NEVER] = "never",
};
DEFINE_STRING_TABLE(huge_page_use, HugePageUse)

static const char *const huge_page_defrag_words[] = {
        [HUGE_PAGE_DEFRAG_ALWAYS] = "always",
        [HUGE_PAGE_DEFRAG_DEFER] = "defer",
        [HUGE_PAGE_DEFRAG_DEFER_MADVISE] = "defer+madvise",
        [HUGE_PAGE_DEFRAG_MADVISE] = "madvise",
        [HUGE_PAGE_DEFRAG_NEVER] = "never",
};
DEFINE_STRING_TABLE(huge_page_defrag, HugePageDefrag)

#define HOST(name_, type_, reader_, member_, words_, expected_, doc_) \
        { "Host", name_, type_, reader_, offsetof(Config, member_), words_, expected_, doc_ }

#define QEMU(name_, type_, member_, expected_, doc_) \
        { "QEMU", name_, type_, CONFIG_FOR_START, offsetof(Config, member_), NULL, expected_, doc_ }
#define YES_NO "a yes or no (1 or 0)"
#define ADDRESS "an address"
#define PATH "an absolute path"
#define USER "a name or '+' and a number, and not root's"
#define PASSWORD "a password: at least one character, and no more than 8 for VNC"
#define ELSEWHERE(name_, doc_) { "QEMU", name_, CONFIG_ELSEWHERE, CONFIG_FOR_START, 0, NULL, NULL, doc_ }

#define CONNECT(name_, type_, member_, expected_, doc_) \
        { "Connect", name_, type_, CONFIG_FOR_CONNECT, offsetof(Config, member_), NULL, expected_, doc_ }

const ConfigKey config_keys[] = {
        QEMU("VNCListen", CONFIG_ADDRESS, vnc.listen, ADDRESS, "the address VNC servers listen on"),
        QEMU("VNCAutoUnixSocket", CONFIG_YES_NO, vnc.auto_unix_socket, YES_NO, "VNC servers listen on a socket of their machine"),
        QEMU("VNCTLS", CONFIG_YES_NO, vnc.tls, YES_NO, "VNC is encrypted"),
        QEMU("VNCTLSX509CertDir", CONFIG_PATH, vnc.cert_dir, PATH, "where the certificates for VNC are"),
        QEMU("VNCTLSX509Verify", CONFIG_YES_NO, vnc.tls_verify, YES_NO, "clients of VNC need a certificate"),
        QEMU("VNCPassword", CONFIG_SECRET, vnc.password, PASSWORD, "the password of VNC servers without one of their own"),
        QEMU("VNCSASL", CONFIG_YES_NO, vnc.sasl, YES_NO, "clients of VNC log in by SASL"),
        QEMU("VNCSASLDir", CONFIG_PATH, vnc.sasl_dir, PATH, "where SASL's qemu.conf for VNC is"),
        QEMU("SpiceListen", CONFIG_ADDRESS, spice.listen, ADDRESS, "the address spice servers listen on"),
        QEMU("SpiceAutoUnixSocket", CONFIG_YES_NO, spice.auto_unix_socket, YES_NO, "spice servers listen on a socket of their machine"),
        QEMU("SpiceTLS", CONFIG_YES_NO, spice.tls, YES_NO, "spice can be encrypted"),
        QEMU("SpiceTLSX509CertDir", CONFIG_PATH, spice.cert_dir, PATH, "where the certificates for spice are"),
        QEMU("SpicePassword", CONFIG_SECRET, spice.password, PASSWORD, "the password of spice servers without one of their own"),
        QEMU("SpiceSASL", CONFIG_YES_NO, spice.sasl, YES_NO, "clients of spice log in by SASL"),
        QEMU("SpiceSASLDir", CONFIG_PATH, spice.sasl_dir, PATH, "where SASL's qemu.conf for spice is"),
        QEMU("ChardevTLSX509CertDir", CONFIG_PATH, chardev_cert_dir, PATH, "where the certificates for character devices are"),
        QEMU("NBDTLSX509CertDir", CONFIG_PATH, nbd_cert_dir, PATH, "where the certificates for disks on NBD servers are"),
        QEMU("DefaultTLSX509CertDir", CONFIG_PATH, cert_dir, PATH, "where certificates are that have no directory of their own"),
        QEMU("SecurityDriver", CONFIG_SECURITY_DRIVER, no_selinux, "selinux, apparmor, dac or none, or several of them",
             "whether machines get labels of SELinux, or profiles of AppArmor"),
        QEMU("User", CONFIG_USER, user, USER, "the user of virtual machines that name none, instead of one for each"),
        QEMU("Group", CONFIG_USER, group, USER, "the group of virtual machines whose user is User="),
        { "QEMU", "SaveImageFormat", CONFIG_WORD, CONFIG_FOR_START, offsetof(Config, save_image_format), &save_format_table, NULL,
          "whether the state of a machine is compressed when it is saved" },
        ELSEWHERE("DumpImageFormat", "what dump writes is not compressed, but for the formats of dump --memory-only"),
        ELSEWHERE("DynamicOwnership", "no file changes its owner: machines are handed opened files"),
        ELSEWHERE("RememberOwner", "no file changes its owner: machines are handed opened files"),
        QEMU("CgroupDeviceACL", CONFIG_DEVICES, devices, "a list of paths below /dev", "devices that virtual machines may use beside their own"),
        ELSEWHERE("CgroupControllers", "systemd owns the control groups"),
        ELSEWHERE("SeccompSandbox", "it is always on"),
        ELSEWHERE("ClearEmulatorCapabilities", "machines never have capabilities"),
        ELSEWHERE("AutoDumpPath", "what <on_crash> and watchdogs dump is kept with the machine's state"),
        ELSEWHERE("StdioHandler", "systemd's journal has what is printed"),
        ELSEWHERE("MaxProcesses", "TasksMax= of the unit limits them"),
        ELSEWHERE("MaxFiles", "LimitNOFILE= of the unit limits them"),
        ELSEWHERE("MaxCore", "LimitCORE= of the unit limits them"),
        ELSEWHERE("VNCTLSX509SecretUUID", "the server's key must not be encrypted: it is root's, and never leaves memory"),
        ELSEWHERE("SpiceTLSX509SecretUUID", "the server's key must not be encrypted: it is root's, and never leaves memory"),
        ELSEWHERE("ChardevTLS", "a character device is encrypted where its definition says tls='yes'"),
        ELSEWHERE("ChardevTLSX509Verify", "the other end of an encrypted character device always needs a certificate"),
        ELSEWHERE("ChardevTLSX509SecretUUID", "keys must not be encrypted: they are root's, and never leave memory"),
        ELSEWHERE("NBDTLS", "a disk is encrypted on its way where its definition says tls='yes'"),
        ELSEWHERE("NBDTLSX509SecretUUID", "keys must not be encrypted: they are root's, and never leave memory"),
        ELSEWHERE("HugetlbfsMount", "huge pages need no mount point; HugePages= in [Host] makes them"),
        HOST("MissingResources", CONFIG_WORD, CONFIG_FOR_START, missing_resources, &missing_resources_table, NULL,
             "what becomes of a start that asks for CPUs, NUMA nodes and the like that the machine does not have"),
        HOST("HostShutdown", CONFIG_WORD, CONFIG_FOR_START, host_shutdown, &host_shutdown_table, NULL,
             "what becomes of virtual machines that do not say so themselves when the host goes down"),
        HOST("SELinuxCategories", CONFIG_CATEGORIES, CONFIG_FOR_START, selinux_categories, NULL, "three or more categories, as c0.c1023",
             "the categories of SELinux that virtual machines get, two each"),
        HOST("HaltPollNs", CONFIG_NANOSECONDS, CONFIG_FOR_TUNING, halt_poll, NULL,
             "a number of nanoseconds from 0 to 4294967295", "how long KVM polls before it gives an idle vCPU's CPU away"),
        HOST("KernelWorkerCPUs", CONFIG_CPUS, CONFIG_FOR_TUNING, kernel_worker_cpus, NULL, "a list of CPUs, as 0-3,^1,8",
             "where the kernel's unbound workers run"),
        HOST("TransparentHugePages", CONFIG_WORD, CONFIG_FOR_TUNING, huge_page_use, &huge_page_use_table, NULL,
             "whether memory is made of huge pages by itself"),
        HOST("TransparentHugePagesDefrag", CONFIG_WORD, CONFIG_FOR_TUNING, huge_page_defrag, &huge_page_defrag_table, NULL,
             "whether memory is moved to have transparent huge pages"),
        HOST("HugePages", CONFIG_POOLS, CONFIG_FOR_TUNING, pools, NULL, "SIZE:COUNT or SIZE:COUNT@NODES, as 2M:512@0-1",
             "the pools of huge pages, of the machine or of its NUMA nodes"),
        CONNECT("URIAliases", CONFIG_ALIASES, uri_aliases, "a list of NAME=URI, with letters, digits, '-' and '_' in NAME",
                "short names for connection URIs"),
        CONNECT("URIDefault", CONFIG_URI, uri_default, "a connection URI", "what is connected to where nothing says it"),
};
const size_t n_config_keys = ELEMENTSOF(config_keys);

static const char *const sections[] = { "QEMU", "Host", "Connect" };

void display_config_done(DisplayConfig *c) {
        free(c->listen);
        free(c->cert_dir);
        free(c->password);
        free(c->sasl_dir);
        *c = (DisplayConfig) {};
}

void config_done(Config *c) {
        free(c->pools);
        free(c->cert_dir);
        free(c->user);
        free(c->group);
        strv_free(c->devices);
        strv_free(c->uri_aliases);
        free(c->uri_default);
        display_config_done(&c->vnc);
        free(c->chardev_cert_dir);
        free(c->nbd_cert_dir);
        display_config_done(&c->spice);
        *c = (Config) {};
}

#define MEMBER(c, key, type) ((type *) ((char *) (c) + (key)->offset))
#define CONST_MEMBER(c, key, type) ((const type *) ((const char *) (c) + (key)->offset))

/* --- words, numbers, CPUs --- */

static int parse_word(Config *c, const ConfigKey *key, const char *value) {
        int v = *value ? string_table_value(key->words, value) : 0;

        if (v < 0)
                return v;
        *MEMBER(c, key, int) = v;
        return 0;
}

static int format_word(const Config *c, const ConfigKey *key, char **ret) {
        const char *word = string_table_word(key->words, *CONST_MEMBER(c, key, int));

        return word ? free_and_strdup(ret, word) : 0;
}

static int parse_nanoseconds(Config *c, const ConfigKey *key, const char *value) {
        int r = *value ? parse_uint(value, &c->halt_poll) : 0;

        if (r >= 0)
                c->has_halt_poll = *value != 0;
        return r;
}

static int format_nanoseconds(const Config *c, const ConfigKey *key, char **ret) {
        if (!c->has_halt_poll)
                return 0;
        *ret = strf("%u", c->halt_poll);
        return *ret ? 0 : -ENOMEM;
}

/* As in systemd, blanks separate as well. */
static int parse_cpus(Config *c, const ConfigKey *key, const char *value) {
        NumberSet *set = MEMBER(c, key, NumberSet);
        _cleanup_strv_ char **words = NULL;
        _cleanup_free_ char *list = NULL;

        if (!*value) {
                *set = (NumberSet) {};
                return 0;
        }
        if (strchr(value, ',')) /* ",," stays wrong */
                return number_set_parse(value, set);
        if (strv_split(value, WHITESPACE, &words) < 0)
                return -ENOMEM;
        list = strv_join(words, ",");
        return list ? number_set_parse(list, set) : -ENOMEM;
}

static int format_cpus(const Config *c, const ConfigKey *key, char **ret) {
        const NumberSet *set = CONST_MEMBER(c, key, NumberSet);

        if (number_set_is_empty(set))
                return 0;
        *ret = number_set_format(set);
        return *ret ? 0 : -ENOMEM;
}

static int parse_categories(Config *c, const ConfigKey *key, const char *value) {
        NumberSet *set = MEMBER(c, key, NumberSet), new = {};

        int r = *value ? categories_parse(value, &new) : 0;
        if (r >= 0 && *value && number_set_count(&new) < 3)
                return -EINVAL; /* no pair for machines with a definition, or none for those without */
        if (r >= 0)
                *set = new;
        return r;
}

static int format_categories(const Config *c, const ConfigKey *key, char **ret) {
        const NumberSet *set = CONST_MEMBER(c, key, NumberSet);

        if (number_set_is_empty(set))
                return 0;
        *ret = categories_format(set);
        return *ret ? 0 : -ENOMEM;
}

/* --- pools --- */

static int compare_pools(const void *a, const void *b) {
        const HugePagePool *x = a, *y = b;

        if (x->size != y->size)
                return x->size > y->size ? -1 : 1;
        return x->node < y->node ? -1 : x->node > y->node;
}

/* The same pool again replaces it; a machine's pool and those of its nodes would be two answers to one question. */
static int add_pool(Config *c, const HugePagePool *pool) {
        FOREACH_ARRAY(p, c->pools, c->n_pools) {
                if (p->size != pool->size)
                        continue;
                if ((p->node == WHOLE_MACHINE) != (pool->node == WHOLE_MACHINE))
                        return -ENOTUNIQ;
                if (p->node == pool->node) {
                        p->count = pool->count;
                        return 0;
                }
        }
        if (c->n_pools >= HUGE_PAGE_POOLS_MAX)
                return -E2BIG;
        if (!ARRAY_GROW(c->pools, c->n_pools))
                return -ENOMEM;
        c->pools[c->n_pools++] = *pool;
        qsort(c->pools, c->n_pools, sizeof(HugePagePool), compare_pools);
        return 0;
}

/* "2M": a power of two. */
static int parse_page_size(char *s, uint64_t *ret) {
        size_t digits = strspn(s, DIGITS);
        uint64_t unit = s[digits] ? unit_size(s + digits) : 1, n;

        s[digits] = 0;
        int r = parse_u64(s, 10, &n);
        if (r < 0)
                return r;
        if (unit == 0 || n == 0 || __builtin_mul_overflow(n, unit, &n) || (n & (n - 1)) != 0 || n < 4096)
                return -EINVAL;
        *ret = n;
        return 0;
}

static int parse_pool(Config *c, const char *word) {
        _cleanup_free_ char *s = strdup(word);
        HugePagePool pool = { .node = WHOLE_MACHINE };
        NumberSet nodes;

        if (!s)
                return -ENOMEM;
        char *count = strchr(s, ':'), *at = strchr(s, '@');
        if (!count || (at && at < count))
                return -EINVAL;
        *count++ = 0;
        if (at)
                *at++ = 0;
        int r = parse_page_size(s, &pool.size);
        if (r >= 0)
                r = parse_uint(count, &pool.count);
        if (r < 0 || !at)
                return r < 0 ? r : add_pool(c, &pool);
        r = number_set_parse(at, &nodes);
        for (unsigned i = 0; r >= 0 && i < NUMBER_SET_MAX; i++) {
                pool.node = (int) i;
                if (number_set_has(&nodes, i))
                        r = add_pool(c, &pool);
        }
        return r;
}

/* All of the line or nothing of it. */
static int parse_pools(Config *c, const ConfigKey *key, const char *value) {
        _cleanup_strv_ char **words = NULL;
        Config copy = {};
        int r = 0;

        if (!*value)
                c->n_pools = 0;
        FOREACH_ARRAY(p, c->pools, c->n_pools)
                if (r >= 0)
                        r = add_pool(&copy, p);
        if (r >= 0)
                r = strv_split(value, WHITESPACE, &words);
        STRV_FOREACH(w, words)
                if (r >= 0)
                        r = parse_pool(&copy, *w);
        if (r < 0) {
                config_done(&copy);
                return r;
        }
        free(c->pools);
        c->pools = copy.pools;
        c->n_pools = copy.n_pools;
        return 0;
}

char *config_format_size(uint64_t bytes) {
        static const char units[] = "KMGTPE";
        size_t i = 0;

        if (bytes == 0 || bytes % 1024 != 0)
                return strf("%llu", (unsigned long long) bytes);
        for (bytes /= 1024; bytes % 1024 == 0 && units[i + 1]; i++)
                bytes /= 1024;
        return strf("%llu%c", (unsigned long long) bytes, units[i]);
}

static int format_pools(const Config *c, const ConfigKey *key, char **ret) {
        _cleanup_text_ Text t = {};

        if (c->n_pools == 0)
                return 0;
        FOREACH_ARRAY(p, c->pools, c->n_pools) {
                _cleanup_free_ char *size = config_format_size(p->size);
                if (!size)
                        return -ENOMEM;
                text_appendf(&t, "%s%s:%u", p == c->pools ? "" : " ", size, p->count);
                if (p->node != WHOLE_MACHINE)
                        text_appendf(&t, "@%d", p->node);
        }
        return text_finish(&t, ret);
}

/* --- what is for QEMU --- */

static int parse_yes_no(Config *c, const ConfigKey *key, const char *value) {
        static const char *const words[] = { "no", "yes", "0", "1", "false", "true", "off", "on" };

        if (!*value)
                return *MEMBER(c, key, bool) = false;
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(value, words[i])) {
                        *MEMBER(c, key, bool) = i % 2 == 1;
                        return 0;
                }
        return -EINVAL;
}

static int format_yes_no(const Config *c, const ConfigKey *key, char **ret) {
        return *CONST_MEMBER(c, key, bool) ? free_and_strdup(ret, "yes") : 0;
}

static int set_string(Config *c, const ConfigKey *key, const char *value) {
        return free_and_strdup(MEMBER(c, key, char *), *value ? value : NULL);
}

/* A number, or a name that has one. */
static int parse_address(Config *c, const ConfigKey *key, const char *value) {
        return strlen(value) > 255 || !in_charset(value, ALPHANUMERICAL ".:-_%") ? -EINVAL : set_string(c, key, value);
}

static int parse_path(Config *c, const ConfigKey *key, const char *value) {
        return *value && (*value != '/' || strlen(value) >= 4096) ? -EINVAL : set_string(c, key, value);
}

static int format_string(const Config *c, const ConfigKey *key, char **ret) {
        return free_and_strdup(ret, *CONST_MEMBER(c, key, char *));
}

/* SELinux and AppArmor make a difference: owners are not changed, and a machine has its own in any case. */
static int parse_security_driver(Config *c, const ConfigKey *key, const char *value) {
        static const char *const drivers[] = { "selinux", "apparmor", "dac", "none" };
        _cleanup_strv_ char **words = NULL;

        if (strv_split(value, WHITESPACE, &words) < 0)
                return -ENOMEM;
        STRV_FOREACH(w, words) {
                bool known = false;
                for (size_t i = 0; i < ELEMENTSOF(drivers); i++)
                        known |= streq(*w, drivers[i]);
                if (!known)
                        return -EINVAL;
        }
        bool given = words && *words;
        c->no_selinux = given && !strv_contains(words, "selinux");
        c->no_apparmor = given && !strv_contains(words, "apparmor");
        return 0;
}

static int format_security_driver(const Config *c, const ConfigKey *key, char **ret) {
        if (!c->no_selinux && !c->no_apparmor)
                return 0;
        return free_and_strdup(ret, !c->no_selinux ? "selinux" : !c->no_apparmor ? "apparmor" : "none");
}

/* "qemu", or "+107" for who is not called so. */
static int parse_user(Config *c, const ConfigKey *key, const char *value) {
        const char *name = *value == '+' ? value + 1 : value;

        if (!*value)
                return set_string(c, key, value);
        if (!*name || *name == '-' || strlen(name) > 31 || !in_charset(name, *value == '+' ? DIGITS : ALPHANUMERICAL "_.-") ||
            name[strspn(name, "0")] == 0 || streq(name, "root"))
                return -EINVAL;
        return set_string(c, key, name);
}

#define DEVICES_MAX 256U

static bool is_device_path(const char *s) {
        const char *rest = startswith(s, "/dev/");

        return rest && *rest && strlen(s) < 4096 && utf8_is_printable(s) && !strstr(s, "//") && !strstr(s, "/../") && !endswith(s, "/..") &&
                !strpbrk(s, "*?[\\") && !endswith(s, "/");
}

static int parse_devices(Config *c, const ConfigKey *key, const char *value) {
        _cleanup_strv_ char **words = NULL;

        if (strv_split(value, WHITESPACE, &words) < 0)
                return -ENOMEM;
        STRV_FOREACH(w, words)
                if (!is_device_path(*w))
                        return -EINVAL;
        if (strv_length(words) > DEVICES_MAX)
                return -EINVAL;
        strv_free(c->devices);
        c->devices = TAKE_PTR(words);
        return 0;
}

static int format_devices(const Config *c, const ConfigKey *key, char **ret) {
        if (!c->devices || !*c->devices)
                return 0;
        *ret = strv_join(c->devices, " ");
        return *ret ? 0 : -ENOMEM;
}

#define URI_ALIASES_MAX 256U

/* What it means is found out when it is used. */
static bool is_uri(const char *s) {
        return *s && strlen(s) < 4096 && utf8_is_printable(s) && !strpbrk(s, WHITESPACE);
}

static int parse_uri(Config *c, const ConfigKey *key, const char *value) {
        return *value && !is_uri(value) ? -EINVAL : set_string(c, key, value);
}

static bool is_alias(const char *s) {
        size_t n = strspn(s, ALPHANUMERICAL "-_");

        return n > 0 && s[n] == '=' && is_uri(s + n + 1);
}

static int parse_aliases(Config *c, const ConfigKey *key, const char *value) {
        _cleanup_strv_ char **words = NULL;

        if (strv_split(value, WHITESPACE, &words) < 0)
                return -ENOMEM;
        STRV_FOREACH(w, words)
                if (!is_alias(*w))
                        return -EINVAL;
        if (strv_length(words) > URI_ALIASES_MAX)
                return -EINVAL;
        strv_free(c->uri_aliases);
        c->uri_aliases = TAKE_PTR(words);
        return 0;
}

static int format_aliases(const Config *c, const ConfigKey *key, char **ret) {
        if (!c->uri_aliases || !*c->uri_aliases)
                return 0;
        *ret = strv_join(c->uri_aliases, " ");
        return *ret ? 0 : -ENOMEM;
}

static int parse_secret(Config *c, const ConfigKey *key, const char *value) {
        bool vnc = key->offset == offsetof(Config, vnc.password);

        return strlen(value) > (vnc ? VNC_PASSWORD_MAX : 60) ? -EINVAL : set_string(c, key, value);
}

static int format_secret(const Config *c, const ConfigKey *key, char **ret) {
        return *CONST_MEMBER(c, key, char *) ? free_and_strdup(ret, "(hidden)") : 0;
}

static int parse_elsewhere(Config *c, const ConfigKey *key, const char *value) {
        return 0;
}

static int format_elsewhere(const Config *c, const ConfigKey *key, char **ret) {
        return 0;
}

/* --- the table at work --- */

static const struct {
        int (*parse)(Config *c, const ConfigKey *key, const char *value); /* "": back to what it is without */
        int (*format)(const Config *c, const ConfigKey *key, char **ret);
} types[_CONFIG_TYPE_MAX] = {
        [CONFIG_WORD] = { parse_word, format_word },
        [CONFIG_NANOSECONDS] = { parse_nanoseconds, format_nanoseconds },
        [CONFIG_CPUS] = { parse_cpus, format_cpus },
        [CONFIG_POOLS] = { parse_pools, format_pools },
        [CONFIG_CATEGORIES] = { parse_categories, format_categories },
        [CONFIG_YES_NO] = { parse_yes_no, format_yes_no },
        [CONFIG_ADDRESS] = { parse_address, format_string },
        [CONFIG_PATH] = { parse_path, format_string },
        [CONFIG_SECURITY_DRIVER] = { parse_security_driver, format_security_driver },
        [CONFIG_USER] = { parse_user, format_string },
        [CONFIG_DEVICES] = { parse_devices, format_devices },
        [CONFIG_URI] = { parse_uri, format_string },
        [CONFIG_ALIASES] = { parse_aliases, format_aliases },
        [CONFIG_SECRET] = { parse_secret, format_secret },
        [CONFIG_ELSEWHERE] = { parse_elsewhere, format_elsewhere },
};

int config_format(const Config *c, const ConfigKey *key, char **ret) {
        *ret = NULL;
        return types[key->type].format(c, key, ret);
}

/* HaltPollNs and halt_poll_ns are one word: systemd's spelling and libvirt's. */
static bool same_word(const char *a, const char *b) {
        for (;; a++, b++) {
                a += strspn(a, "_");
                b += strspn(b, "_");
                if (tolower((unsigned char) *a) != tolower((unsigned char) *b))
                        return false;
                if (!*a)
                        return true;
        }
}

static const ConfigKey *find_key(const char *section, const char *name) {
        FOREACH_ARRAY(k, config_keys, n_config_keys)
                if ((!section || streq(k->section, section)) && same_word(k->name, name))
                        return k;
        return NULL;
}

static bool is_section(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(sections); i++)
                if (streq(sections[i], name))
                        return true;
        return false;
}

static int wrong_value(Config *c, const ConfigKey *key, int r, const IniLine *line, Diag *diag) {
        _cleanup_free_ char *words = key->words ? string_table_words(key->words) : NULL;

        c->wrong |= key->reader;
        if (r == -ENOTUNIQ)
                (void) ini_error(diag, line, "%s: '%s': pages of one size are either the machine's or those of NUMA nodes, not both",
                                 key->name, line->value);
        else if (r == -E2BIG)
                (void) ini_error(diag, line, "%s: more than %u pools", key->name, HUGE_PAGE_POOLS_MAX);
        else if (key->type == CONFIG_SECRET) /* which stays out of messages */
                (void) ini_error(diag, line, "%s is not %s", key->name, key->expected);
        else
                (void) ini_error(diag, line, "%s: '%s' is not %s%s", key->name, line->value, words ? "one of: " : "",
                                 words ?: key->expected);
        return 0; /* with the next line */
}

static int assign(void *userdata, const IniLine *line, Diag *diag) {
        Config *c = userdata;

        if (!line->section) {
                c->wrong |= CONFIG_FOR_ALL;
                (void) ini_error(diag, line, "'%s' is in no section: [QEMU], [Host] or [Connect] must be above it", line->key);
                return 0;
        }
        if (startswith(line->section, "X-") || (line->key && startswith(line->key, "X-")))
                return 0;
        if (!is_section(line->section))
                return line->key ? 0 : ini_warning(diag, line, "section [%s] is not known", line->section);
        if (!line->key)
                return 0;
        const ConfigKey *key = find_key(line->section, line->key), *elsewhere = find_key(NULL, line->key);
        if (!key && elsewhere)
                return ini_warning(diag, line, "%s belongs into section [%s]", elsewhere->name, elsewhere->section);
        if (!key)
                return ini_warning(diag, line, "[%s] has no setting '%s'", line->section, line->key);
        if (key->type == CONFIG_ELSEWHERE)
                return ini_warning(diag, line, "%s has no effect: %s", key->name, key->doc);
        bool takes_list = key->type == CONFIG_POOLS || key->type == CONFIG_SECURITY_DRIVER || key->type == CONFIG_DEVICES ||
                          key->type == CONFIG_ALIASES;
        int r = line->list && !takes_list ? -EINVAL : types[key->type].parse(c, key, line->value);
        return r == -ENOMEM || r >= 0 ? r : wrong_value(c, key, r, line, diag);
}

int config_parse(const char *text, size_t size, const char *file, Config *c, Diag *diag) {
        ConfigReader before = c->wrong;

        c->wrong = 0;
        int r = ini_parse(text, size, file, assign, c, diag);
        if (r == -EINVAL) /* lines that could have been for anybody */
                c->wrong |= CONFIG_FOR_ALL;
        if (r >= 0 && c->wrong)
                r = -EINVAL;
        c->wrong |= before;
        return r;
}
