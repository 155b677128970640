/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.c - number generators and ranges of a new subsystem (spec deployment
 * 4.2): settings, the numbers of its first certificates, nextRange, the host's
 * high-water file.
 * Owns:    nothing beyond the installation.
 * Trusts:  nothing of the parameters.
 * Threads: one. */
#include "deploy/install.h"

#include <openssl/rand.h>

#include "instance/highwater.h"
#include "instance/numbers.h"

enum {
	ROOM = 128,
	FIRST_REPLICA_RANGE = 1000,
	RANDOM_OCTETS = 16,
};

/* Endings of the parameters, of the settings, and the table's defaults. */
static const struct {
	const char *param, *request, *serial, *replica;
} parts[] = {
	{ "start", "1", "1", "1" },
	{ "end", "10000000", "10000000", "100" },
	{ "increment", "10000000", "10000000", "100" },
	{ "minimum", "2000000", "2000000", "20" },
	{ "transfer", "10000", "10000", "5" },
};
enum {
	PARTS = sizeof(parts) / sizeof(parts[0])
};

static const char *const words[RANGE_KINDS] = {
	[RANGE_REQUEST] = "request",
	[RANGE_SERIAL] = "serial",
	[RANGE_REPLICA] = "replica",
};

/* One value of a range: the parameter, or its default. */
static enum rc
read_part(struct install *in, const struct range_state *s, size_t i,
    uint64_t *out, struct err *e)
{
	const char *const def[RANGE_KINDS] = { [RANGE_REQUEST] =
						   parts[i].request,
		[RANGE_SERIAL] = parts[i].serial,
		[RANGE_REPLICA] = parts[i].replica };
	bool hex = s->kind == RANGE_SERIAL && s->form == RANGE_LEGACY2;
	char name[ROOM], text[ROOM];
	const char *given = "";
	enum rc rc;

	snprintf(name, sizeof(name), "pki_%s_number_range_%s", words[s->kind],
	    parts[i].param);
	if (s->kind != RANGE_REPLICA || i < 2)
		given = values_str(in->v, name);
	if (given[0] != '\0' && hex && !text_starts(given, "0x"))
		return err_set(e, RC_INVALID, "%s must start with 0x", name);
	snprintf(text, sizeof(text), "%s%.64s",
	    given[0] == '\0' && hex ? "0x" : "",
	    given[0] != '\0' ? given : def[s->kind]);
	rc = range_parse(out, s->kind, s->form, text, e);
	return rc == RC_OK ? RC_OK : err_prefix(e, "%s", name);
}

/* Writes the settings of one kind, unless an earlier step did, and reads them
 * back. */
static enum rc
set_range(struct install *in, enum range_kind kind, enum range_form form,
    struct err *e)
{
	struct range_state s = { .kind = kind, .form = form, .next = { 1, 0 } };
	uint64_t *const into[PARTS] = { &s.now.begin, &s.now.end, &s.increment,
		&s.low_water, &s.transfer };
	AUTO(cfg) fresh = cfg_new();
	enum rc rc;

	if (fresh == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	for (size_t i = 0; i < PARTS; i++)
		if ((rc = read_part(in, &s, i, into[i], e)) != RC_OK)
			return rc;
	if ((rc = range_save_new(&s, fresh, "ca", e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < cfg_count(fresh); i++) {
		struct cfg_item x = cfg_at(fresh, i);
		if (cfg_get(in->cs, x.name) == NULL &&
		    (rc = cfg_set(in->cs, x.name, x.value, e)) != RC_OK)
			return rc;
	}
	rc = range_load(&in->numbers[kind], in->cs, kind, form, e);
	in->ranged[kind] = rc == RC_OK;
	return rc;
}

static enum rc
set_generator(
    struct install *in, enum range_kind kind, const char *param, struct err *e)
{
	const char *word = values_str(in->v, param);

	if (strcmp(word, "random") == 0)
		return RC_OK;
	if (strcmp(word, "legacy") != 0 && strcmp(word, "legacy2") != 0)
		return err_set(e, RC_INVALID,
		    "%s: random, legacy or legacy2 is possible", param);
	return set_range(in, kind,
	    strcmp(word, "legacy") == 0 ? RANGE_LEGACY : RANGE_LEGACY2, e);
}

/* RSNv1: legacy ranges whose numbers are drawn at random. */
static enum rc
set_random_serials(struct install *in, struct err *e)
{
	static const char *const rows[][2] = {
		{ "dbs.enableRandomSerialNumbers", "true" },
		{ "dbs.minimumRandomBits", "4" },
		{ "dbs.collisionRecoverySteps", "10" },
		{ "dbs.collisionRecoveryRegenerations", "3" },
	};
	enum rc rc = RC_OK;

	in->random_serials = in->ranged[RANGE_SERIAL] &&
	    in->numbers[RANGE_SERIAL].form == RANGE_LEGACY &&
	    values_bool(in->v, "pki_random_serial_numbers_enable");
	for (size_t i = 0; rc == RC_OK && in->random_serials && i < 4; i++)
		rc = cfg_set(in->cs, rows[i][0], rows[i][1], e);
	return rc;
}

enum rc
install_numbers(struct install *in, struct err *e)
{
	enum rc rc;

	if ((rc = set_generator(
		 in, RANGE_REQUEST, "pki_request_id_generator", e)) != RC_OK ||
	    (rc = set_generator(
		 in, RANGE_SERIAL, "pki_cert_id_generator", e)) != RC_OK ||
	    (rc = set_random_serials(in, e)) != RC_OK)
		return rc;
	return set_range(in, RANGE_REPLICA, RANGE_LEGACY, e);
}

enum rc
install_numbers_check(struct install *in, struct err *e)
{
	struct cfg *keep = in->cs;
	AUTO(cfg) scratch = cfg_new();
	enum rc rc;

	if (scratch == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	in->cs = scratch;
	rc = install_numbers(in, e);
	in->cs = keep;
	for (size_t k = 0; k < RANGE_KINDS; k++)
		in->ranged[k] = false;
	return rc;
}

enum rc
install_range_given(struct install *in, enum range_kind kind, const char *begin,
    const char *end, struct err *e)
{
	struct range_state *s = &in->numbers[kind];
	enum rc rc;

	if (!in->ranged[kind])
		return err_set(e, RC_INVALID,
		    "a range of %s numbers, but their generator is random",
		    words[kind]);
	if ((rc = range_parse(&s->now.begin, kind, s->form, begin, e)) !=
		RC_OK ||
	    (rc = range_parse(&s->now.end, kind, s->form, end, e)) != RC_OK)
		return err_prefix(e, "the master's %s range", words[kind]);
	s->managed = true;
	s->mark = s->now.begin;
	s->top = s->now.end;
	return range_save(s, in->cs, e);
}

/* --- the first numbers -------------------------------------------------------- */

static enum rc
draw(struct num *out, struct err *e)
{
	uint8_t b[RANDOM_OCTETS];

	if (RAND_bytes(b, sizeof(b)) != 1)
		return err_openssl(e, RC_CRYPTO, "random number");
	return num_from_view(out, view_of(b, sizeof(b)), e);
}

/* Anywhere in the range where no certificate is. */
static enum rc
draw_in_range(struct install *in, struct num *out, struct err *e)
{
	const struct range_span *now = &in->numbers[RANGE_SERIAL].now;
	char hex[NUM_TEXT_MAX];
	uint64_t v;
	enum rc rc;

	do {
		AUTO(rec) there = NULL;
		if (RAND_bytes((uint8_t *)&v, sizeof(v)) != 1)
			return err_openssl(e, RC_CRYPTO, "random number");
		*out =
		    num_from_u64(now->begin + v % (now->end - now->begin + 1));
		rc = store_get(
		    in->store, &there, REC_CERT, num_hex(hex, out), e);
	} while (rc == RC_OK);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
install_number(
    struct install *in, enum range_kind kind, struct num *out, struct err *e)
{
	uint64_t v;
	enum rc rc;

	if (!in->ranged[kind])
		return draw(out, e);
	/* also where it is drawn: the range counts what is used */
	if ((rc = range_next(&in->numbers[kind], &v, e)) != RC_OK)
		return err_prefix(e, "%s numbers", words[kind]);
	*out = num_from_u64(v);
	return kind == RANGE_SERIAL && in->random_serials
	    ? draw_in_range(in, out, e)
	    : RC_OK;
}

/* --- the end --------------------------------------------------------------------- */

enum rc
install_numbers_finish(struct install *in, struct err *e)
{
	AUTO(highwater) h = NULL;
	enum rc rc;

	if ((rc = highwater_open(&h, in->paths, "ca", e)) != RC_OK ||
	    (rc = highwater_new_host(h, in->store, in->db == NULL,
		 values_str(in->v, "pki_hostname"), &clock_system, e)) != RC_OK)
		return rc;
	for (size_t k = 0; k < RANGE_KINDS; k++) {
		struct range_state *s = &in->numbers[k];
		struct range_set set = { in->store, s->kind, s->form };
		if (!in->ranged[k])
			continue;
		if (s->top < s->now.end)
			s->top = s->now.end;
		if ((rc = numbers_note(h, s, e)) != RC_OK ||
		    (rc = range_counter_init(&set,
			 k == RANGE_REPLICA
			     ? FIRST_REPLICA_RANGE
			     : range_after(s->kind, s->form, s->now.end),
			 e)) != RC_OK)
			return rc;
	}
	return RC_OK;
}
