/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain-record.h"
#include "definition.h"
#include "definitions.h"
#include "domain-xml.h"
#include "file-util.h"
#include "firmware.h"
#include "names.h"
#include "plans.h"
#include "runtime.h"
#include "parse-util.h"
#include "path-walk.h"
#include "places-record.h"
#include "saved-file.h"
#include "siphash.h"
#include "string-util.h"
#include "strv.h"
#include "tpm-state.h"
#include "xml-edit.h"

void parsed_definition_done(ParsedDefinition *p) {
        domain_free(p->domain);
        *p = (ParsedDefinition) {};
}

/* With PARSE_STRICT the warnings of the parser, about what it does not know, count as errors. */
static int promote_warnings(Diag *diag) {
        int r = 0;

        FOREACH_ARRAY(e, diag->entries, diag->n_entries)
                if (e->severity == DIAG_WARNING) {
                        e->severity = DIAG_ERROR;
                        diag->n_errors++;
                        r = -EINVAL;
                }
        return r;
}

int definition_parse(Manager *m, const char *text, size_t size, ParseFlags flags, Diag *diag,
                     ParsedDefinition *ret) {
        _cleanup_parsed_definition_ ParsedDefinition p = { .text = text, .size = size };
        const HostFacts *facts = &host_facts_generic;
        int r, problem = 0;

        r = domain_from_xml(text, size, diag, &p.domain);
        if ((flags & PARSE_STRICT) && diag)
                problem = promote_warnings(diag);
        if (r < 0)
                return r;
        if (!(flags & PARSE_GENERIC)) {
                r = manager_facts(m, &facts);
                if (r < 0)
                        return r;
        }
        if (!p.domain->name)
                return diag_error(diag, p.domain->loc, "XML error: domain has no <name>");
        p.uuid_written = p.domain->has_uuid;
        p.has_secret = domain_holds_secret(p.domain);
        digest_hex(text, size, p.digest);

        /* All of the checks run, so that all problems are told at once. */
        r = vm_name_check(p.domain->name, p.domain->name_loc, diag);
        if (r < 0)
                problem = r;
        /* What is remembered is about this machine, and a name that cannot be is no path. */
        else if (!(flags & PARSE_GENERIC) && m->remembers) {
                r = places_record_load(p.domain->name, p.domain, diag);
                if (r < 0)
                        return r;
        }
        r = domain_complete(p.domain, facts, diag);
        if (r < 0)
                return r;
        r = domain_validate(p.domain, diag);
        if (r < 0)
                problem = r;
        r = facts->session ? domain_check_session(p.domain, diag) : 0;
        if (r < 0)
                problem = r;
        if (problem < 0)
                return problem;
        *ret = p;
        p = (ParsedDefinition) {};
        return 0;
}

int definition_check_file_name(const char *path, const Domain *d, Diag *diag) {
        const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
        size_t n = strlen(d->name);

        if (startswith(file, d->name) && streq(file + n, ".xml"))
                return 0;
        return diag_error(diag, d->name_loc, "name '%s' does not match the file's name '%s'", d->name, file);
}

/* --- rules of names --- */

static int load_existing(Manager *m, const char *name, Domain **ret) {
        Vm vm = { .name = (char *) name, .persistent = true };

        return vm_load_domain(m, &vm, true, NULL, ret);
}

/* Another definition must not have the UUID, and a known name must not get another one: libvirt's rules. */
static int check_identity(Manager *m, const ParsedDefinition *p, Diag *diag) {
        _cleanup_definition_list_ DefinitionList list = {};
        char uuid[37];

        if (!p->uuid_written)
                return 0;
        int r = definition_list(NULL, &list);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot read the definitions: %s", strerror(-r));
        FOREACH_ARRAY(i, list.items, list.n_items) {
                _cleanup_(domain_freep) Domain *d = NULL;

                if (load_existing(m, i->name, &d) < 0 || !d->has_uuid)
                        continue; /* a broken one may be replaced */
                bool same_name = streq(i->name, p->domain->name);
                bool same_uuid = memcmp(d->uuid, p->domain->uuid, 16) == 0;
                if (same_name == same_uuid)
                        continue;
                format_uuid(d->uuid, uuid);
                return diag_error_code(diag, -EEXIST, (SrcLoc) {},
                                       same_name ? "operation failed: domain '%s' already exists with uuid %s" :
                                                   "operation failed: domain '%s' is already defined with uuid %s",
                                       i->name, uuid);
        }
        return 0;
}

/* What only the emulator knows (machine types, devices, addresses) is checked before anything is written, as
 * libvirt does: a definition that could never start is not taken. */
static int check_emulator(Manager *m, ParsedDefinition *p, ParseFlags flags, Diag *diag) {
        return definition_complete(m, &p->domain, p->text, p->size,
                                   PLANNING_HOST | (flags & PARSE_STRICT ? PLANNING_STRICT : 0), diag, NULL);
}

/* All that is asked of a definition before it is stored. */
static int check_acceptable(Manager *m, ParsedDefinition *p, ParseFlags flags, Diag *diag) {
        int r = check_identity(m, p, diag);
        return r < 0 ? r : check_emulator(m, p, flags, diag);
}

/* --- writing --- */

#define LOCK_FILE ".definitions"

/* Who has read a definition in order to write it writes it, or learns that it is another one by now. Who may not make the
 * file has no lock, but the same checks. */
static int lock_definitions(Manager *m) {
        _cleanup_close_ int dir_fd = manager_open_runtime(m, NULL);

        return dir_fd < 0 ? dir_fd : runtime_lock(dir_fd, LOCK_FILE);
}

static char *definition_path(char *const *dirs, const char *name) {
        return dirs && dirs[0] ? strf("%s/%s.xml", dirs[0], name) : NULL;
}

/* A link in the place of a definition stays, and what it leads to is written: 1, with that in *ret. Only where nobody else
 * can change what it leads to: a file of root's, in directories of root's, for root. 0: there is no link, or it masks. */
static int follow_link(const char *path, PathWalk *ret, Diag *diag) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        _cleanup_free_ char *reason = NULL;
        struct stat st;

        if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode) || (stat(path, &st) >= 0 && S_ISCHR(st.st_mode)))
                return 0;
        int r = path_walk(path, PATH_WALK_REPLACE, &w, &reason);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot write '%s': it is a link, and %s", path, strempty(reason));
        if (!S_ISREG(w.st.st_mode))
                return diag_error_code(diag, -EBADF, (SrcLoc) {}, "cannot write '%s': it is a link to '%s', which is no regular file",
                                       path, w.resolved);
        if (geteuid() == 0 && (!w.trusted || w.st.st_uid != 0 || (w.st.st_mode & 022)))
                return diag_error_code(diag, -EPERM, (SrcLoc) {}, "cannot write '%s': it is a link to '%s', which others than root "
                                       "can change", path, w.resolved);
        *ret = w;
        w = PATH_WALK_EMPTY;
        return 1;
}

static char *directory_of(const char *path) {
        return strndup(path, (size_t) (strrchr(path, '/') - path));
}

/* What runs is changed first, and not all of that can be taken back: who may not write learns it before. */
static int check_writable(const char *path, Diag *diag) {
        _cleanup_path_walk_ PathWalk target = PATH_WALK_EMPTY;

        int r = follow_link(path, &target, diag);
        if (r < 0)
                return r;
        _cleanup_free_ char *dir = directory_of(r > 0 ? target.resolved : path);
        if (!dir)
                return -ENOMEM;
        if (faccessat(AT_FDCWD, dir, W_OK, AT_EACCESS) >= 0 || errno == ENOENT)
                return 0;
        return diag_error_code(diag, -errno, (SrcLoc) {}, "cannot write '%s': %s", path, strerror(errno));
}

static int write_definition(const char *path, const char *text, size_t size, bool secret, Diag *diag) {
        _cleanup_path_walk_ PathWalk target = PATH_WALK_EMPTY;
        _cleanup_free_ char *dir = directory_of(path);
        _cleanup_close_ int target_dir = -EBADF;
        mode_t mode = secret ? 0600 : 0644;
        struct stat st;

        if (!dir)
                return -ENOMEM;
        int linked = follow_link(path, &target, diag);
        if (linked < 0)
                return linked;
        int r = linked ? target_dir = path_reopen(target.parent_fd, O_RDONLY | O_DIRECTORY) : mkdir_parents(dir, 0755);
        /* Who made the file unreadable for others wants it to stay so. */
        if (r >= 0 && stat(path, &st) >= 0 && S_ISREG(st.st_mode))
                mode &= st.st_mode | 0600;
        if (r >= 0)
                r = linked ? write_file_atomic(target_dir, target.last, text, size, mode) :
                             write_file_atomic(AT_FDCWD, path, text, size, mode);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot write '%s': %s", path, strerror(-r));
        return 0;
}

/* How an earlier machine of that name has ended is not this one's story. DIR_FD: of what is left of it at run time; may be -1. */
static void forget_end(int dir_fd) {
        if (dir_fd >= 0)
                (void) unlinkat(dir_fd, RUNTIME_STATE, 0);
}

/* What is left of a machine that is not there any more; systemd is asked only if there is something. */
static int open_leftover(Manager *m, const char *name) {
        _cleanup_close_ int dir = manager_open_runtime(m, name);
        _cleanup_vm_ Vm vm = {};

        return dir >= 0 && vm_lookup(m, name, VM_BY_NAME, NULL, &vm) == -ENOENT ? TAKE_FD(dir) : -EBADF;
}

int vm_define(Manager *m, const char *text, size_t size, ParseFlags flags, Diag *diag, char **ret_name) {
        _cleanup_parsed_definition_ ParsedDefinition p = {};
        _cleanup_strv_ char **dirs = NULL;

        int r = definition_parse(m, text, size, flags, diag, &p);
        if (r < 0)
                return r;
        r = check_acceptable(m, &p, flags, diag);
        if (r >= 0)
                r = definition_directories(&dirs);
        if (r < 0)
                return r;
        _cleanup_free_ char *path = definition_path(dirs, p.domain->name);
        if (!path)
                return -ENOMEM;
        _cleanup_close_ int lock = lock_definitions(m);
        /* Once more: another call may have taken the UUID while the emulator was asked. */
        r = check_identity(m, &p, diag);
        if (r < 0)
                return r;
        _cleanup_close_ int leftover = open_leftover(m, p.domain->name);
        r = write_definition(path, text, size, p.has_secret, diag);
        if (r < 0)
                return r;
        forget_end(leftover);
        if (ret_name)
                *ret_name = TAKE_PTR(p.domain->name);
        return 0;
}

/* Is there a definition in a directory behind DIRS[0]? */
static bool has_other_definition(char *const *dirs, const char *name) {
        STRV_FOREACH(d, dirs + 1) {
                _cleanup_free_ char *path = strf("%s/%s.xml", *d, name);
                if (path && access(path, F_OK) >= 0)
                        return true;
        }
        return false;
}

/* A link to /dev/null, in the place of whatever is there. */
static int mask(const char *path) {
        _cleanup_free_ char *dir = directory_of(path);
        _cleanup_free_ char *temporary = strf("%s/.#mask.%lx", strempty(dir), (unsigned long) getpid());

        if (!dir || !temporary)
                return -ENOMEM;
        int r = mkdir_parents(dir, 0755);
        if (r < 0)
                return r;
        (void) unlink(temporary);
        if (symlink("/dev/null", temporary) < 0)
                return -errno;
        if (rename(temporary, path) < 0) {
                r = -errno;
                (void) unlink(temporary);
                return r;
        }
        return 0;
}

/* Takes D away, which is NAME's, or masks what would come to light then. PATH: the administrator's file. A loss of power does not
 * bring back what is said to be gone. */
static int remove_definition(const Definition *d, char *const *dirs, const char *name, const char *path, Diag *diag) {
        int r = 0;

        if (d->kind == DEFINITION_RUNTIME && unlink(d->path) < 0)
                r = -errno;
        else if (has_other_definition(dirs, name))
                r = mask(path);
        else if (d->kind == DEFINITION_PERSISTENT && unlink(path) < 0)
                r = -errno;
        if (r >= 0)
                r = sync_directory_of(AT_FDCWD, d->kind == DEFINITION_RUNTIME ? d->path : path);
        return r < 0 ? diag_error_code(diag, r, (SrcLoc) {}, "cannot remove '%s': %s", d->path, strerror(-r)) : 0;
}

/* Where the firmware of VM keeps its variables, if there is such a file: what the definition names (as good as it can be read:
 * also a broken one can be undefined), or what is in the state directory. *ret, the caller's, is NULL if not. */
static int find_nvram(Manager *m, const Vm *vm, char **ret) {
        _cleanup_free_ char *path = m->remembers ? vm_state_path(vm->name, NVRAM_FILE) : NULL;
        _cleanup_(domain_freep) Domain *d = NULL;
        struct stat st;

        if (m->remembers && !path)
                return -ENOMEM;
        if (load_existing(m, vm->name, &d) >= 0 && d->os.nvram && free_and_strdup(&path, d->os.nvram) < 0)
                return -ENOMEM;
        /* A device is not removed, and what is behind a link is somebody else's. */
        if (path && (lstat(path, &st) < 0 || !S_ISREG(st.st_mode)))
                path = mfree(path);
        *ret = TAKE_PTR(path);
        return 0;
}

/* What it leaves behind when the definition goes must have been spoken about. */
static int check_undefine(Manager *m, const Vm *vm, VmUndefineFlags flags, const char *nvram, Diag *diag) {
        const char *why = NULL;

        if (!vm->persistent)
                why = "cannot undefine transient domain";
        else if (vm_has_managed_save(m, vm) && !(flags & VM_UNDEFINE_MANAGED_SAVE))
                why = "Refusing to undefine while domain managed save image exists";
        else if (nvram && !(flags & (VM_UNDEFINE_NVRAM | VM_UNDEFINE_KEEP_NVRAM)))
                why = "cannot undefine domain with nvram";
        return why ? diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: %s", why) : 0;
}

/* Before the definition: while that is there, the same call finishes what was interrupted. */
static int remove_data(Manager *m, const Vm *vm, VmUndefineFlags flags, const char *nvram, Diag *diag) {
        int r = m->remembers && (flags & VM_UNDEFINE_MANAGED_SAVE) ? managed_save_remove(vm->name) : 0;

        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot remove the managed save of '%s': %s", vm->name, strerror(-r));
        /* That of a machine that runs is in use. */
        if (m->remembers && !(flags & VM_UNDEFINE_KEEP_TPM) && !vm->active && (r = tpm_state_remove(vm->name)) < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot remove the state of the TPM of '%s': %s", vm->name, strerror(-r));
        if (nvram && (flags & VM_UNDEFINE_NVRAM) && unlink(nvram) < 0 && errno != ENOENT)
                return diag_error_code(diag, -errno, (SrcLoc) {}, "failed to remove nvram: %s: %s", nvram, strerror(errno));
        return 0;
}

int vm_undefine(Manager *m, const Vm *vm, VmUndefineFlags flags, Diag *diag) {
        _cleanup_free_ char *nvram = NULL;
        _cleanup_definition_ Definition d = {};
        _cleanup_strv_ char **dirs = NULL;

        int r = find_nvram(m, vm, &nvram);
        if (r >= 0)
                r = check_undefine(m, vm, flags, nvram, diag);
        if (r >= 0)
                r = definition_directories(&dirs);
        if (r < 0)
                return r;
        _cleanup_close_ int lock = lock_definitions(m);
        r = definition_find(vm->name, &d);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "%s", definition_error(r));
        _cleanup_free_ char *path = definition_path(dirs, vm->name);
        if (!path)
                return -ENOMEM;

        bool autostart = vm_autostart(m, vm);
        r = autostart ? m->backend->set_unit_enabled(m->userdata, vm->unit, false, diag) : 0;
        if (r < 0)
                return r;
        r = remove_data(m, vm, flags, nvram, diag);
        if (r >= 0)
                r = remove_definition(&d, dirs, vm->name, path, diag);
        if (r < 0) {
                if (autostart)
                        (void) m->backend->set_unit_enabled(m->userdata, vm->unit, true, NULL);
                return r;
        }
        _cleanup_free_ char *seed = m->remembers ? vm_state_path(vm->name, CLOUD_INIT_FILE) : NULL;
        if (seed && unlink(seed) < 0 && errno != ENOENT)
                return diag_error_code(diag, -errno, (SrcLoc) {}, "cannot remove '%s': %s", seed, strerror(errno));
        r = m->remembers ? places_record_remove(vm->name) : 0;
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot forget the addresses of '%s': %s", vm->name, strerror(-r));
        r = m->remembers ? chain_record_remove(vm->name) : 0;
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot forget the images of '%s': %s", vm->name, strerror(-r));
        /* All of it in one directory. */
        r = seed ? sync_directory_of(AT_FDCWD, seed) : 0;
        if (r < 0 && r != -ENOENT)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot forget what is left of '%s': %s", vm->name, strerror(-r));
        _cleanup_close_ int dir = vm->active ? -EBADF : manager_open_runtime(m, vm->name);
        forget_end(dir);
        return 0;
}

int vm_redefine(Manager *m, const Vm *vm, const char *old_digest, const char *text, size_t size,
                ParseFlags flags,
                Diag *diag) {
        _cleanup_parsed_definition_ ParsedDefinition p = {};
        _cleanup_(domain_freep) Domain *old = NULL;
        _cleanup_definition_ Definition d = {};
        _cleanup_strv_ char **dirs = NULL;

        int r = definition_parse(m, text, size, flags, diag, &p);
        if (r < 0)
                return r;
        if (!streq(p.domain->name, vm->name))
                return diag_error(diag, p.domain->name_loc,
                                  "operation failed: the name may not be changed: '%s' became '%s'", vm->name,
                                  p.domain->name);
        r = check_acceptable(m, &p, flags, diag);
        if (r >= 0)
                r = definition_directories(&dirs);
        if (r < 0)
                return r;
        _cleanup_close_ int lock = lock_definitions(m);
        r = definition_load(vm->name, &d);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "%s", definition_error(r));
        if (!streq(d.digest, old_digest))
                return diag_error_code(diag, -ESTALE, (SrcLoc) {},
                                       "the XML configuration was changed by another user");
        /* A vendor's file is not touched: the administrator's comes before it. */
        _cleanup_free_ char *path = d.kind == DEFINITION_RUNTIME ? strdup(d.path) :
                definition_path(dirs, vm->name);
        if (!path)
                return -ENOMEM;
        if (flags & PARSE_DRY_RUN)
                return check_writable(path, diag);
        return write_definition(path, text, size, p.has_secret, diag);
}

/* --- another name --- */

/* The text of D with the new name. The UUID stays, also one that was made of the name. */
static int rename_text(Manager *m, const Definition *d, const char *new_name, Diag *diag, bool *ret_secret, char **ret, size_t *ret_size) {
        _cleanup_parsed_definition_ ParsedDefinition p = {}, renamed = {};
        _cleanup_xml_edits_ XmlEdits edits = {};
        char uuid[37];

        int r = definition_parse(m, d->text, d->size, 0, diag, &p);
        if (r >= 0)
                r = xml_edits_text(&edits, new_name, "name");
        if (r >= 0 && !p.uuid_written) {
                format_uuid(p.domain->uuid, uuid);
                r = xml_edits_text(&edits, uuid, "uuid");
        }
        if (r >= 0)
                r = xml_edit_apply(d->text, d->size, edits.items, edits.n_items, diag, ret, ret_size);
        if (r >= 0)
                r = definition_parse(m, *ret, *ret_size, 0, diag, &renamed);
        *ret_secret = p.has_secret;
        return r;
}

static int move_state(Manager *m, const char *name, const char *new_name, Diag *diag) {
        _cleanup_free_ char *from = vm_state_path(name, NULL), *to = vm_state_path(new_name, NULL);

        if (!m->remembers)
                return 0;
        if (!from || !to)
                return -ENOMEM;
        if (rename(from, to) >= 0 || errno == ENOENT)
                return 0;
        return diag_error_code(diag, -errno, (SrcLoc) {}, "cannot rename '%s' to '%s': %s", from, to, strerror(errno));
}

static int check_rename(Manager *m, const Vm *vm, const char *new_name, Diag *diag) {
        const char *why = NULL;

        if (strchr(new_name, '/'))
                return diag_error(diag, (SrcLoc) {}, "XML error: name %s cannot contain '/'", new_name);
        if (vm->active)
                why = "cannot rename active domain";
        else if (!vm->persistent)
                why = "cannot rename a transient domain";
        else if (vm_has_managed_save(m, vm))
                why = "domain with a managed saved state can't be renamed";
        else if (streq(vm->name, new_name))
                why = "Can't rename domain to itself";
        return why ? diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: %s", why) : vm_name_check(new_name, (SrcLoc) {}, diag);
}

/* One that an interrupted rename has written is no obstacle. */
static int check_new_name(Manager *m, const char *new_name, const char *text, size_t size, Diag *diag) {
        _cleanup_definition_ Definition d = {};
        _cleanup_vm_ Vm other = {};

        int r = vm_lookup(m, new_name, VM_BY_NAME, NULL, &other);
        if (r == -ENOENT)
                return 0;
        if (r >= 0 && !other.active && definition_load(new_name, &d) >= 0 && d.size == size && memcmp(d.text, text, size) == 0)
                return 0;
        return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain with name '%s' already exists", new_name);
}

/* In this order, an interruption leaves a definition that has everything, but may not be started at boot: both names are
 * there, and the same call finishes it. */
int vm_rename(Manager *m, const Vm *vm, const char *new_name, Diag *diag) {
        _cleanup_free_ char *text = NULL, *new_unit = vm_unit(new_name);
        _cleanup_definition_ Definition d = {};
        _cleanup_strv_ char **dirs = NULL;
        size_t size = 0;
        bool secret;

        int r = check_rename(m, vm, new_name, diag);
        if (r >= 0)
                r = definition_directories(&dirs);
        if (r < 0)
                return r;
        _cleanup_close_ int lock = lock_definitions(m);
        r = definition_load(vm->name, &d);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "%s", definition_error(r));
        r = rename_text(m, &d, new_name, diag, &secret, &text, &size);
        if (r >= 0)
                r = check_new_name(m, new_name, text, size, diag);
        if (r < 0)
                return r;
        const char *slash = strrchr(d.path, '/');
        _cleanup_free_ char *path = definition_path(dirs, vm->name);
        _cleanup_free_ char *new_path = d.kind == DEFINITION_RUNTIME ? strf("%.*s/%s.xml", (int) (slash - d.path), d.path, new_name) :
                definition_path(dirs, new_name);
        if (!path || !new_path || !new_unit)
                return -ENOMEM;
        bool autostart = vm_autostart(m, vm), again = access(new_path, F_OK) >= 0;
        r = write_definition(new_path, text, size, secret, diag);
        if (r >= 0 && autostart)
                r = m->backend->set_unit_enabled(m->userdata, vm->unit, false, diag);
        if (r >= 0)
                r = move_state(m, vm->name, new_name, diag);
        if (r < 0) {
                if (!again)
                        (void) unlink(new_path);
                if (autostart)
                        (void) m->backend->set_unit_enabled(m->userdata, vm->unit, true, NULL);
                return r;
        }
        r = remove_definition(&d, dirs, vm->name, path, diag);
        return r >= 0 && autostart ? m->backend->set_unit_enabled(m->userdata, new_unit, true, diag) : r;
}
