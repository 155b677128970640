/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - lines of /metrics in the text format of Prometheus (0.0.4): every
 * family has its HELP and TYPE before its samples, and is written once. */
#ifndef INSTANCE_METRICS_H
#define INSTANCE_METRICS_H

#include "base/buf.h"

/* HELP and TYPE of a family; type is "counter" or "gauge". The caller adds the
 * samples. */
void metric_head(
    struct buf *b, const char *name, const char *type, const char *help);
/* A family of one sample without labels. */
void metric_add(struct buf *b, const char *name, const char *type,
    const char *help, uint64_t v);
/* name="value", escaped, for the braces of a sample. */
void metric_label(struct buf *b, const char *name, const char *value);

#endif
