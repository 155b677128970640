/* SPDX-License-Identifier: Apache-2.0 */
/* install.c - the first CS.cfg of a host: the first host is the master, the
 * others are clones and get their numbers from it (spec deployment 3.5, 4.4).
 * Owns:    nothing.
 * Trusts:  its own test program.
 * Threads: one. */
#include "base/path.h"
#include "cluster.h"

/* Small, so that ranges run out and are asked for in a short run. */
enum {
	FIRST_NUMBERS = 64,
	REQUEST_BLOCK = 12,
	REQUEST_LOW = 5,
	SERIAL_BLOCK = 4,
	SERIAL_LOW = 2,
};

static enum rc
master_range(struct host *h, struct range_state *s, struct err *e)
{
	struct range_set set = { sim_store(h->c->sim, h->n), s->kind, s->form };

	s->now = (struct range_span){ 1, FIRST_NUMBERS };
	return range_counter_init(
	    &set, range_after(s->kind, s->form, FIRST_NUMBERS), e);
}

/* What updateNumberRange answers. */
static enum rc
clone_range(struct host *h, struct range_state *s, struct err *e)
{
	struct numbers *of = h->c->hosts[0].ca->numbers;
	char begin[RANGE_TEXT_MAX], end[RANGE_TEXT_MAX];
	enum rc rc = numbers_transfer(of,
	    s->kind == RANGE_REQUEST ? "request" : "serialNo", begin, end, e);

	if (rc != RC_OK ||
	    (rc = range_parse(&s->now.begin, s->kind, s->form, begin, e)) !=
		RC_OK)
		return rc;
	return range_parse(&s->now.end, s->kind, s->form, end, e);
}

static enum rc
set_range(struct host *h, struct cfg *cs, enum range_kind kind, struct err *e)
{
	bool request = kind == RANGE_REQUEST;
	uint64_t block = request ? REQUEST_BLOCK : SERIAL_BLOCK;
	struct range_state s = { .kind = kind,
		.form = h->c->form,
		.next = { 1, 0 },
		.managed = true,
		.increment = block,
		.transfer = block,
		.low_water = request ? REQUEST_LOW : SERIAL_LOW };
	enum rc rc = h->n == 0 ? master_range(h, &s, e) : clone_range(h, &s, e);

	if (rc == RC_OK)
		rc = cfg_set(cs,
		    request ? "dbs.request.id.generator"
			    : "dbs.cert.id.generator",
		    s.form == RANGE_LEGACY ? "legacy" : "legacy2", e);
	return rc == RC_OK ? range_save_new(&s, cs, "ca", e) : rc;
}

static void
add_lists(struct buf *text, const struct host *h)
{
	buf_addf(text,
	    "ca.crl.MasterCRL.enable=true\n"
	    "ca.crl.MasterCRL.enableCRLUpdates=%s\n"
	    "ca.crl.MasterCRL.extension.CRLReason.enable=true\n",
	    h->n == 0 ? "true" : "false");
	buf_add_str(text,
	    h->c->deltas
		? "ca.crl.MasterCRL.autoUpdateInterval=5\n"
		  "ca.crl.MasterCRL.updateSchema=3\n"
		  "ca.crl.MasterCRL.extension.DeltaCRLIndicator.enable=true\n"
		: "ca.crl.MasterCRL.autoUpdateInterval=60\n");
}

enum rc
install_cfg(struct host *h, const char *path, struct err *e)
{
	AUTO_BUF text = buf_empty(4096);
	AUTO(cfg) cs = cfg_new();
	bool master = h->n == 0;
	enum rc rc;

	buf_addf(&text,
	    "dbs.type=ldap\ninternaldb.basedn=o=test\n"
	    "subsystem.select=%s\nca.serialNumberUpdateInterval=60\n"
	    "ca.certStatusUpdateInterval=%d\n"
	    "ca.listenToCloneModifications=%s\n",
	    master ? "New" : "Clone", master ? 600 : 0,
	    master ? "true" : "false");
	add_lists(&text, h);
	if (!master)
		buf_add_str(&text,
		    "master.ca.agent.host=h0.example.com\n"
		    "master.ca.agent.port=8443\n");
	if (cs == NULL)
		return err_set(e, RC_NOMEM, "CS.cfg");
	rc = cfg_parse(cs, buf_view(&text), "CS.cfg", e);
	for (int k = RANGE_REQUEST;
	     rc == RC_OK && h->c->ranged && k <= RANGE_SERIAL; k++)
		rc = set_range(h, cs, (enum range_kind)k, e);
	return rc == RC_OK ? cfg_save(cs, path, 0600, e) : rc;
}
