/* SPDX-License-Identifier: MIT */
/*
 * pprof_writer.h - writes a profile of pprof's format (profile.proto, gzipped) part by part, so
 * that memory grows with its texts and functions only.
 */
#ifndef ALLOCPTRACE_ANALYZE_PPROF_WRITER_H
#define ALLOCPTRACE_ANALYZE_PPROF_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <pprof.pb-c.h> /* generated from pprof.proto */
#include <protobuf-c/protobuf-c.h>

#include "output/analyze/gzip.h"
#include "output/log/error.h"

struct pprof_writer {
    ProtobufCBuffer buffer; /* the first member: what the library calls back with */
    struct gzip *gzip;
    struct pprof_text *texts;
    struct pprof_function *functions;
    bool failed; /* out of memory */
};

struct error *pprof_writer_init(struct pprof_writer *writer, FILE *out);
/* Ends the file. */
struct error *pprof_writer_finish(struct pprof_writer *writer);

/* Writes the fields that are set: elements are added to repeated ones. */
void pprof_write(struct pprof_writer *writer, const Pprof__Profile *part);

/* A text's index. The format wants UTF-8: names are neutralized (text.h). NULL is the empty text.
 * The text must live as long as the writer. */
int64_t pprof_text(struct pprof_writer *writer, const char *text);
/* A function's id; file may be NULL. */
uint64_t pprof_function(struct pprof_writer *writer, const char *name, const char *file);

#endif
