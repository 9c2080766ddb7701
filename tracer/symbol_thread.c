/* SPDX-License-Identifier: MIT */
#include "tracer/symbol_thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/symbolize.h"

struct request {
    uint32_t frame; /* 0: a module is made known */
    uint32_t module;
    uint64_t address;
    bool exact;
    int fd;
    char *path, *root;
};

struct symbol_thread {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct request *requests; /* those from taken on are waiting */
    size_t count, capacity, taken;
    bool finishing;
    struct symbolizer *symbolizer;
    void (*put)(const struct log_record *record, void *data);
    void *data;
    struct log_location *locations;
    size_t location_capacity;
};

static struct log_text text_of(const char *string)
{
    return (struct log_text){.data = string ? string : "", .size = string ? strlen(string) : 0};
}

static void name_frame(struct symbol_thread *thread, const struct request *request)
{
    const struct symbol_result *result =
        symbolizer_resolve(thread->symbolizer, request->module, request->address, request->exact);
    if (!result->count)
        return;
    if (result->count > thread->location_capacity) {
        struct log_location *locations =
            realloc(thread->locations, result->count * sizeof *locations);
        if (!locations)
            return;
        thread->locations = locations;
        thread->location_capacity = result->count;
    }
    for (size_t i = 0; i < result->count; i++) {
        thread->locations[i] = (struct log_location){
            .function = text_of(result->locations[i].function),
            .file = text_of(result->locations[i].file),
            .line = result->locations[i].line,
        };
    }
    struct log_record record = {
        .kind = LOG_SYMBOL,
        .symbol = {.frame = request->frame,
                   .location_count = result->count,
                   .locations = thread->locations},
    };
    thread->put(&record, thread->data);
}

static void serve(struct symbol_thread *thread, struct request *request)
{
    if (request->frame) {
        name_frame(thread, request);
        return;
    }
    /* A module that cannot be read leaves its frames without names: they show as offsets. */
    error_free(symbolizer_add_module(thread->symbolizer, request->module, request->fd,
                                     request->path, request->root));
    free(request->path);
    free(request->root);
}

static void *run(void *argument)
{
    struct symbol_thread *thread = argument;
    pthread_mutex_lock(&thread->lock);
    for (;;) {
        while (thread->taken == thread->count && !thread->finishing)
            pthread_cond_wait(&thread->wake, &thread->lock);
        if (thread->taken == thread->count)
            break;
        struct request request = thread->requests[thread->taken++];
        if (thread->taken == thread->count)
            thread->taken = thread->count = 0;
        pthread_mutex_unlock(&thread->lock);
        serve(thread, &request);
        pthread_mutex_lock(&thread->lock);
    }
    pthread_mutex_unlock(&thread->lock);
    return NULL;
}

struct error *symbol_thread_start(void (*put)(const struct log_record *record, void *data),
                                  void *data, const cpu_set_t *cpus, struct symbol_thread **out)
{
    struct symbol_thread *thread = calloc(1, sizeof *thread);
    if (!thread)
        return error_no_memory();
    thread->put = put;
    thread->data = data;
    struct error *error = symbolizer_create(&thread->symbolizer);
    if (error) {
        free(thread);
        return error;
    }
    pthread_mutex_init(&thread->lock, NULL);
    pthread_cond_init(&thread->wake, NULL);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (cpus)
        pthread_attr_setaffinity_np(&attributes, sizeof *cpus, cpus);
    int failure = pthread_create(&thread->thread, &attributes, run, thread);
    pthread_attr_destroy(&attributes);
    if (failure) {
        symbolizer_destroy(thread->symbolizer);
        free(thread);
        return error_errno(failure, "cannot start the symbol thread");
    }
    *out = thread;
    return NULL;
}

static void enqueue(struct symbol_thread *thread, const struct request *request)
{
    pthread_mutex_lock(&thread->lock);
    if (thread->count == thread->capacity) {
        size_t capacity = thread->capacity ? thread->capacity * 2 : 1024;
        struct request *requests = realloc(thread->requests, capacity * sizeof *requests);
        if (!requests) {
            pthread_mutex_unlock(&thread->lock);
            return; /* the frame keeps its module and offset, only its name is missing */
        }
        thread->requests = requests;
        thread->capacity = capacity;
    }
    thread->requests[thread->count++] = *request;
    pthread_cond_signal(&thread->wake);
    pthread_mutex_unlock(&thread->lock);
}

void symbol_thread_module(struct symbol_thread *thread, uint32_t module, int fd, const char *path,
                          const char *root)
{
    struct request request = {.module = module, .fd = fd};
    request.path = strdup(path);
    request.root = strdup(root);
    if (request.path && request.root)
        enqueue(thread, &request);
}

void symbol_thread_frame(struct symbol_thread *thread, uint32_t frame, uint32_t module,
                         uint64_t address, bool exact)
{
    struct request request = {.frame = frame, .module = module, .address = address, .exact = exact};
    enqueue(thread, &request);
}

void symbol_thread_finish(struct symbol_thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    thread->finishing = true;
    pthread_cond_signal(&thread->wake);
    pthread_mutex_unlock(&thread->lock);
    pthread_join(thread->thread, NULL);
    pthread_mutex_destroy(&thread->lock);
    pthread_cond_destroy(&thread->wake);
    symbolizer_destroy(thread->symbolizer);
    free(thread->locations);
    free(thread->requests);
    free(thread);
}
