#include "identity.h"

#include <elf.h>
#include <link.h>
#include <string.h>

/* -- Modules ------------------------------------------------------------ */

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash(uint64_t state, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        state = (state ^ bytes[i]) * 0x100000001B3u;
    return state;
}

static const ElfW(Phdr) *segments(const struct dl_phdr_info *info, size_t *n)
{
    *n = info->dlpi_phnum;
    return info->dlpi_phdr;
}

static size_t padded(size_t n, size_t align)
{
    return (n + align - 1) / align * align;
}

/* Copies the build-id out of a segment of notes; false: there is none. */
static bool find_build_id(const unsigned char *at, size_t size, size_t align, unsigned char id[FW_MODULE_ID])
{
    const size_t step = align == 8 ? 8 : 4;

    while (size >= sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *note = (const void *)at;
        const size_t name = padded(note->n_namesz, step), desc = padded(note->n_descsz, step);
        const size_t all = sizeof *note + name + desc;

        if (all > size)
            return false;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(note + 1, "GNU", 4) == 0) {
            const size_t n = note->n_descsz < FW_MODULE_ID ? note->n_descsz : FW_MODULE_ID;

            memset(id, 0, FW_MODULE_ID);
            memcpy(id, (const unsigned char *)(note + 1) + name, n);
            return true;
        }
        at += all;
        size -= all;
    }
    return false;
}

/* Without a build-id: a hash of what is executable, which no loader changes. */
static void hash_code(const struct dl_phdr_info *info, unsigned char id[FW_MODULE_ID])
{
    uint64_t state = 0xCBF29CE484222325u;
    size_t n;
    const ElfW(Phdr) *segment = segments(info, &n);

    for (size_t i = 0; i < n; i++)
        if (segment[i].p_type == PT_LOAD && (segment[i].p_flags & PF_X) != 0 && (segment[i].p_flags & PF_R) != 0)
            state = hash(state, (const unsigned char *)(info->dlpi_addr + segment[i].p_vaddr), segment[i].p_filesz);
    memset(id, 0, FW_MODULE_ID);
    memcpy(id, "hash", 4);
    memcpy(id + 4, &state, sizeof state);
}

static void module_id(const struct dl_phdr_info *info, unsigned char id[FW_MODULE_ID])
{
    size_t n;
    const ElfW(Phdr) *segment = segments(info, &n);

    for (size_t i = 0; i < n; i++)
        if (segment[i].p_type == PT_NOTE &&
            find_build_id((const unsigned char *)(info->dlpi_addr + segment[i].p_vaddr), segment[i].p_memsz,
                          segment[i].p_align, id))
            return;
    hash_code(info, id);
}

static bool holds(const struct dl_phdr_info *info, uintptr_t address)
{
    size_t n;
    const ElfW(Phdr) *segment = segments(info, &n);

    for (size_t i = 0; i < n; i++) {
        const uintptr_t begin = info->dlpi_addr + segment[i].p_vaddr;

        if (segment[i].p_type == PT_LOAD && address >= begin && address - begin < segment[i].p_memsz)
            return true;
    }
    return false;
}

/* -- To and fro --------------------------------------------------------- */

struct search {
    uintptr_t address;
    struct fw_identity *identity;
};

static int note_module(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *search = data;
    struct fw_identity *out = search->identity;
    const char *name = strrchr(info->dlpi_name, '/');

    (void)size;
    if (!holds(info, search->address))
        return 0;
    module_id(info, out->id);
    out->offset = search->address - info->dlpi_addr;
    out->set = 1;
    name = name != NULL ? name + 1 : info->dlpi_name;
    memcpy(out->module, name, strnlen(name, FW_MODULE_NAME - 1));
    return 1;
}

bool fw_identity_of(fw_function *function, struct fw_identity *out)
{
    struct search search = { (uintptr_t)function, out };

    memset(out, 0, sizeof *out);
    return function == NULL || dl_iterate_phdr(note_module, &search) != 0;
}

static int match_module(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *search = data;
    unsigned char id[FW_MODULE_ID];

    (void)size;
    module_id(info, id);
    if (memcmp(id, search->identity->id, sizeof id) != 0)
        return 0;
    search->address = info->dlpi_addr + search->identity->offset;
    return holds(info, search->address);
}

fw_function *fw_identity_find(const struct fw_identity *identity)
{
    struct fw_identity wanted = *identity;
    struct search search = { 0, &wanted };

    if (identity->set == 0 || dl_iterate_phdr(match_module, &search) == 0)
        return NULL;
    return (fw_function *)search.address;
}

bool fw_identity_same(const struct fw_identity *a, const struct fw_identity *b)
{
    return a->set == b->set && a->offset == b->offset && memcmp(a->id, b->id, sizeof a->id) == 0;
}
