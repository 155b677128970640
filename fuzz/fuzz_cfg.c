/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_cfg.c - any bytes as a file of settings (CS.cfg, password.conf, the
 * high-water file); as written again they read the same; and what an issuing
 * point and its schedule make of them.
 * Owns:    a CA certificate.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cfg.h"
#include "base/text.h"
#include "ca/connector.h"
#include "crl/crl_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* CN=CA,O=Fuzz, P-256; its key is thrown away. */
static const char ca_text[] =
    "MIIBjzCCATWgAwIBAgIUIcnYQptHxXbtX1kUHTo/jzMzzFMwCgYIKoZIzj0E"
    "AwIwHDELMAkGA1UEAwwCQ0ExDTALBgNVBAoMBEZ1enowIBcNMjYxMTIyMDgz"
    "MzU3WhgPMjEyNjEwMjkwODMzNTdaMBwxCzAJBgNVBAMMAkNBMQ0wCwYDVQQK"
    "DARGdXp6MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOPG6TAIJGgznJG6E"
    "5owq4aUHDjWP8Cj6LI9myhs65Y+6xpHLajcQ1m+vqAok17Bd8smV9UJZPrAo"
    "e/VPPCuz0KNTMFEwHQYDVR0OBBYEFGnyhVOBioGLSRJivELT7nLP9d5qMB8G"
    "A1UdIwQYMBaAFGnyhVOBioGLSRJivELT7nLP9d5qMA8GA1UdEwEB/wQFMAMB"
    "Af8wCgYIKoZIzj0EAwIDSAAwRQIhAN+qCzMc/nd+p7ex9oYZDYx4zyeU7LRG"
    "Ugx5ABNW4TXRAiBoE2LF3yAcCtgETIYNUW4+A+SMMTvcEsA4JRprBpRwgg==";
static struct buf ca_der;

static void
setup(void)
{
	ca_der = buf_empty(0);
	if (text_base64(&ca_der, view_str(ca_text), NULL) != RC_OK)
		abort();
}

/* A certificate's record of the settings "record.ATTRIBUTE": is it on the
 * list? */
static void
try_record(const struct crl_conf *conf, const struct cfg *c)
{
	static const char prefix[] = "record.";
	AUTO(rec) r = rec_new(REC_CERT, "1a");
	struct crl_entry x;
	bool expired;

	if (r == NULL)
		return;
	for (size_t i = cfg_lower(c, prefix); i < cfg_count(c); i++) {
		struct cfg_item item = cfg_at(c, i);

		if (!text_starts(item.name, prefix))
			break;
		rec_add_str(r, item.name + sizeof(prefix) - 1, item.value);
	}
	for (int host = 0; host < 2; host++)
		(void)crl_conf_entry(
		    conf, &x, &expired, r, "CN=CA,O=Fuzz", host != 0);
}

static void
read_point(const struct cfg *c)
{
	const struct crl_authority ca = { .cert = buf_view(&ca_der),
		.url = "http://ca.example.com" };
	AUTO(crl_conf) conf = NULL;
	struct err e = { RC_OK, "" };
	int64_t t = 1767323045, next;

	if (crl_conf_new(&conf, c, "MasterCRL", &ca, &e) != RC_OK) {
		if (e.text[0] == '\0')
			abort();
		return;
	}
	try_record(conf, c);
	next = schedule_after(&conf->schedule, t);
	if (next <= t)
		abort();
	(void)schedule_full_after(&conf->schedule, t, 1);
	(void)schedule_due(&conf->schedule, t, true);
	(void)schedule_next_update(&conf->schedule, t, true, 1);
	(void)schedule_this_update(&conf->schedule, t, t, next);
}

static void
merge(const struct cfg *c, struct view text)
{
	AUTO(cfg) base = cfg_new();
	AUTO(cfg) theirs = cfg_new();
	AUTO(cfg) out = cfg_new();
	size_t clashes = 0;

	if (base == NULL || theirs == NULL || out == NULL)
		return;
	/* the halves of the text, where they can be read */
	rc_ignore(cfg_parse(base, view_of(text.data, text.len / 2), "b", NULL));
	rc_ignore(cfg_parse(theirs,
	    view_of(text.data + text.len / 2, text.len - text.len / 2), "t",
	    NULL));
	if (cfg_merge(out, base, c, theirs, &clashes, NULL) != RC_OK)
		abort();
	cfg_del_prefix(out, "ca.");
	if (cfg_get(out, "ca.crl.x") != NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(cfg) c = cfg_new();
	AUTO(cfg) again = cfg_new();
	AUTO_BUF text = buf_empty(0);
	struct err e = { RC_OK, "" };
	int64_t n;

	if (ca_der.len == 0)
		setup();
	if (c == NULL || again == NULL)
		return 0;
	if (cfg_parse(c, view_of(data, len), "fuzz", &e) != RC_OK) {
		if (e.text[0] == '\0')
			abort();
		return 0;
	}
	cfg_encode(c, &text);
	if (cfg_parse(again, buf_view(&text), "again", &e) != RC_OK ||
	    !cfg_equal(c, again))
		abort();
	/* any answer is fine, a crash is not */
	rc_ignore(cfg_int(c, &n, "n", 0, 10, 1, &e));
	(void)cfg_bool(c, "b", true);
	(void)connector_exists(c);
	(void)cfg_del(again, "n");
	read_point(c);
	merge(c, view_of(data, len));
	return 0;
}
