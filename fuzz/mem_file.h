/* SPDX-License-Identifier: Apache-2.0 */
/* mem_file.h - an input as a file, for what is read by its path. */
#ifndef FUZZ_MEM_FILE_H
#define FUZZ_MEM_FILE_H

#include <stddef.h>
#include <stdint.h>

/* The path of a file in memory that holds these bytes, until the next call. There
 * is one a process; what cannot be written aborts. */
const char *mem_file(const uint8_t *data, size_t len);

#endif
