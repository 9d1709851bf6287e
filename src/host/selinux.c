/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <selinux/selinux.h>

#include "file-util.h"
#include "label.h"
#include "selinux-util.h"
#include "string-util.h"
#include "strv.h"

#define CONTEXTS_FILE_MAX 65536U

static void freeconp(char **context) {
        freecon(*context);
}

/* The lines of a file of contexts. */
static int read_contexts(const char *path, char ***ret) {
        _cleanup_strv_ char **lines = NULL;
        _cleanup_free_ char *text = NULL;

        int r = path ? read_file_limited(AT_FDCWD, path, CONTEXTS_FILE_MAX, &text, NULL) : -ENOENT;
        if (r >= 0)
                r = strv_split(text, "\n", &lines);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        STRV_FOREACH(line, lines) {
                const char *begin = *line + strspn(*line, WHITESPACE);
                _cleanup_free_ char *word = strndup(begin, strcspn(begin, WHITESPACE));
                if (!word || (*word && *word != '#' && strv_extend(ret, word) < 0))
                        return -ENOMEM;
        }
        return 0;
}

/* The first of CANDIDATES that the policy knows. */
static int take_valid(char *const *candidates, char **ret) {
        STRV_FOREACH(c, candidates)
                if (security_check_context(*c) >= 0)
                        return free_and_strdup(ret, *c);
        return *candidates ? free_and_strdup(ret, *candidates) : 0;
}

static int with_type(const char *context, const char *type, char **ret) {
        _cleanup_selinux_context_ SelinuxContext c = {};

        int r = selinux_context_parse(context, &c);
        if (r >= 0)
                r = free_and_strdup(&c.type, type);
        if (r < 0)
                return r;
        *ret = selinux_context_format(&c);
        return *ret ? 0 : -ENOMEM;
}

/* The line for virtual machines without KVM was not always there. Their type must be one that may execute what it has
 * written. */
static int read_process(SelinuxFacts *f) {
        _cleanup_strv_ char **lines = NULL, **emulated = NULL;

        int r = read_contexts(selinux_virtual_domain_context_path(), &lines);
        if (r >= 0)
                r = free_and_strdup(&f->process, lines ? lines[0] : "system_u:system_r:svirt_t:s0");
        if (r >= 0 && lines && lines[1])
                r = strv_extend(&emulated, lines[1]);
        STRV_FOREACH(type, STRV_MAKE((char *) "svirt_tcg_t", (char *) "svirt_prot_exec_t")) {
                char *context = NULL;
                if (r >= 0)
                        r = with_type(f->process, *type, &context);
                if (r >= 0)
                        r = strv_consume(&emulated, context);
        }
        if (r >= 0)
                r = strv_extend(&emulated, f->process);
        return r < 0 ? r : take_valid(emulated, &f->process_emulated);
}

static int read_images(SelinuxFacts *f) {
        _cleanup_strv_ char **lines = NULL;

        int r = read_contexts(selinux_virtual_image_context_path(), &lines);
        if (r >= 0)
                r = free_and_strdup(&f->image, lines ? lines[0] : "system_u:object_r:svirt_image_t:s0");
        return r < 0 ? r : free_and_strdup(&f->content, lines && lines[1] ? lines[1] : "system_u:object_r:virt_content_t:s0");
}

/* Those of the first process are the most there are; one that has none, as usual, may give all. */
static void read_categories(const NumberSet *configured, NumberSet *ret) {
        _cleanup_(freeconp) char *context = NULL;
        _cleanup_selinux_context_ SelinuxContext c = {};

        (void) categories_parse("c0.c1023", ret);
        if (getpidcon_raw(1, &context) >= 0 && selinux_context_parse(context, &c) >= 0 && c.level) {
                const char *high = strrchr(c.level, '-') ?: c.level, *colon = strchr(high, ':');
                if (colon)
                        (void) categories_parse(colon + 1, ret);
        }
        if (!number_set_is_empty(configured))
                number_set_intersect(ret, configured);
}

int selinux_facts_gather(const NumberSet *categories, SelinuxFacts *ret) {
        SelinuxFacts f = {};
        _cleanup_free_ char *supervisor = NULL;

        *ret = f;
        if (is_selinux_enabled() <= 0)
                return 0;
        f.enabled = true;
        f.enforcing = security_getenforce() != 0;
        int r = read_process(&f);
        if (r >= 0)
                r = read_images(&f);
        if (r >= 0)
                r = with_type(f.process, SUPERVISOR_TYPE, &supervisor);
        if (r < 0 && r != -EINVAL) {
                selinux_facts_done(&f);
                return r;
        }
        /* What cannot be read is not there; a start says so. */
        f.has_module = r >= 0 && security_check_context(supervisor) >= 0;
        read_categories(categories, &f.categories);
        *ret = f;
        return 0;
}

static int own_context(SelinuxContext *ret) {
        _cleanup_(freeconp) char *context = NULL;

        if (is_selinux_enabled() <= 0)
                return -EOPNOTSUPP;
        if (getcon_raw(&context) < 0)
                return -errno;
        int r = selinux_context_parse(context, ret);
        if (r >= 0 && ret->level)
                ret->level[strcspn(ret->level, "-")] = 0;
        return r;
}

int selinux_probe_context(char **ret) {
        _cleanup_selinux_context_ SelinuxContext own = {}, emulated = {};
        _cleanup_(selinux_facts_done) SelinuxFacts f = {};
        NumberSet all = {};

        *ret = NULL;
        int r = own_context(&own);
        if (r == -EOPNOTSUPP)
                return 0;
        if (r >= 0)
                r = selinux_facts_gather(&all, &f);
        if (r < 0 || !f.has_module)
                return r;
        r = selinux_context_parse(f.process_emulated, &emulated);
        if (r >= 0)
                r = free_and_strdup(&own.type, emulated.type);
        if (r < 0)
                return r;
        *ret = selinux_context_format(&own);
        return *ret ? 0 : -ENOMEM;
}

void selinux_lower_sockets(bool lower) {
        _cleanup_selinux_context_ SelinuxContext own = {};
        _cleanup_free_ char *context = NULL;
        int saved = errno;

        /* Where it is not allowed, the socket is as it is: whoever it is for may refuse it then. */
        if (own_context(&own) >= 0 && (!lower || (context = selinux_context_format(&own))))
                (void) setsockcreatecon_raw(context);
        errno = saved;
}

int selinux_set_exec(const char *context) {
        return setexeccon_raw(context) < 0 ? -errno : 0;
}
