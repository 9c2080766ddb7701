/* SPDX-License-Identifier: MIT */
#include "tracer/module.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tracer/limits.h"
#include "tracer/ptrace_io.h"

/* Most bytes of a wrapper's body that are looked through for a call of a traced function. */
#define WRAPPER_BODY 256

struct module_registry {
    const struct allocators *allocators;
    struct relocator *relocator;
    struct module **modules;
    size_t count;
    uint32_t ids; /* handed out */
};

struct error *module_registry_create(const struct allocators *allocators,
                                     struct relocator *relocator, struct module_registry **out)
{
    struct module_registry *registry = calloc(1, sizeof *registry);
    if (!registry)
        return error_no_memory();
    registry->allocators = allocators;
    registry->relocator = relocator;
    *out = registry;
    return NULL;
}

static void forget_contents(struct module *module)
{
    if (module->elf)
        limits_give_back(LIMITS_MODULE);
    elf_file_close(module->elf);
    module->elf = NULL;
    free(module->functions);
    module->functions = NULL;
    module->function_count = 0;
}

static void module_destroy(struct module *module)
{
    forget_contents(module);
    free(module->path);
    free(module);
}

void module_registry_destroy(struct module_registry *registry)
{
    if (!registry)
        return;
    for (size_t i = 0; i < registry->count; i++)
        module_destroy(registry->modules[i]);
    free(registry->modules);
    free(registry);
}

static bool add_function(struct module *module, uint64_t address,
                         const struct allocator_function *function)
{
    for (size_t i = 0; i < module->function_count; i++) {
        if (module->functions[i].address == address)
            return true; /* an alias, or the same symbol of another table */
    }
    struct module_function *functions =
        realloc(module->functions, (module->function_count + 1) * sizeof *functions);
    if (!functions)
        return false;
    module->functions = functions;
    functions[module->function_count++] =
        (struct module_function){.address = address, .function = function};
    return true;
}

struct symbol_walk {
    struct module_registry *registry;
    struct module *module;
    const char *file_name;
    bool wrappers; /* the second walk: only functions that may hand on to those of the first */
    bool failed;
};

static bool is_traced_here(uint64_t address, void *data)
{
    struct symbol_walk *walk = data;
    for (size_t i = 0; i < walk->module->function_count; i++) {
        if (walk->module->functions[i].address == address)
            return true;
    }
    const char *name = elf_file_plt_target(walk->module->elf, address);
    return name && allocators_find(walk->registry->allocators, name, walk->file_name);
}

static bool hands_on(struct symbol_walk *walk, const struct elf_symbol *symbol)
{
    uint8_t body[WRAPPER_BODY];
    size_t size = symbol->size && symbol->size < sizeof body ? symbol->size : sizeof body;
    size = elf_file_read(walk->module->elf, symbol->address, body, size);
    return relocate_calls(walk->registry->relocator, body, size, symbol->address, is_traced_here,
                          walk);
}

/* Those of a C library: a shared one offers them, a static program has them linked in. */
static void note_exit(struct module *module, const struct elf_symbol *symbol)
{
    if (!symbol->dynamic && elf_file_has_interpreter(module->elf))
        return;
    size_t i = 0;
    while (i < MODULE_EXITS && module->exits[i] && module->exits[i] != symbol->address)
        i++;
    if (i < MODULE_EXITS)
        module->exits[i] = symbol->address;
}

static void note_symbol(struct module *module, const struct elf_symbol *symbol)
{
    if (strcmp(symbol->name, "_dl_debug_state") == 0)
        module->linker_breakpoint = symbol->address;
    else if (strcmp(symbol->name, "ptrace") == 0)
        module->ptrace = symbol->address;
    else if (strcmp(symbol->name, "sigaction") == 0)
        module->sigaction = symbol->address;
    else if (strcmp(symbol->name, "pthread_sigmask") == 0)
        module->sigmask = symbol->address;
    else if (strcmp(symbol->name, "exit") == 0 || strcmp(symbol->name, "quick_exit") == 0)
        note_exit(module, symbol);
    else if (strcmp(symbol->name, "__lsan_do_leak_check") == 0)
        module->leak_sanitizer = true;
    /* glibc's shared library offers this and no other C library does; a static program, which need
     * not have it, tells by a function inside the allocator, which is not linked along with another
     * malloc. */
    else if ((symbol->dynamic && strcmp(symbol->name, "gnu_get_libc_version") == 0) ||
             strcmp(symbol->name, "_int_malloc") == 0)
        module->glibc_heap = true;
}

static bool visit_symbol(const struct elf_symbol *symbol, void *data)
{
    struct symbol_walk *walk = data;
    if (symbol->ifunc)
        return true;
    if (!walk->wrappers)
        note_symbol(walk->module, symbol);
    const struct allocator_function *function =
        allocators_find(walk->registry->allocators, symbol->name, walk->file_name);
    if (!function || function->wrapper != walk->wrappers)
        return true;
    if (walk->wrappers && hands_on(walk, symbol))
        return true;
    walk->failed = !add_function(walk->module, symbol->address, function);
    return !walk->failed;
}

static void visit_fixed(const struct allocator_function *function, void *data)
{
    struct symbol_walk *walk = data;
    walk->failed = walk->failed || !add_function(walk->module, function->fixed_address, function);
}

static const char *file_name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static struct error *find_functions(struct module_registry *registry, struct module *module,
                                    pid_t pid)
{
    char root[32];
    snprintf(root, sizeof root, "/proc/%d/root", (int)pid);
    struct symbol_walk walk = {
        .registry = registry, .module = module, .file_name = file_name_of(module->path)};
    allocators_fixed(registry->allocators, walk.file_name, visit_fixed, &walk);
    struct error *error = elf_file_functions(module->elf, root, visit_symbol, &walk);
    walk.wrappers = true;
    if (!error)
        error = elf_file_functions(module->elf, root, visit_symbol, &walk);
    if (!error && walk.failed)
        error = error_no_memory();
    return error;
}

/* The vdso is no file: its image is copied into one, so that everything later sees just files. */
static int vdso_file(pid_t pid, const struct proc_mapping *mapping)
{
    size_t size = mapping->end - mapping->start;
    char *image = malloc(size);
    int fd = memfd_create("vdso", MFD_CLOEXEC);
    if (!image || fd < 0 || mem_read(pid, mapping->start, image, size) != size ||
        write(fd, image, size) != (ssize_t)size) {
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    free(image);
    return fd;
}

static int open_checked(const char *path, const struct proc_mapping *mapping, struct stat *status)
{
    /* O_NONBLOCK: a hostile path may name a fifo. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (fstat(fd, status) == 0 && S_ISREG(status->st_mode) &&
        (!mapping || status->st_ino == mapping->inode))
        return fd;
    close(fd);
    return -1;
}

/* On overlay file systems the inode in maps may be that of another layer: map_files, which needs
 * CAP_CHECKPOINT_RESTORE, names the mapped file itself, and the path is trusted as a last resort.
 */
static int open_mapping(pid_t pid, const struct proc_mapping *mapping, struct stat *status)
{
    char path[4200];
    snprintf(path, sizeof path, "/proc/%d/root%s", (int)pid, mapping->path);
    int fd = open_checked(path, mapping, status);
    if (fd >= 0)
        return fd;
    char link[128];
    snprintf(link, sizeof link, "/proc/%d/map_files/%llx-%llx", (int)pid,
             (unsigned long long)mapping->start, (unsigned long long)mapping->end);
    fd = open_checked(link, NULL, status);
    if (fd >= 0 || mapping->deleted)
        return fd;
    return open_checked(path, NULL, status);
}

static struct module *known_module(struct module_registry *registry, const char *path,
                                   const struct stat *status)
{
    for (size_t i = 0; i < registry->count; i++) {
        struct module *module = registry->modules[i];
        int64_t modified = (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
        if (module->device == status->st_dev && module->inode == status->st_ino &&
            module->size == status->st_size && module->modified_ns == modified &&
            strcmp(module->path, path) == 0)
            return module;
    }
    return NULL;
}

/* Takes the file in without looking into it. */
static struct error *enlist(struct module_registry *registry, const char *path,
                            const struct stat *status, struct module **out)
{
    struct module *module = calloc(1, sizeof *module);
    struct module **modules =
        realloc(registry->modules, (registry->count + 1) * sizeof(struct module *));
    if (modules)
        registry->modules = modules;
    if (!module || !modules || !(module->path = strdup(path))) {
        free(module);
        return error_no_memory();
    }
    module->device = status->st_dev;
    module->inode = status->st_ino;
    module->size = status->st_size;
    module->modified_ns = (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
    registry->modules[registry->count++] = module;
    *out = module;
    return NULL;
}

static struct error *read_module(struct module_registry *registry, struct module *module, int fd,
                                 pid_t pid)
{
    struct elf_file *elf;
    struct error *error = limits_take(LIMITS_MODULE);
    if (error)
        return error;
    error = elf_file_open(fd, module->path, &elf);
    if (error) {
        limits_give_back(LIMITS_MODULE);
        return error;
    }
    module->elf = elf;
    return find_functions(registry, module, pid);
}

static struct error *add_module(struct module_registry *registry, pid_t pid, const char *path,
                                int fd, const struct stat *status, struct module **out)
{
    struct module *module = NULL;
    struct error *error = enlist(registry, path, status, &module);
    if (error)
        return error;
    error = read_module(registry, module, fd, pid);
    if (!error) {
        module->id = ++registry->ids;
        *out = module;
    } else if (error->code == ERROR_MEMORY || error->errno_value) {
        /* The next time it may work. */
        registry->count--;
        module_destroy(module);
    } else {
        forget_contents(module);
    }
    return error;
}

struct error *module_registry_get(struct module_registry *registry, pid_t pid,
                                  const struct proc_mapping *mapping, struct module **module,
                                  bool *is_new)
{
    bool vdso = strcmp(mapping->path, "[vdso]") == 0;
    *module = NULL;
    *is_new = false;
    struct stat status = {0};
    int fd;
    if (vdso) {
        fd = -1;
        *module = known_module(registry, mapping->path, &status);
        if (*module)
            return NULL;
        fd = vdso_file(pid, mapping);
    } else {
        fd = open_mapping(pid, mapping, &status);
    }
    if (fd < 0)
        return error_errno(errno, "cannot open %s of process %d", mapping->path, (int)pid);
    char magic[4];
    struct error *error = NULL;
    *module = known_module(registry, mapping->path, &status);
    if (!*module && pread(fd, magic, sizeof magic, 0) == sizeof magic &&
        memcmp(magic, "\177ELF", 4) == 0) {
        error = add_module(registry, pid, mapping->path, fd, &status, module);
        *is_new = !error;
    }
    close(fd);
    if (*module && !(*module)->elf)
        *module = NULL;
    return error;
}
