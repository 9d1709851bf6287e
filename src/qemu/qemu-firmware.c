/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fnmatch.h>
#include <json-c/json.h>

#include "qemu-device.h"
#include "qemu-firmware.h"
#include "string-util.h"
#include "strv.h"

/* --- descriptors --- */

#define DESCRIPTOR_DEPTH_MAX 16

static const struct {
        const char *word;
        FirmwareFeature feature;
} feature_words[] = {
        { "acpi-s3", FIRMWARE_ACPI_S3 },
        { "acpi-s4", FIRMWARE_ACPI_S4 },
        { "enrolled-keys", FIRMWARE_ENROLLED_KEYS },
        { "requires-smm", FIRMWARE_REQUIRES_SMM },
        { "secure-boot", FIRMWARE_SECURE_BOOT },
};

static json_object *get(json_object *o, const char *key, json_type type) {
        json_object *v;

        return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) &&
                               json_object_is_type(v, type)
                       ? v
                       : NULL;
}

static const char *get_string(json_object *o, const char *key) {
        json_object *v = get(o, key, json_type_string);

        return v ? json_object_get_string(v) : NULL;
}

static const char *element_string(json_object *array, size_t i) {
        json_object *v = json_object_array_get_idx(array, i);

        return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

static size_t length(json_object *array) {
        return array ? json_object_array_length(array) : 0;
}

static void read_interfaces(json_object *o, Firmware *f) {
        json_object *types = get(o, "interface-types", json_type_array);

        for (size_t i = 0; i < length(types); i++) {
                f->efi |= streq(element_string(types, i), "uefi");
                f->bios |= streq(element_string(types, i), "bios");
        }
}

static void read_features(json_object *o, Firmware *f) {
        json_object *features = get(o, "features", json_type_array);

        for (size_t i = 0; i < length(features); i++)
                FOREACH_ARRAY(w, feature_words, ELEMENTSOF(feature_words))
                        if (streq(element_string(features, i), w->word))
                                f->features |= w->feature;
}

static int read_targets(json_object *o, Firmware *f) {
        json_object *targets = get(o, "targets", json_type_array);

        for (size_t i = 0; i < length(targets); i++) {
                json_object *target = json_object_array_get_idx(targets, i);
                json_object *machines = get(target, "machines", json_type_array);
                const char *word = get_string(target, "architecture");
                /* QEMU's name of it. */
                int arch = streq_ptr(word, "i386") ? ARCH_I686 : streq_ptr(word, "arm") ? ARCH_ARMV7L : word ? (int) arch_from_string(word) : -1;

                if (arch <= 0)
                        continue;
                if (!ARRAY_GROW(f->targets, f->n_targets))
                        return -ENOMEM;
                FirmwareTarget *t = f->targets + f->n_targets++;
                *t = (FirmwareTarget) { .arch = (Arch) arch };
                for (size_t k = 0; k < length(machines); k++)
                        if (strv_extend(&t->machines, element_string(machines, k)) < 0)
                                return -ENOMEM;
        }
        return 0;
}

/* A file of a mapping; another format than raw makes the firmware useless. */
static int read_file_of(json_object *mapping, const char *key, Firmware *f, char **ret) {
        json_object *file = get(mapping, key, json_type_object);
        const char *format = get_string(file, "format"), *name = get_string(file, "filename");

        if (!name)
                return -EINVAL;
        f->unusable |= !streq_ptr(format, "raw") || *name != '/';
        return free_and_strdup(ret, name);
}

static int read_mapping(json_object *o, Firmware *f) {
        json_object *mapping = get(o, "mapping", json_type_object);
        const char *device = get_string(mapping, "device"), *mode = get_string(mapping, "mode"), *name;

        if (streq_ptr(device, "flash")) {
                f->device = FIRMWARE_DEVICE_FLASH;
                f->stateless = streq_ptr(mode, "stateless");
                f->unusable |= streq_ptr(mode, "combined"); /* code and variables in one file: nobody wants that shared */
                int r = read_file_of(mapping, "executable", f, &f->executable);
                return r < 0 || f->stateless || f->unusable ? r : read_file_of(mapping, "nvram-template", f, &f->nvram_template);
        }
        f->device = streq_ptr(device, "memory") ? FIRMWARE_DEVICE_MEMORY : FIRMWARE_DEVICE_KERNEL;
        name = get_string(mapping, "filename");
        f->unusable |= f->device == FIRMWARE_DEVICE_KERNEL || !name || *name != '/';
        return free_and_strdup(&f->executable, name);
}

int firmware_from_json(const char *descriptor, const char *json, Firmware *ret) {
        json_tokener *tokener = json_tokener_new_ex(DESCRIPTOR_DEPTH_MAX);
        Firmware f = { .descriptor = strdup(descriptor) };
        json_object *o;
        int r;

        if (!tokener || !f.descriptor) {
                if (tokener)
                        json_tokener_free(tokener);
                firmware_done(&f);
                return -ENOMEM;
        }
        o = json_tokener_parse_ex(tokener, json, (int) strlen(json) + 1);
        json_tokener_free(tokener);
        if (json_object_is_type(o, json_type_object)) {
                read_interfaces(o, &f);
                read_features(o, &f);
                r = read_targets(o, &f);
                if (r >= 0)
                        r = read_mapping(o, &f);
        } else
                r = -EINVAL;
        json_object_put(o);
        if (r < 0) {
                firmware_done(&f);
                return r;
        }
        *ret = f;
        return 0;
}

/* --- choice --- */

bool firmware_is_for(const Firmware *f, Arch arch, const char *machine) {
        FOREACH_ARRAY(t, f->targets, f->unusable ? 0 : f->n_targets)
                if (t->arch == arch)
                        STRV_FOREACH(pattern, t->machines)
                                if (fnmatch(*pattern, machine, 0) == 0)
                                        return true;
        return false;
}

static bool tristate_fits(Tristate wanted, bool is) {
        return wanted == TRI_UNSET || (wanted == TRI_YES) == is;
}

static bool is_what_was_asked_for(const Domain *d, const Firmware *f) {
        const DomainOs *os = &d->os;
        bool secure = f->features & FIRMWARE_SECURE_BOOT;

        if (!(os->firmware == FIRMWARE_EFI ? f->efi : f->bios) || !firmware_is_for(f, os->arch, os->machine))
                return false;
        if ((d->suspend_to_mem == TRI_YES && !(f->features & FIRMWARE_ACPI_S3)) ||
            (d->suspend_to_disk == TRI_YES && !(f->features & FIRMWARE_ACPI_S4)))
                return false;
        if (os->loader_secure == TRI_YES && !(secure && (f->features & FIRMWARE_REQUIRES_SMM)))
                return false;
        if (f->device == FIRMWARE_DEVICE_FLASH && !tristate_fits(os->loader_stateless, f->stateless))
                return false;
        return tristate_fits(os->secure_boot, secure) && tristate_fits(os->enrolled_keys, f->features & FIRMWARE_ENROLLED_KEYS);
}

static int use_firmware(Domain *d, const Firmware *f, Diag *diag) {
        OsFlash *flash = &d->os.flash;
        int r;

        if (f->features & FIRMWARE_REQUIRES_SMM) {
                if (d->features.smm == TRI_NO)
                        return diag_error(diag, d->os.loc,
                                          "firmware '%s' (%s) needs system management mode, which <smm state='off'/> turns off",
                                          f->executable, f->descriptor);
                flash->needs_smm = d->features.smm == TRI_UNSET;
                flash->secure = true;
        }
        flash->type = f->device == FIRMWARE_DEVICE_FLASH ? LOADER_PFLASH : LOADER_ROM;
        r = free_and_strdup(&flash->path, f->executable);
        if (r >= 0 && f->nvram_template)
                r = free_and_strdup(&flash->nvram_template, f->nvram_template);
        return r;
}

static int choose_firmware(Domain *d, const HostFacts *facts, Diag *diag) {
        FOREACH_ARRAY(f, facts->firmwares.list, facts->firmwares.n)
                if (is_what_was_asked_for(d, f))
                        return use_firmware(d, f, diag);
        return diag_error(diag, d->os.loc,
                          "none of the host's %zu firmwares is what <os firmware='%s'> asks for on '%s' (%s); see /usr/share/qemu/firmware",
                          facts->firmwares.n, os_firmware_to_string(d->os.firmware), d->os.machine, arch_to_string(d->os.arch));
}

/* The variables that a firmware that was given by its path begins with. */
static int find_template(OsFlash *flash, const HostFacts *facts) {
        FOREACH_ARRAY(f, facts->firmwares.list, facts->firmwares.n)
                if (f->nvram_template && streq_ptr(f->executable, flash->path))
                        return free_and_strdup(&flash->nvram_template, f->nvram_template);
        return 0;
}

static int use_loader(Domain *d, const HostFacts *facts) {
        DomainOs *os = &d->os;
        OsFlash *flash = &os->flash;

        os->loader_type = os->loader_type ?: LOADER_ROM;
        flash->type = os->loader_type;
        flash->secure = os->loader_secure == TRI_YES;
        flash->writable = os->loader_readonly != TRI_YES;
        int r = free_and_strdup(&flash->path, os->loader);
        if (r < 0 || flash->type != LOADER_PFLASH)
                return r;
        return os->nvram_template ? free_and_strdup(&flash->nvram_template, os->nvram_template) : find_template(flash, facts);
}

/* Read-only code keeps its variables elsewhere; where, is ours to say when the definition does not. */
static int complete_nvram(Domain *d, const HostFacts *facts) {
        DomainOs *os = &d->os;
        OsFlash *flash = &os->flash;
        bool split = os->firmware != FIRMWARE_UNSET ? flash->nvram_template != NULL
                                                    : !flash->writable && os->loader_stateless != TRI_YES;

        if (flash->type != LOADER_PFLASH || (!split && !os->nvram))
                return 0;
        flash->nvram_is_block = os->nvram_type == DISK_BLOCK;
        if (flash->nvram_is_block) /* whoever made the device has written them, as for any disk */
                flash->nvram_template = mfree(flash->nvram_template);
        if (os->nvram)
                return free_and_strdup(&flash->nvram, os->nvram);
        flash->nvram = strf("%s/%s/" NVRAM_FILE, facts->state_dir, d->name);
        if (!flash->nvram)
                return -ENOMEM;
        return os->firmware == FIRMWARE_UNSET ? free_and_strdup(&os->nvram, flash->nvram) : 0;
}

int qemu_complete_firmware(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag) {
        DomainOs *os = &d->os;
        int r = 0;

        if (os->loader_secure == TRI_YES && !machine_is_q35(d))
                return diag_error(diag, os->loc, "loader secure='yes' is for q35 machines, not for '%s'", os->machine);
        if (os->firmware != FIRMWARE_UNSET)
                r = choose_firmware(d, facts, diag);
        else if (os->loader)
                r = use_loader(d, facts);
        return r < 0 ? r : complete_nvram(d, facts);
}
