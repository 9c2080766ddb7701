/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/leak_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/elf_file.h"
#include "symbols/symbolize.h"
#include "symbols/variables.h"
#include "tracer/module.h"

struct named_module {
    bool read;
    struct variables *variables; /* NULL: none could be read */
    uint64_t tls_block;
};

struct leak_names {
    struct named_module *modules; /* by id */
    size_t count;
    char *text;
};

struct leak_names *leak_names_create(void)
{
    return calloc(1, sizeof(struct leak_names));
}

void leak_names_destroy(struct leak_names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < names->count; i++)
        variables_destroy(names->modules[i].variables);
    free(names->modules);
    free(names->text);
    free(names);
}

/* Through a handle of this thread's own. */
static void read_module(struct named_module *named, const struct module *module, const char *root)
{
    struct elf_file *file;
    named->read = true;
    struct error *error = elf_file_open(elf_file_descriptor(module->elf), module->path, &file);
    if (!error) {
        named->tls_block = elf_file_tls_block(file);
        error = variables_read(file, root, &named->variables);
        elf_file_close(file);
    }
    error_free(error);
}

static const struct module *module_of(const struct leak_job *job, uint32_t id)
{
    for (size_t i = 0; i < job->module_count; i++) {
        if (job->modules[i]->id == id)
            return job->modules[i];
    }
    return NULL;
}

static const struct named_module *find(struct leak_names *names, const struct leak_job *job,
                                       uint32_t id)
{
    if (id >= names->count) {
        size_t count = ((size_t)id + 1) * 2;
        struct named_module *modules = realloc(names->modules, count * sizeof *modules);
        if (!modules)
            return NULL;
        memset(modules + names->count, 0, (count - names->count) * sizeof *modules);
        names->modules = modules;
        names->count = count;
    }
    struct named_module *named = &names->modules[id];
    const struct module *module = named->read ? NULL : module_of(job, id);
    if (module)
        read_module(named, module, job->root);
    return named->variables ? named : NULL;
}

static const char *compose(struct leak_names *names, const char *name, uint64_t offset)
{
    char *demangled = symbol_demangle(name);
    const char *shown = demangled ? demangled : name;
    char *text;
    int length =
        offset ? asprintf(&text, "%s+0x%" PRIx64, shown, offset) : asprintf(&text, "%s", shown);
    free(demangled);
    if (length < 0)
        return "";
    free(names->text);
    names->text = text;
    return text;
}

const char *leak_names_global(struct leak_names *names, const struct leak_job *job, uint32_t module,
                              uint64_t address)
{
    uint64_t offset;
    const struct named_module *named = find(names, job, module);
    const char *name = named ? variables_find(named->variables, address, &offset) : NULL;
    return name ? compose(names, name, offset) : "";
}

const char *leak_names_local(struct leak_names *names, const struct leak_job *job,
                             uint64_t thread_pointer, uint64_t address)
{
    uint64_t offset;
    const struct named_module *named = job->program ? find(names, job, job->program) : NULL;
    if (!named || !thread_pointer)
        return "";
    /* The program's own are next to the thread pointer (ELF Handling For Thread-Local Storage,
     * variant II). */
    uint64_t place = address - (thread_pointer - named->tls_block);
    const char *name =
        place < named->tls_block ? variables_find_local(named->variables, place, &offset) : NULL;
    return name ? compose(names, name, offset) : "";
}
