/* SPDX-License-Identifier: MIT */
#include "symbols/symbolize.h"

#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "symbols/debug_file.h"
#include "symbols/dwarf_index.h"

/* Seconds: for one file that debuginfod does not begin to send, for one file, and for all waiting
 * in vain, after which no server is asked any more. */
#define DEBUGINFOD_TIMEOUT "5"
#define DEBUGINFOD_MAXTIME "60"
#define DEBUGINFOD_PATIENCE 3

struct module {
    struct symbolizer *symbolizer;
    uint32_t id;
    char *path, *root;
    Dwfl *dwfl; /* with this one module: libdwfl would take overlapping ones for mistakes */
    Dwfl_Module *dwfl_module;
    bool dwarf_sought;
    Dwarf *dwarf; /* NULL if there is none; libdwfl's */
    Dwarf_Addr dwarf_bias;
    struct dwarf_index index;
};

struct symbolizer {
    struct module **modules;
    size_t count;
    struct symbol_result result; /* the last one */
    double wasted;               /* seconds that debuginfod servers took for nothing */
};

/* ---- Debug files ---- */

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Bounds the wait for debuginfod servers; false if there are none that are worth to be asked. */
static bool prepare_debuginfod(const struct symbolizer *symbolizer)
{
    const char *servers = getenv("DEBUGINFOD_URLS");
    if (!servers || !*servers || symbolizer->wasted > DEBUGINFOD_PATIENCE)
        return false;
    /* Not before a server is asked, so that a program we launch does not inherit these. */
    setenv("DEBUGINFOD_TIMEOUT", DEBUGINFOD_TIMEOUT, 0);
    setenv("DEBUGINFOD_MAXTIME", DEBUGINFOD_MAXTIME, 0);
    setenv("DEBUGINFOD_RETRY_LIMIT", "0", 0);
    return true;
}

/*
 * The file that a debug file refers to for what several share (.gnu_debugaltlink) is asked for in
 * the same way, under another name than elf's own debuglink.
 */
static bool is_for_module(Elf *elf, const char *link)
{
    GElf_Word crc;
    const char *own = dwelf_elf_gnu_debuglink(elf, &crc);
    return !link || (own && strcmp(own, link) == 0);
}

static int find_debuginfo(Dwfl_Module *dwfl_module, void **userdata, const char *name,
                          Dwarf_Addr base, const char *file_name, const char *link,
                          GElf_Word link_crc, char **debug_name)
{
    struct module *module = *userdata;
    GElf_Addr bias;
    Elf *elf = dwfl_module_getelf(dwfl_module, &bias);
    bool for_module = elf && is_for_module(elf, link);
    int fd = for_module ? debug_file_open(elf, module->path, module->root) : -1;
    bool ask = prepare_debuginfod(module->symbolizer);
    if (fd >= 0 || (for_module && !ask))
        return fd;
    /* libdwfl's own search also asks debuginfod, which does nothing without DEBUGINFOD_URLS. */
    double start = seconds_now();
    fd = dwfl_standard_find_debuginfo(dwfl_module, userdata, name, base, file_name, link, link_crc,
                                      debug_name);
    if (fd < 0)
        module->symbolizer->wasted += seconds_now() - start;
    return fd;
}

static int find_no_elf(Dwfl_Module *dwfl_module, void **userdata, const char *name, Dwarf_Addr base,
                       char **file_name, Elf **elf)
{
    (void)dwfl_module;
    (void)userdata;
    (void)name;
    (void)base;
    (void)file_name;
    (void)elf;
    return -1;
}

static const Dwfl_Callbacks callbacks = {
    .find_elf = find_no_elf,
    .find_debuginfo = find_debuginfo,
    .section_address = dwfl_offline_section_address,
};

/* ---- Life ---- */

struct error *symbolizer_create(struct symbolizer **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? NULL : error_no_memory();
}

static void clear_result(struct symbol_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        free(result->locations[i].function);
        free(result->locations[i].file);
    }
    free(result->locations);
    *result = (struct symbol_result){0};
}

static void destroy_module(struct module *module)
{
    dwarf_index_deinit(&module->index);
    dwfl_end(module->dwfl);
    free(module->path);
    free(module->root);
    free(module);
}

void symbolizer_destroy(struct symbolizer *symbolizer)
{
    if (!symbolizer)
        return;
    for (size_t i = 0; i < symbolizer->count; i++)
        destroy_module(symbolizer->modules[i]);
    clear_result(&symbolizer->result);
    free(symbolizer->modules);
    free(symbolizer);
}

static struct module *find_module(const struct symbolizer *symbolizer, uint32_t id)
{
    for (size_t i = 0; i < symbolizer->count; i++) {
        if (symbolizer->modules[i]->id == id)
            return symbolizer->modules[i];
    }
    return NULL;
}

/* Gives the file to libdwfl, at its own virtual addresses. Takes over fd if it succeeds. */
static struct error *report(struct module *module, int fd)
{
    module->dwfl = dwfl_begin(&callbacks);
    if (module->dwfl)
        module->dwfl_module =
            dwfl_report_elf(module->dwfl, module->path, module->path, fd, 0, true);
    if (!module->dwfl_module)
        return error_format(ERROR_FORMAT, "%s: %s", module->path, dwfl_errmsg(-1));
    dwfl_report_end(module->dwfl, NULL, NULL);
    void **userdata;
    dwfl_module_info(module->dwfl_module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
    *userdata = module;
    return NULL;
}

static struct error *add(struct symbolizer *symbolizer, struct module *module, int fd,
                         const char *path, const char *root)
{
    struct module **modules =
        realloc(symbolizer->modules, (symbolizer->count + 1) * sizeof *modules);
    if (!modules)
        return error_no_memory();
    symbolizer->modules = modules;
    module->symbolizer = symbolizer;
    module->path = strdup(path);
    module->root = strdup(root);
    if (!module->path || !module->root)
        return error_no_memory();
    struct error *error = report(module, fd);
    if (!error)
        modules[symbolizer->count++] = module;
    return error;
}

struct error *symbolizer_add_module(struct symbolizer *symbolizer, uint32_t id, int fd,
                                    const char *path, const char *root)
{
    struct error *error = NULL;
    struct module *module = NULL;
    if (find_module(symbolizer, id))
        error = error_format(ERROR_USAGE, "%s: module %u is known already", path, id);
    else if (!(module = calloc(1, sizeof *module)))
        error = error_no_memory();
    if (!error) {
        module->id = id;
        error = add(symbolizer, module, fd, path, root);
    }
    if (error) {
        if (module)
            destroy_module(module);
        close(fd);
    }
    return error;
}

/* ---- Names ---- */

static bool is_mangled(const char *name)
{
    return name && (strncmp(name, "_Z", 2) == 0 || strncmp(name, "_R", 2) == 0);
}

/* Demangled where that is possible, without a symbol version otherwise. */
static char *readable_name(const char *name)
{
    char *plain = strndup(name, strcspn(name, "@"));
    char *demangled = plain ? symbol_demangle(plain) : NULL;
    if (!demangled)
        return plain;
    free(plain);
    return demangled;
}

static const char *linkage_name(Dwarf_Die *die)
{
    Dwarf_Attribute memory;
    Dwarf_Attribute *attribute = dwarf_attr_integrate(die, DW_AT_linkage_name, &memory);
    if (!attribute)
        attribute = dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &memory);
    return attribute ? dwarf_formstring(attribute) : NULL;
}

/*
 * The mangled name tells namespace and parameters; a C function's linkage name, on the other hand,
 * is an alias inside its library. symbol is the symbol table's name for the place, or NULL.
 */
static char *function_name(Dwarf_Die *die, const char *symbol)
{
    const char *linkage = linkage_name(die);
    const char *plain = dwarf_diename(die);
    const char *name = is_mangled(linkage)  ? linkage
                       : is_mangled(symbol) ? symbol
                       : plain              ? plain
                                            : symbol;
    return name ? readable_name(name) : NULL;
}

/* ---- Locations ---- */

static Dwarf *dwarf_of(struct module *module)
{
    if (!module->dwarf_sought) {
        module->dwarf_sought = true;
        module->dwarf = dwfl_module_getdwarf(module->dwfl_module, &module->dwarf_bias);
        if (module->dwarf)
            dwarf_index_init(&module->index, module->dwarf);
    }
    return module->dwarf;
}

static void locate_by_line_table(Dwarf_Die *unit, Dwarf_Addr address,
                                 struct symbol_location *location)
{
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    int number;
    const char *file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
    if (!file || dwarf_lineno(line, &number) != 0 || number <= 0)
        return;
    location->file = strdup(file);
    location->line = (uint64_t)number;
}

static bool call_attribute(Dwarf_Die *die, unsigned int name, Dwarf_Word *value)
{
    Dwarf_Attribute memory;
    Dwarf_Attribute *attribute = dwarf_attr(die, name, &memory);
    return attribute && dwarf_formudata(attribute, value) == 0;
}

/* Where the function that `inlined` became part of calls it. */
static void locate_by_call(Dwarf_Die *unit, Dwarf_Die *inlined, struct symbol_location *location)
{
    Dwarf_Files *files;
    size_t count;
    Dwarf_Word file, line;
    if (!call_attribute(inlined, DW_AT_call_file, &file) ||
        !call_attribute(inlined, DW_AT_call_line, &line) ||
        dwarf_getsrcfiles(unit, &files, &count) != 0 || file >= count)
        return;
    const char *name = dwarf_filesrc(files, file, NULL, NULL);
    if (!name)
        return;
    location->file = strdup(name);
    location->line = line;
}

static void resolve(struct symbolizer *symbolizer, struct module *module, Dwarf_Addr address)
{
    struct symbol_result *result = &symbolizer->result;
    Dwarf *dwarf = dwarf_of(module);
    Dwarf_Die unit, scopes[DWARF_SCOPES];
    Dwarf_Addr in_dwarf = address - module->dwarf_bias;
    bool has_unit = dwarf && dwarf_index_find(&module->index, dwarf, in_dwarf, &unit);
    size_t count = has_unit ? dwarf_scopes(&unit, in_dwarf, scopes) : 0;
    GElf_Off offset;
    GElf_Sym information;
    const char *symbol =
        dwfl_module_addrinfo(module->dwfl_module, address, &offset, &information, NULL, NULL, NULL);
    if (count == 0 && !symbol && !has_unit)
        return;
    result->locations = calloc(count ? count : 1, sizeof *result->locations);
    if (!result->locations)
        return;
    result->count = count ? count : 1;
    if (count == 0 && symbol)
        result->locations[0].function = readable_name(symbol);
    for (size_t i = 0; i < count; i++) {
        Dwarf_Die *scope = &scopes[count - 1 - i];
        struct symbol_location *location = &result->locations[i];
        location->function = function_name(scope, i + 1 == count ? symbol : NULL);
        if (i > 0)
            locate_by_call(&unit, &scopes[count - i], location);
    }
    if (has_unit)
        locate_by_line_table(&unit, in_dwarf, &result->locations[0]);
}

const struct symbol_result *symbolizer_resolve(struct symbolizer *symbolizer, uint32_t id,
                                               uint64_t address, bool exact)
{
    clear_result(&symbolizer->result);
    struct module *module = find_module(symbolizer, id);
    GElf_Addr bias;
    /* libdwfl may have put the module elsewhere than at its own addresses. */
    if (module && dwfl_module_getelf(module->dwfl_module, &bias))
        resolve(symbolizer, module, address - (exact ? 0 : 1) + bias);
    return &symbolizer->result;
}
