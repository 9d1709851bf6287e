/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "number-set.h"
#include "string-table.h"

/* What holds for all machines of a host: vmunit.conf(5). One table of keys (vmunit-config.c); files are read by
 * src/host/config-file.h. */

typedef enum MissingResources {
        MISSING_RESOURCES_UNSET,
        MISSING_RESOURCES_ERROR,
        MISSING_RESOURCES_IGNORE,
        _MISSING_RESOURCES_INVALID = -EINVAL,
} MissingResources;
DECLARE_STRING_TABLE(missing_resources, MissingResources);

typedef enum HugePageUse {
        HUGE_PAGE_USE_UNSET,
        HUGE_PAGE_USE_ALWAYS,
        HUGE_PAGE_USE_MADVISE,
        HUGE_PAGE_USE_NEVER,
        _HUGE_PAGE_USE_INVALID = -EINVAL,
} HugePageUse;
DECLARE_STRING_TABLE(huge_page_use, HugePageUse);

typedef enum HugePageDefrag {
        HUGE_PAGE_DEFRAG_UNSET,
        HUGE_PAGE_DEFRAG_ALWAYS,
        HUGE_PAGE_DEFRAG_DEFER,
        HUGE_PAGE_DEFRAG_DEFER_MADVISE,
        HUGE_PAGE_DEFRAG_MADVISE,
        HUGE_PAGE_DEFRAG_NEVER,
        _HUGE_PAGE_DEFRAG_INVALID = -EINVAL,
} HugePageDefrag;
DECLARE_STRING_TABLE(huge_page_defrag, HugePageDefrag);

/* What becomes of a VM when the host goes down. */
typedef enum HostShutdown {
        HOST_SHUTDOWN_UNSET,
        HOST_SHUTDOWN_SHUTDOWN,
        HOST_SHUTDOWN_SAVE,
        HOST_SHUTDOWN_DESTROY,
        _HOST_SHUTDOWN_INVALID = -EINVAL,
} HostShutdown;
DECLARE_STRING_TABLE(host_shutdown, HostShutdown);

/* How what is saved is kept. */
typedef enum SaveFormat {
        SAVE_FORMAT_UNSET,
        SAVE_FORMAT_RAW,
        SAVE_FORMAT_ZSTD,
        _SAVE_FORMAT_INVALID = -EINVAL,
} SaveFormat;
DECLARE_STRING_TABLE(save_format, SaveFormat);

#define WHOLE_MACHINE (-1)
#define HUGE_PAGE_POOLS_MAX 4096U

typedef struct HugePagePool {
        uint64_t size; /* of a page, bytes */
        unsigned count;
        int node; /* or WHOLE_MACHINE */
} HugePagePool;

#define VNC_PASSWORD_MAX 8U

/* What holds for the displays of one kind, VNC's or spice's, that do not say otherwise. */
typedef struct DisplayConfig {
        char *listen;   /* owned; an address; NULL: 127.0.0.1 */
        char *cert_dir; /* owned; NULL: the default one */
        char *password; /* owned; of displays that have none */
        char *sasl_dir; /* owned; NULL: SASL's own */
        bool auto_unix_socket;
        bool tls, tls_verify;
        bool sasl;
} DisplayConfig;

void display_config_done(DisplayConfig *c);

/* Whom a setting is for: who is not to go on when it is wrong. */
typedef enum ConfigReader {
        CONFIG_FOR_START = 1 << 0,  /* of a virtual machine */
        CONFIG_FOR_TUNING = 1 << 1, /* of the host */
        CONFIG_FOR_CONNECT = 1 << 2, /* to other machines */
        CONFIG_FOR_ALL = CONFIG_FOR_START | CONFIG_FOR_TUNING | CONFIG_FOR_CONNECT,
} ConfigReader;

typedef struct Config {
        MissingResources missing_resources;
        HostShutdown host_shutdown;
        SaveFormat save_image_format;
        bool has_halt_poll;
        unsigned halt_poll;          /* ns */
        NumberSet selinux_categories; /* empty: all there are */
        NumberSet kernel_worker_cpus; /* empty: not given */
        HugePageUse huge_page_use;
        HugePageDefrag huge_page_defrag;
        HugePagePool *pools; /* owned; by size, the largest first, and node */
        size_t n_pools;
        DisplayConfig vnc, spice; /* owned */
        bool no_selinux, no_apparmor; /* the security drivers were said, and this one is not among them */
        char *chardev_cert_dir, *nbd_cert_dir; /* owned; NULL: the default one */
        char *cert_dir;           /* owned: for all that have none of their own */
        char *user, *group;       /* owned: of machines that name none; NULL: one of their own each */
        char **devices;           /* owned: that all machines may use, below /dev */
        char **uri_aliases;       /* owned: "NAME=URI" */
        char *uri_default;        /* owned: where nothing says what is meant; NULL: the machine's */
        ConfigReader wrong; /* whose settings have errors */
} Config;

void config_done(Config *c);
#define _cleanup_config_ _cleanup_(config_done)

typedef enum ConfigType {
        CONFIG_WORD,
        CONFIG_NANOSECONDS,
        CONFIG_CPUS,
        CONFIG_POOLS,
        CONFIG_CATEGORIES,
        CONFIG_YES_NO,
        CONFIG_ADDRESS,
        CONFIG_PATH,
        CONFIG_SECURITY_DRIVER,
        CONFIG_USER,
        CONFIG_DEVICES,
        CONFIG_URI,
        CONFIG_ALIASES,
        CONFIG_SECRET,    /* not for the eyes of everybody */
        CONFIG_ELSEWHERE, /* libvirt has it, and here something else has its place: doc says what */
        _CONFIG_TYPE_MAX,
} ConfigType;

typedef struct ConfigKey {
        const char *section, *name;
        ConfigType type;
        ConfigReader reader;
        size_t offset;            /* in Config */
        const StringTable *words; /* of a word */
        const char *expected;     /* for messages */
        const char *doc;          /* one line */
} ConfigKey;

extern const ConfigKey config_keys[];
extern const size_t n_config_keys;

/* Adds what a file says to C; a later file wins. TEXT has a NUL behind SIZE bytes. Keys and sections nobody knows are
 * warnings; wrong values are errors, and C keeps what it had. 0, -EINVAL (see ret->wrong as well) or -ENOMEM. */
int config_parse(const char *text, size_t size, const char *file, Config *c, Diag *diag);

/* A setting as it would be written; *ret is NULL (and 0 returned) when it is not given. */
int config_format(const Config *c, const ConfigKey *key, char **ret);
/* "2M", "1G": as short as it can be. NULL when memory is out. */
char *config_format_size(uint64_t bytes);
