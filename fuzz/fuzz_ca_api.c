/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ca_api.c - any bytes as what an agent, an administrator or a stranger
 * sends to the CA's REST handlers and servlets: a real CA in a scratch folder
 * (keystore, store, profiles), no sockets. The first byte chooses the path, the
 * second who asks; up to a newline comes the query, the rest is the body. After
 * a first byte of ANY that line is the request line (bit 1 of the second byte
 * switches nonces off): "GET /ca/x?y=z text/plain".
 * Owns:    one instance, one call, reused.
 * Trusts:  nothing of the input.
 * Threads: the instance's timer beside. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ca_harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct {
	const char *method, *path, *type;
} targets[] = {
	{ "POST", "/ca/v2/certrequests", "application/json" },
	{ "POST", "/ca/v2/certs/search", "application/json" },
	{ "GET", "/ca/v2/certs", "" },
	{ "GET", "/ca/v2/agent/certrequests", "" },
	{ "POST", "/ca/v2/agent/certs/0x1/revoke", "application/json" },
	{ "POST", "/ca/v2/profiles", "application/json" },
	{ "POST", "/ca/v2/profiles/raw", "text/plain" },
	{ "PUT", "/ca/v2/profiles/caUserCert/raw", "text/plain" },
	{ "POST", "/ca/v2/profiles/caUserCert", "" },
	{ "POST", "/ca/v2/admin/users", "application/json" },
	{ "POST", "/ca/v2/admin/groups", "application/json" },
	{ "POST", "/ca/v2/admin/users/caadmin/certs", "application/json" },
	{ "POST", "/ca/v2/admin/users/caadmin/memberships", "text/plain" },
	{ "POST", "/ca/ee/ca/profileSubmit",
	    "application/x-www-form-urlencoded" },
	{ "GET", "/ca/ee/ca/checkRequest", "" },
	{ "GET", "/ca/ee/ca/getCRL", "" },
	{ "POST", "/ca/agent/ca/profileProcess",
	    "application/x-www-form-urlencoded" },
	{ "POST", "/ca/agent/ca/doRevoke",
	    "application/x-www-form-urlencoded" },
	{ "GET", "/ca/agent/ca/listCerts", "" },
	{ "POST", "/ca/ocsp", "application/ocsp-request" },
	{ "PUT", "/ca/v2/securityDomain/hosts", "application/json" },
	{ "GET", "/ca/v2/securityDomain/installToken", "" },
	{ "POST", "/ca/v2/admin/kraconnector/add", "application/json" },
	{ "POST", "/ca/admin/ca/tokenAuthenticate",
	    "application/x-www-form-urlencoded" },
	{ "POST", "/ca/agent/ca/updateDomainXML",
	    "application/x-www-form-urlencoded" },
	{ "POST", "/ca/admin/ca/getConfigEntries",
	    "application/x-www-form-urlencoded" },
	{ "POST", "/ca/admin/ca/updateNumberRange",
	    "application/x-www-form-urlencoded" },
	{ "POST", "/ca/admin/ca/registerUser",
	    "application/x-www-form-urlencoded" },
};
enum {
	TARGETS = sizeof(targets) / sizeof(targets[0]),
	ANY = 0xf0,
	INPUT_MAX = 16384
};

static const char *const settings[] = { "multiroles.enable=false",
	"ca.ocspNextUpdate=true", "ca.byName=false",
	"ca.crl.MasterCRL.enable=false", "master.ca.agent.host=m.example.com",
	"master.ca.agent.port=8443", NULL };
static struct harness *h;

/* The query may hold what a request line may: the rest becomes '+'. */
static void
add_query(struct buf *b, struct view q)
{
	for (size_t i = 0; i < q.len; i++) {
		bool plain =
		    q.data[i] > 0x20 && q.data[i] < 0x7f && q.data[i] != '#';
		buf_add_char(b, plain ? (char)q.data[i] : '+');
	}
}

/* "GET /ca/x?y=z text/plain" into the head; false when it is not that. */
static bool
add_any(struct buf *head, struct view line, size_t body)
{
	const uint8_t *a = memchr(line.data, ' ', line.len), *b;
	struct view method, target, type;

	if (a == NULL)
		return false;
	method = view_of(line.data, (size_t)(a - line.data));
	target = view_of(a + 1, line.len - method.len - 1);
	b = memchr(target.data, ' ', target.len);
	type = b != NULL
	    ? view_of(b + 1, target.len - (size_t)(b - target.data) - 1)
	    : view_of(a, 0);
	if (b != NULL)
		target.len = (size_t)(b - target.data);
	buf_add_view(head, method);
	buf_add_char(head, ' ');
	add_query(head, target);
	buf_add_str(head, " HTTP/1.1\r\nHost: localhost\r\nContent-Type: ");
	add_query(head, type);
	buf_addf(head, "\r\nContent-Length: %zu\r\n\r\n", body);
	return true;
}

static void
add_target(struct buf *head, size_t target, struct view query, size_t body)
{
	buf_addf(head, "%s %s?", targets[target].method, targets[target].path);
	add_query(head, query);
	buf_addf(head,
	    " HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    targets[target].type, body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_BUF head = buf_empty(0);
	AUTO_BUF out = buf_empty(0);
	struct harness_caller who = { .session = false };
	struct view in, query, body;
	const uint8_t *nl;

	if (h == NULL)
		h = harness_start(settings);
	if (len < 2 || len > INPUT_MAX)
		return 0;
	harness_restore(h);
	in = view_of(data + 2, len - 2);
	nl = memchr(in.data, '\n', in.len);
	query = view_of(in.data, nl != NULL ? (size_t)(nl - in.data) : 0);
	body = nl != NULL ? view_of(nl + 1, in.len - query.len - 1) : in;
	/* a caller that is known has a session of its own */
	who.session = (data[1] & 1) != 0;
	atomic_load(&h->ca->shared)->nonces = (data[1] & 2) == 0;
	if (data[0] != ANY)
		add_target(&head, data[0] % TARGETS, query, body.len);
	else if (!add_any(&head, query, body.len))
		return 0;
	(void)harness_call(h, buf_view(&head), body, &who, &out);
	harness_end(h);
	return 0;
}
