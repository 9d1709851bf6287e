/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "config-file.h"
#include "connection.h"
#include "libxml.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"

#define URI_MAX 4096U

void connection_done(Connection *c) {
        free(c->uri);
        free(c->host);
        free(c->user);
        free(c->ssh);
        free(c->keyfile);
        *c = (Connection) {};
}

#define REFUSE(diag, r, ...) diag_error_code(diag, r, (SrcLoc) {}, __VA_ARGS__)

/* --- what ssh gets: words of an argv, but it hands them on to its configuration, where shells may see them --- */

static int set_host(Connection *c, const char *host, Diag *diag) {
        if (*host == '-' || !*host || strlen(host) > 255 || !in_charset(host, ALPHANUMERICAL ".-_:%"))
                return REFUSE(diag, -EINVAL, "invalid argument: '%s' is no name of a host", host);
        return free_and_strdup(&c->host, host);
}

static int set_user(Connection *c, const char *user, Diag *diag) {
        if (*user == '-' || !*user || strlen(user) > 255 || !in_charset(user, ALPHANUMERICAL ".-_+@"))
                return REFUSE(diag, -EINVAL, "invalid argument: '%s' is no name of a user", user);
        return free_and_strdup(&c->user, user);
}

static int set_server(Connection *c, const char *server, Diag *diag) {
        size_t n = strlen(server);
        /* [::1]: ssh wants it bare. */
        _cleanup_free_ char *bare = *server == '[' && n > 2 && server[n - 1] == ']' ? strndup(server + 1, n - 2) : strdup(server);

        return bare ? set_host(c, bare, diag) : -ENOMEM;
}

static int set_number(const char *name, const char *value, bool *ret, Diag *diag) {
        unsigned v;

        if (parse_uint(value, &v) < 0)
                return REFUSE(diag, -EINVAL, "invalid argument: Failed to parse value of URI component %s", name);
        *ret = v != 0;
        return 0;
}

static int set_parameter(Connection *c, const char *name, const char *value, Diag *diag) {
        if (c->host && streq(name, "no_verify"))
                return set_number(name, value, &c->no_verify, diag);
        if (c->host && streq(name, "no_tty"))
                return set_number(name, value, &c->no_tty, diag);
        if (c->host && streq(name, "keyfile"))
                return free_and_strdup(&c->keyfile, value);
        if (c->host && streq(name, "command")) {
                if (*value == '-' || !*value)
                        return REFUSE(diag, -EINVAL, "invalid argument: '%s' is no name of a program", value);
                return free_and_strdup(&c->ssh, value);
        }
        /* The others of libvirt's are about its daemon, its libraries and TLS. */
        return REFUSE(diag, -EOPNOTSUPP, "not supported: the parameter '%s' of URI '%s'", name, c->uri);
}

static int set_parameters(Connection *c, const char *query, Diag *diag) {
        _cleanup_strv_ char **items = NULL;

        int r = strv_split(query, "&;", &items);
        STRV_FOREACH(i, items) {
                char *equals = strchr(*i, '=');
                if (equals)
                        *equals++ = 0;
                char *name = xmlURIUnescapeString(*i, 0, NULL), *value = xmlURIUnescapeString(equals ?: "", 0, NULL);
                if (r >= 0)
                        r = name && value ? set_parameter(c, name, value, diag) : -ENOMEM;
                xmlFree(name);
                xmlFree(value);
        }
        return r;
}

/* --- schemes --- */

static int set_qemu(Connection *c, const xmlURI *uri, Diag *diag) {
        const char *path = strempty(uri->path);

        c->session = streq(path, "/session");
        if (!c->session && !streq(path, "/system"))
                return REFUSE(diag, -EINVAL, "internal error: unexpected qemu URI path '%s', try qemu:///system", path);
        return uri->query_raw ? set_parameters(c, uri->query_raw, diag) : 0;
}

static int set_local(Connection *c, const xmlURI *uri, Diag *diag) {
        if (!isempty(uri->server))
                return REFUSE(diag, -EOPNOTSUPP, "not supported: URI '%s': other hosts are reached by qemu+ssh://", c->uri);
        return set_qemu(c, uri, diag);
}

static int set_ssh(Connection *c, const xmlURI *uri, Diag *diag) {
        int r = set_server(c, isempty(uri->server) ? "localhost" : uri->server, diag);

        if (r >= 0 && uri->user)
                r = set_user(c, uri->user, diag);
        if (r >= 0 && uri->port > UINT16_MAX)
                r = REFUSE(diag, -EINVAL, "internal error: Unable to parse URI %s", c->uri);
        if (r < 0)
                return r;
        c->port = uri->port > 0 ? (unsigned) uri->port : 0; /* -1: there is not even a host */
        return set_qemu(c, uri, diag);
}

static int set_test(Connection *c, const xmlURI *uri, Diag *diag) {
        const char *path = strempty(uri->path);

        if (streq(path, "") || streq(path, "/"))
                return REFUSE(diag, -EINVAL, "invalid argument: testOpen: supply a path or use test:///default");
        if (!isempty(uri->server) || !streq(path, "/default") || uri->query_raw)
                return REFUSE(diag, -EOPNOTSUPP, "not supported: URI '%s': use test:///default", c->uri);
        c->test = true;
        return 0;
}

static const struct {
        const char *scheme;
        int (*set)(Connection *c, const xmlURI *uri, Diag *diag);
} schemes[] = {
        { "qemu", set_local },
        { "qemu+unix", set_local },
        { "qemu+ssh", set_ssh },
        { "test", set_test },
};

static int set_uri(Connection *c, const xmlURI *uri, Diag *diag) {
        if (isempty(uri->scheme))
                return REFUSE(diag, -EINVAL, "no connection driver available for URI '%s' does not include a driver name", c->uri);
        for (size_t i = 0; i < ELEMENTSOF(schemes); i++)
                if (streq(schemes[i].scheme, uri->scheme))
                        return schemes[i].set(c, uri, diag);
        if (startswith(uri->scheme, "qemu+"))
                return REFUSE(diag, -EOPNOTSUPP, "not supported: the transport of URI '%s': ssh and unix are there", c->uri);
        return REFUSE(diag, -EOPNOTSUPP, "no connection driver available for %s", c->uri);
}

static int parse_uri(Connection *c, Diag *diag) {
        xmlURI *parsed = strlen(c->uri) <= URI_MAX ? xmlParseURI(c->uri) : NULL;
        if (!parsed)
                return REFUSE(diag, -EINVAL, "internal error: Unable to parse URI %.200s", c->uri);
        int r = set_uri(c, parsed, diag);
        xmlFreeURI(parsed);
        return r;
}

int connection_parse(const char *uri, Diag *diag, Connection *ret) {
        _cleanup_connection_ Connection c = { .uri = strdup(uri) };

        if (!c.uri)
                return -ENOMEM;
        /* What nearly everybody means is told without a parser. */
        c.session = streq(uri, CONNECTION_SESSION);
        if (!c.session && !streq(uri, CONNECTION_SYSTEM)) {
                int r = parse_uri(&c, diag);
                if (r < 0)
                        return r;
        }
        *ret = c;
        c = (Connection) {};
        return 0;
}

int connection_parse_host(const char *s, Diag *diag, Connection *ret) {
        const char *at = strrchr(s, '@');
        _cleanup_connection_ Connection c = { .uri = strf("qemu+ssh://%s/system", s) };
        _cleanup_free_ char *user = at ? strndup(s, (size_t) (at - s)) : NULL;

        if (!c.uri || (at && !user))
                return -ENOMEM;
        int r = set_server(&c, at ? at + 1 : s, diag);
        if (r >= 0 && user)
                r = set_user(&c, user, diag);
        if (r < 0)
                return r;
        *ret = c;
        c = (Connection) {};
        return 0;
}

/* --- what else says it --- */

static const char *default_uri(const Config *config) {
        static const char *const variables[] = { "VMUNIT_DEFAULT_URI", "VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI" };

        for (size_t i = 0; i < ELEMENTSOF(variables); i++) {
                const char *value = getenv(variables[i]);
                if (!isempty(value))
                        return value;
        }
        return config->uri_default ?: geteuid() == 0 ? CONNECTION_SYSTEM : CONNECTION_SESSION;
}

int connection_find(const char *uri, Diag *diag, Connection *ret) {
        _cleanup_config_ Config config = {};

        /* What is wrong in the files is for `vmunit hostinfo` to say; but for this, nothing of it is wanted. */
        (void) config_load(&config, NULL);
        if (isempty(uri))
                uri = default_uri(&config);
        STRV_FOREACH(a, config.uri_aliases) {
                const char *target = startswith(*a, uri);
                if (target && *target == '=')
                        return connection_parse(target + 1, diag, ret);
        }
        return connection_parse(uri, diag, ret);
}
