/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_read.c - reads and searches of the directory.
 * Owns:    what one search collects.
 * Trusts:  nothing: entries may be another vendor's.
 * Threads: any, each with a connection of its own. */
#include "base/log.h"
#include "store/ldap_int.h"
#include "store/rec_wire.h"

static char all_user[] = "*", entry_usn[] = "entryUSN", no_attrs[] = "1.1";
static char next_range[] = "nextRange";
char *dir_read_attrs[] = { all_user, entry_usn, NULL };

/* A code below this is no result of LDAP: no connection was to be had, for the
 * reason that is its distance (an enum rc, whose text is set already). */
enum {
	DIR_NOT_TAKEN = -1000
};

static enum rc
read_err(struct err *e, int code, const char *what)
{
	if (code < DIR_NOT_TAKEN)
		return (enum rc)(DIR_NOT_TAKEN - code);
	return dir_err(e, code, what);
}

/* One search operation; a connection found broken is replaced once. */
static int
search_once(struct ldap_be *be, LDAP **ld, LDAPMessage **res,
    const struct ask *q, struct err *e)
{
	int c = LDAP_SERVER_DOWN;

	for (int i = 0; i < 2 && c == LDAP_SERVER_DOWN; i++) {
		enum rc rc = *ld == NULL ? dir_take(be, ld, e) : RC_OK;

		if (rc != RC_OK)
			return DIR_NOT_TAKEN - (int)rc;
		if (*res != NULL)
			ldap_msgfree(*res);
		*res = NULL;
		c = ldap_search_ext_s(*ld, q->base, q->scope, q->filter,
		    q->attrs, 0, q->ctrls, NULL, NULL, LDAP_NO_LIMIT, res);
		if (c == LDAP_SERVER_DOWN) {
			dir_give(be, *ld, c);
			*ld = NULL;
		}
	}
	return c;
}

enum rc
dir_get(void *impl, struct rec **out, enum rec_kind kind, const char *id,
    struct err *e)
{
	struct ldap_be *be = impl;
	AUTO_BUF dn = buf_empty(LDAP_BE_DN_MAX);
	LDAPMessage *res = NULL, *entry;
	LDAP *ld = NULL;
	enum rc rc = dir_dn(be, &dn, kind, id, e);
	int c;

	if (rc != RC_OK)
		return rc;
	be->reads++;
	c = search_once(be, &ld, &res,
	    &(struct ask){ buf_cstr(&dn), "(objectClass=*)", LDAP_SCOPE_BASE,
		dir_read_attrs, NULL },
	    e);
	entry = c == LDAP_SUCCESS ? ldap_first_entry(ld, res) : NULL;
	if (entry != NULL)
		rc = dir_to_rec(be, ld, entry, kind, out, e);
	else if (c == LDAP_SUCCESS || c == LDAP_NO_SUCH_OBJECT)
		rc = err_set(e, RC_NOTFOUND, "%s %.64s: not found",
		    rec_kind_text(kind), id);
	else
		rc = read_err(e, c, "read");
	if (rc == RC_OK)
		(*out)->usn = dir_exposed(be, (*out)->usn);
	ldap_msgfree(res);
	if (ld != NULL)
		dir_give(be, ld, c);
	return rc;
}

enum rc
dir_read_one(struct ldap_be *be, struct buf *out, const char *dn,
    const char *attr, struct err *e)
{
	char *attrs[] = { (char *)(uintptr_t)attr, NULL };
	LDAPMessage *res = NULL, *entry;
	struct berval **v = NULL;
	LDAP *ld = NULL;
	enum rc rc = RC_OK;
	int c = search_once(be, &ld, &res,
	    &(struct ask){
		dn, "(objectClass=*)", LDAP_SCOPE_BASE, attrs, NULL },
	    e);

	entry = c == LDAP_SUCCESS ? ldap_first_entry(ld, res) : NULL;
	if (c != LDAP_SUCCESS)
		rc = read_err(e, c, dn);
	else if (entry == NULL ||
	    (v = ldap_get_values_len(ld, entry, attr)) == NULL)
		rc = err_set(e, RC_NOTFOUND, "directory: no %s", attr);
	else
		buf_add(out, v[0]->bv_val, v[0]->bv_len);
	if (v != NULL)
		ldap_value_free_len(v);
	ldap_msgfree(res);
	if (ld != NULL)
		dir_give(be, ld, c);
	return rc;
}

/* --- paged searches ----------------------------------------------------- */

struct pager {
	struct ldap_be *be;
	LDAP *ld;
	struct ask ask;
	struct berval cookie;
	bool end;
};

/* The next page; the cookie says whether there is another one. */
static int
next_page(struct pager *p, LDAPMessage **res, struct err *e)
{
	LDAPControl *page = NULL, *ctrls[2] = { NULL }, **back = NULL, *found;
	struct berval cookie = { 0, NULL };
	ber_int_t count = 0;
	int c, code = 0;

	enum rc rc = p->ld == NULL ? dir_take(p->be, &p->ld, e) : RC_OK;

	if (rc != RC_OK)
		return DIR_NOT_TAKEN - (int)rc;
	c = ldap_create_page_control(p->ld, LDAP_BE_PAGE, &p->cookie, 1, &page);
	if (c != LDAP_SUCCESS)
		return c;
	ctrls[0] = page;
	c = p->cookie.bv_len == 0
	    ? search_once(p->be, &p->ld, res,
		  &(struct ask){ p->ask.base, p->ask.filter, p->ask.scope,
		      p->ask.attrs, ctrls },
		  e)
	    : ldap_search_ext_s(p->ld, p->ask.base, p->ask.scope, p->ask.filter,
		  p->ask.attrs, 0, ctrls, NULL, NULL, LDAP_NO_LIMIT, res);
	ldap_control_free(page);
	if (c != LDAP_SUCCESS)
		return c;
	c = ldap_parse_result(p->ld, *res, &code, NULL, NULL, NULL, &back, 0);
	found = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, back, NULL);
	if (c == LDAP_SUCCESS && found != NULL)
		c = ldap_parse_pageresponse_control(
		    p->ld, found, &count, &cookie);
	ber_memfree(p->cookie.bv_val);
	p->cookie = cookie;
	p->end = c != LDAP_SUCCESS || cookie.bv_len == 0;
	ldap_controls_free(back);
	return c;
}

/* Tells the server that the rest of the walk is not wanted. */
static void
pager_done(struct pager *p, int code)
{
	LDAPControl *page = NULL, *ctrls[2] = { NULL };
	LDAPMessage *res = NULL;

	if (p->ld != NULL && p->cookie.bv_len > 0 && code == LDAP_SUCCESS &&
	    ldap_create_page_control(p->ld, 0, &p->cookie, 1, &page) ==
		LDAP_SUCCESS) {
		ctrls[0] = page;
		ldap_search_ext_s(p->ld, p->ask.base, p->ask.scope,
		    p->ask.filter, p->ask.attrs, 0, ctrls, NULL, NULL,
		    LDAP_NO_LIMIT, &res);
		ldap_msgfree(res);
		ldap_control_free(page);
	}
	ber_memfree(p->cookie.bv_val);
	if (p->ld != NULL)
		dir_give(p->be, p->ld, code);
}

enum rc
dir_pages(struct ldap_be *be, const struct ask *q,
    bool (*fn)(void *arg, LDAP *ld, LDAPMessage *entry), void *arg,
    struct err *e)
{
	struct pager p = { .be = be, .ask = *q };
	int c = LDAP_SUCCESS;
	bool more = true;

	while (c == LDAP_SUCCESS && more && !p.end) {
		LDAPMessage *res = NULL, *m = NULL;

		if ((c = next_page(&p, &res, e)) == LDAP_SUCCESS)
			m = ldap_first_entry(p.ld, res);
		for (; m != NULL && more; m = ldap_next_entry(p.ld, m))
			more = fn(arg, p.ld, m);
		ldap_msgfree(res);
	}
	pager_done(&p, c);
	/* a container that nothing has needed yet has no records */
	if (c != LDAP_SUCCESS && c != LDAP_NO_SUCH_OBJECT)
		return read_err(e, c, "search");
	return RC_OK;
}

struct walk {
	struct ldap_be *be;
	const struct query *q;
	const struct filter *match; /* what the server did not look at */
	size_t skip, left;
	bool (*fn)(void *arg, const struct rec *r);
	void *arg;
	bool stopped;
	enum rc rc;
	struct rec **list; /* when sorting */
	size_t n, cap;
};

static enum rc
keep_rec(struct walk *w, struct rec *r, struct err *e)
{
	if (w->n == w->cap) {
		size_t cap = w->cap == 0 ? 256 : 2 * w->cap;
		struct rec **list =
		    reallocarray(w->list, cap, sizeof(struct rec *));

		if (list == NULL) {
			rec_free(r);
			return err_set(e, RC_NOMEM, "search: out of memory");
		}
		w->list = list;
		w->cap = cap;
	}
	w->list[w->n++] = r;
	return RC_OK;
}

static void
hand_over(struct walk *w, const struct rec *r)
{
	if (w->skip > 0) {
		w->skip--;
		return;
	}
	w->left--;
	w->stopped = !w->fn(w->arg, r) || w->left == 0;
}

static bool
walk_entry(void *arg, LDAP *ld, LDAPMessage *m)
{
	struct walk *w = arg;
	struct err e = { 0 };
	struct rec *r = NULL;

	if (dir_to_rec(w->be, ld, m, w->q->kind, &r, &e) != RC_OK) {
		/* an entry that is no record of ours, such as a conflict
		 * entry: not seen */
		log_debug("store", "entry skipped: %s", e.text);
		return true;
	}
	if (w->match != NULL && !filter_match(w->match, r)) {
		rec_free(r);
		return true;
	}
	r->usn = dir_exposed(w->be, r->usn);
	if (w->q->order != NULL) {
		w->rc = keep_rec(w, r, NULL);
		return w->rc == RC_OK;
	}
	hand_over(w, r);
	rec_free(r);
	return !w->stopped;
}

static int
cmp_by(const void *a, const void *b, void *arg)
{
	const struct rec *const *x = a, *const *y = b;
	const char *order = arg;
	bool down = order[0] == '-';
	const char *attr = order + (down ? 1 : 0);
	AUTO_BUF p = buf_empty(REC_VALUE_MAX);
	AUTO_BUF q = buf_empty(REC_VALUE_MAX);
	int c;

	value_norm(&p, schema_syntax(attr), rec_get(*x, attr));
	value_norm(&q, schema_syntax(attr), rec_get(*y, attr));
	c = view_cmp(buf_view(&p), buf_view(&q));
	return down ? -c : c;
}

static void
hand_sorted(struct walk *w)
{
	if (w->n > 0)
		qsort_r(w->list, w->n, sizeof(struct rec *), cmp_by,
		    (void *)(uintptr_t)w->q->order);
	for (size_t i = 0; i < w->n && !w->stopped; i++)
		hand_over(w, w->list[i]);
}

/* The attributes to ask for: the wanted ones, that of the order, entryUSN; all
 * where records are matched here. */
static char **
wanted(const struct query *q, bool all)
{
	size_t n = 0, at = 0;
	char **list;

	while (q->attrs != NULL && q->attrs[n] != NULL)
		n++;
	if ((list = calloc(n + 4, sizeof(char *))) == NULL)
		return NULL;
	if (q->attrs == NULL || all)
		list[at++] = all_user;
	for (size_t i = 0; i < n; i++)
		list[at++] = (char *)(uintptr_t)q->attrs[i];
	if (q->attrs != NULL && q->order != NULL)
		list[at++] =
		    (char *)(uintptr_t)(q->order + (q->order[0] == '-'));
	if (q->attrs != NULL && q->kind == REC_COUNTER)
		list[at++] = next_range; /* makes it one */
	list[at] = entry_usn;
	return list;
}

static enum rc
walk_all(struct walk *w, const struct ask *q, struct err *e)
{
	enum rc rc = dir_pages(w->be, q, walk_entry, w, e);

	if (rc == RC_OK && w->rc != RC_OK)
		rc = err_set(e, w->rc, "search: %s", rc_text(w->rc));
	if (rc == RC_OK && w->q->order != NULL)
		hand_sorted(w);
	return rc;
}

enum rc
dir_search(void *impl, const struct query *q,
    bool (*fn)(void *arg, const struct rec *r), void *arg, struct err *e)
{
	struct ldap_be *be = impl;
	struct walk w = { .be = be,
		.q = q,
		.skip = q->start,
		.left = q->limit != 0 ? q->limit : SIZE_MAX,
		.fn = fn,
		.arg = arg };
	AUTO_BUF base = buf_empty(LDAP_BE_DN_MAX);
	AUTO_BUF text = buf_empty(4 * FILTER_TEXT_MAX);
	AUTO(filter) f = NULL;
	struct ask ask = { .base = NULL };
	char **attrs;
	enum rc rc;

	if (q->filter != NULL && (rc = filter_parse(&f, q->filter, e)) != RC_OK)
		return rc;
	if (dir_list_search(be, q, f, fn, arg, &rc, e))
		return rc;
	if ((rc = dir_container(be, &base, &ask.scope, q->kind, e)) != RC_OK)
		return rc;
	if (!dir_filter(&text, q->kind, f))
		w.match = f;
	if ((rc = buf_check(&text, e)) != RC_OK)
		return rc;
	if ((attrs = wanted(q, w.match != NULL)) == NULL)
		return err_set(e, RC_NOMEM, "search: out of memory");
	be->searches++;
	ask.base = buf_cstr(&base);
	ask.filter = buf_cstr(&text);
	ask.attrs = attrs;
	rc = walk_all(&w, &ask, e);
	for (size_t i = 0; i < w.n; i++)
		rec_free(w.list[i]);
	free(w.list);
	free(attrs);
	return rc;
}

static bool
count_one(void *arg, const struct rec *r)
{
	(void)r;
	++*(uint64_t *)arg;
	return true;
}

enum rc
dir_count(void *impl, uint64_t *out, enum rec_kind kind, const char *filter,
    struct err *e)
{
	const char *const none[] = { no_attrs, NULL };
	struct query q = { .kind = kind, .filter = filter, .attrs = none };
	AUTO(filter) f = NULL;
	uint64_t n = 0;
	enum rc rc = filter != NULL ? filter_parse(&f, filter, e) : RC_OK;

	if (rc != RC_OK || dir_list_count(impl, out, kind, f))
		return rc;
	if ((rc = dir_search(impl, &q, count_one, &n, e)) == RC_OK)
		*out = n;
	return rc;
}
