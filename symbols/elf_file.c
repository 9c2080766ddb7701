/* SPDX-License-Identifier: MIT */
#include "symbols/elf_file.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols/debug_file.h"
#include "symbols/plt.h"
#include "symbols/xz.h"

#define PAGE 4096u

struct elf_file {
    char *name;
    int fd;
    Elf *elf;
    GElf_Ehdr header;
    GElf_Phdr *segments;
    size_t segment_count;
    const uint8_t *build_id;
    size_t build_id_size;
    struct plt *plt; /* NULL until first asked for */
};

/* ---- Opening ---- */

static struct error *read_segments(struct elf_file *file)
{
    size_t count;
    if (elf_getphdrnum(file->elf, &count) != 0)
        return error_format(ERROR_CORRUPT, "%s: %s", file->name, elf_errmsg(-1));
    file->segments = calloc(count ? count : 1, sizeof *file->segments);
    if (!file->segments)
        return error_no_memory();
    for (; file->segment_count < count; file->segment_count++) {
        if (!gelf_getphdr(file->elf, (int)file->segment_count,
                          &file->segments[file->segment_count]))
            return error_format(ERROR_CORRUPT, "%s: %s", file->name, elf_errmsg(-1));
    }
    return NULL;
}

static struct error *read_header(struct elf_file *file)
{
    file->elf = elf_begin(file->fd, ELF_C_READ, NULL);
    if (!file->elf || elf_kind(file->elf) != ELF_K_ELF || !gelf_getehdr(file->elf, &file->header))
        return error_format(ERROR_FORMAT, "%s is not an ELF file", file->name);
    return read_segments(file);
}

struct error *elf_file_open(int fd, const char *name, struct elf_file **out)
{
    elf_version(EV_CURRENT);
    struct elf_file *file = calloc(1, sizeof *file);
    if (!file)
        return error_no_memory();
    file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    file->name = strdup(name);
    struct error *error = NULL;
    if (file->fd < 0)
        error = error_errno(errno, "cannot keep %s open", name);
    else if (!file->name)
        error = error_no_memory();
    else
        error = read_header(file);
    if (error) {
        elf_file_close(file);
        return error;
    }
    const void *id;
    ssize_t size = dwelf_elf_gnu_build_id(file->elf, &id);
    if (size > 0) {
        file->build_id = id;
        file->build_id_size = (size_t)size;
    }
    *out = file;
    return NULL;
}

void elf_file_close(struct elf_file *file)
{
    if (!file)
        return;
    plt_destroy(file->plt);
    elf_end(file->elf);
    if (file->fd >= 0)
        close(file->fd);
    free(file->segments);
    free(file->name);
    free(file);
}

/* ---- Facts ---- */

uint16_t elf_file_machine(const struct elf_file *file)
{
    return file->header.e_machine;
}

uint16_t elf_file_type(const struct elf_file *file)
{
    return file->header.e_type;
}

bool elf_file_is_64bit(const struct elf_file *file)
{
    return file->header.e_ident[EI_CLASS] == ELFCLASS64;
}

uint64_t elf_file_entry(const struct elf_file *file)
{
    return file->header.e_entry;
}

struct Elf *elf_file_elf(const struct elf_file *file)
{
    return file->elf;
}

int elf_file_descriptor(const struct elf_file *file)
{
    return file->fd;
}

bool elf_file_has_interpreter(const struct elf_file *file)
{
    for (size_t i = 0; i < file->segment_count; i++) {
        if (file->segments[i].p_type == PT_INTERP)
            return true;
    }
    return false;
}

const uint8_t *elf_file_build_id(const struct elf_file *file, size_t *size)
{
    *size = file->build_id_size;
    return file->build_id;
}

bool elf_file_bias(const struct elf_file *file, uint64_t start, uint64_t offset, uint64_t *bias)
{
    bool found = false;
    for (size_t i = 0; i < file->segment_count; i++) {
        const GElf_Phdr *segment = &file->segments[i];
        if (segment->p_type != PT_LOAD || segment->p_filesz == 0)
            continue;
        uint64_t first = segment->p_offset - segment->p_offset % PAGE;
        if (offset < first ||
            (offset >= segment->p_offset && offset - segment->p_offset >= segment->p_filesz))
            continue;
        uint64_t candidate = start - (segment->p_vaddr - segment->p_offset + offset);
        /* Two segments can share a page of the file; a mapping begins where its own does. */
        if (!found || offset == first)
            *bias = candidate;
        if (offset == first)
            return true;
        found = true;
    }
    return found;
}

void elf_file_writable(const struct elf_file *file,
                       void (*visit)(uint64_t start, uint64_t end, void *data), void *data)
{
    for (size_t i = 0; i < file->segment_count; i++) {
        const GElf_Phdr *segment = &file->segments[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) &&
            segment->p_memsz <= UINT64_MAX - segment->p_vaddr)
            visit(segment->p_vaddr, segment->p_vaddr + segment->p_memsz, data);
    }
}

uint64_t elf_file_tls_size(const struct elf_file *file)
{
    for (size_t i = 0; i < file->segment_count; i++) {
        const GElf_Phdr *segment = &file->segments[i];
        if (segment->p_type == PT_TLS && segment->p_align <= UINT32_MAX)
            return segment->p_memsz + segment->p_align;
    }
    return 0;
}

uint64_t elf_file_tls_block(const struct elf_file *file)
{
    for (size_t i = 0; i < file->segment_count; i++) {
        const GElf_Phdr *segment = &file->segments[i];
        uint64_t align = segment->p_align ? segment->p_align : 1;
        if (segment->p_type == PT_TLS && align <= UINT32_MAX &&
            segment->p_memsz <= UINT64_MAX - align)
            return (segment->p_memsz + align - 1) / align * align;
    }
    return 0;
}

size_t elf_file_read(const struct elf_file *file, uint64_t address, void *out, size_t size)
{
    for (size_t i = 0; i < file->segment_count; i++) {
        const GElf_Phdr *segment = &file->segments[i];
        if (segment->p_type != PT_LOAD || address < segment->p_vaddr ||
            address - segment->p_vaddr >= segment->p_filesz)
            continue;
        uint64_t skipped = address - segment->p_vaddr;
        if (size > segment->p_filesz - skipped)
            size = segment->p_filesz - skipped;
        size_t done = 0;
        while (done < size) {
            ssize_t got = pread(file->fd, (char *)out + done, size - done,
                                (off_t)(segment->p_offset + skipped + done));
            if (got <= 0 && !(got < 0 && errno == EINTR))
                break;
            if (got > 0)
                done += (size_t)got;
        }
        return done;
    }
    return 0;
}

/* ---- Symbols ---- */

typedef bool symbol_visit(const struct elf_symbol *symbol, void *data);

struct symbol_walk {
    bool (*is_wanted)(unsigned type);
    symbol_visit *visit;
    void *data;
    char *name; /* holds a name whose version was cut off */
    size_t name_capacity;
    bool stopped;
    bool out_of_memory;
};

/* The name without "@VERSION" or "@@VERSION"; NULL if memory ran out. */
static const char *plain_name(struct symbol_walk *walk, const char *name)
{
    const char *at = strchr(name, '@');
    if (!at)
        return name;
    size_t length = (size_t)(at - name);
    if (length >= walk->name_capacity) {
        char *larger = realloc(walk->name, length + 256);
        if (!larger)
            return NULL;
        walk->name = larger;
        walk->name_capacity = length + 256;
    }
    memcpy(walk->name, name, length);
    walk->name[length] = '\0';
    return walk->name;
}

static bool is_function(unsigned type)
{
    return type == STT_FUNC || type == STT_GNU_IFUNC;
}

static bool is_variable(unsigned type)
{
    return type == STT_OBJECT || type == STT_TLS;
}

static void visit_symbol(struct symbol_walk *walk, const char *name, const GElf_Sym *symbol,
                         bool dynamic)
{
    unsigned type = GELF_ST_TYPE(symbol->st_info);
    if (!walk->is_wanted(type) || symbol->st_shndx == SHN_UNDEF || !name || !*name || *name == '@')
        return;
    struct elf_symbol found = {
        .name = plain_name(walk, name),
        .address = symbol->st_value,
        .size = symbol->st_size,
        .ifunc = type == STT_GNU_IFUNC,
        .thread_local = type == STT_TLS,
        .dynamic = dynamic,
    };
    if (!found.name)
        walk->out_of_memory = true;
    else
        walk->stopped = !walk->visit(&found, walk->data);
}

/* Visits the symbols of every section of the given type; false if there is no such section. */
static bool walk_sections(struct symbol_walk *walk, Elf *elf, GElf_Word type)
{
    bool found = false;
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header) || header.sh_type != type)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        size_t entry = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
        if (!data || !entry)
            continue;
        found = true;
        size_t count = data->d_size / entry;
        for (size_t i = 0; i < count && !walk->stopped && !walk->out_of_memory; i++) {
            GElf_Sym symbol;
            if (gelf_getsym(data, (int)i, &symbol))
                visit_symbol(walk, elf_strptr(elf, header.sh_link, symbol.st_name), &symbol,
                             type == SHT_DYNSYM);
        }
    }
    return found;
}

static Elf_Data *section_data(Elf *elf, const char *name)
{
    size_t names;
    if (elf_getshdrstrndx(elf, &names) != 0)
        return NULL;
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        const char *found =
            gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (found && strcmp(found, name) == 0)
            return header.sh_type == SHT_NOBITS ? NULL : elf_rawdata(section, NULL);
    }
    return NULL;
}

/* MiniDebugInfo: an ELF file compressed with xz in a section of the stripped one. */
static struct error *walk_minidebuginfo(struct elf_file *file, struct symbol_walk *walk)
{
    Elf_Data *packed = section_data(file->elf, ".gnu_debugdata");
    if (!packed || !packed->d_buf)
        return NULL;
    char *image;
    size_t size;
    struct error *error = xz_unpack(packed->d_buf, packed->d_size, &image, &size);
    if (error)
        return error_prefix(error, "%s: .gnu_debugdata", file->name);
    Elf *elf = elf_memory(image, size);
    if (elf)
        walk_sections(walk, elf, SHT_SYMTAB);
    elf_end(elf);
    free(image);
    return NULL;
}

static void walk_debug_file(struct elf_file *file, const char *root, struct symbol_walk *walk)
{
    int fd = debug_file_open(file->elf, file->name, root);
    if (fd < 0)
        return;
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    if (elf)
        walk_sections(walk, elf, SHT_SYMTAB);
    elf_end(elf);
    close(fd);
}

static struct error *walk_file(struct elf_file *file, const char *root,
                               bool (*is_wanted)(unsigned type), symbol_visit *visit, void *data)
{
    struct symbol_walk walk = {.is_wanted = is_wanted, .visit = visit, .data = data};
    struct error *error = NULL;
    bool has_symtab = walk_sections(&walk, file->elf, SHT_SYMTAB);
    if (!walk.stopped)
        walk_sections(&walk, file->elf, SHT_DYNSYM);
    if (!has_symtab && !walk.stopped) {
        /* A broken .gnu_debugdata is no reason to give up the symbols that are there. */
        error_free(walk_minidebuginfo(file, &walk));
        if (!walk.stopped)
            walk_debug_file(file, root, &walk);
    }
    if (walk.out_of_memory)
        error = error_no_memory();
    free(walk.name);
    return error;
}

struct error *elf_file_functions(struct elf_file *file, const char *root,
                                 bool (*visit)(const struct elf_symbol *function, void *data),
                                 void *data)
{
    return walk_file(file, root, is_function, visit, data);
}

struct error *elf_file_variables(struct elf_file *file, const char *root,
                                 bool (*visit)(const struct elf_symbol *variable, void *data),
                                 void *data)
{
    return walk_file(file, root, is_variable, visit, data);
}

const char *elf_file_plt_target(struct elf_file *file, uint64_t address)
{
    if (file->header.e_machine != EM_X86_64)
        return NULL;
    uint8_t code[PLT_STUB_SIZE];
    uint64_t slot;
    size_t size = elf_file_read(file, address, code, sizeof code);
    if (!plt_stub_slot(code, size, address, &slot))
        return NULL;
    if (!file->plt)
        file->plt = plt_create(file->elf);
    return file->plt ? plt_slot_name(file->plt, slot) : NULL;
}
