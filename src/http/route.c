/* SPDX-License-Identifier: Apache-2.0 */
/* route.c - which handler a path belongs to.
 * Owns:    the trie and its copies of patterns.
 * Trusts:  patterns come from code; paths from the network, already decoded.
 * Threads: routes_add and routes_join before others see the table,
 *          routes_find from any. */
#include "http/route.h"

#include <stdlib.h>
#include <string.h>

enum {
	METHODS = 6
};

struct node {
	char *name; /* of a fixed segment */
	struct node **fixed;
	size_t n_fixed;
	struct node *param;
	struct route *here[METHODS]; /* the path ends here */
	struct route *star[METHODS]; /* a "*" takes the rest */
	struct node *all;            /* next of all nodes, for freeing */
};

struct routes {
	struct node *root;
	struct node *all;
	struct route *list;
	struct routes *older;
};

static struct node *
node_new(struct routes *t, struct view name)
{
	struct node *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->name = view_dup_str(name);
	if (n->name == NULL) {
		free(n);
		return NULL;
	}
	n->all = t->all;
	t->all = n;
	return n;
}

struct routes *
routes_new(void)
{
	AUTO(routes) t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->root = node_new(t, view_str(""));
	return t->root != NULL ? routes_steal(&t) : NULL;
}

static void
route_free(struct route *r)
{
	for (size_t i = 0; i < r->n_params; i++)
		free(r->params[i]);
	free(r);
}

static void
free_one(struct routes *t)
{
	while (t->all != NULL) {
		struct node *n = t->all;

		t->all = n->all;
		free(n->name);
		free(n->fixed);
		free(n);
	}
	while (t->list != NULL) {
		struct route *r = t->list;

		t->list = r->next;
		route_free(r);
	}
	free(t);
}

void
routes_free(struct routes *t)
{
	while (t != NULL) {
		struct routes *older = t->older;

		free_one(t);
		t = older;
	}
}

/* Where name is among the fixed children, or would be inserted. */
static size_t
fixed_index(const struct node *n, struct view name)
{
	size_t lo = 0, hi = n->n_fixed;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (view_cmp(view_str(n->fixed[mid]->name), name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The child at i if it has that name. */
static struct node *
fixed_at(const struct node *n, size_t i, struct view name)
{
	return i < n->n_fixed && view_eq(view_str(n->fixed[i]->name), name)
	    ? n->fixed[i]
	    : NULL;
}

static struct node *
fixed_find(const struct node *n, struct view name)
{
	return fixed_at(n, fixed_index(n, name), name);
}

/* The fixed child of that name, made if it is not there; NULL = no memory. */
static struct node *
fixed_make(struct routes *t, struct node *n, struct view name)
{
	size_t i = fixed_index(n, name);
	struct node **more, *child = fixed_at(n, i, name);

	if (child != NULL)
		return child;
	more = reallocarray(n->fixed, n->n_fixed + 1, sizeof(struct node *));
	if (more == NULL)
		return NULL;
	n->fixed = more;
	child = node_new(t, name);
	if (child == NULL)
		return NULL;
	memmove(
	    &more[i + 1], &more[i], (n->n_fixed - i) * sizeof(struct node *));
	more[i] = child;
	n->n_fixed++;
	return child;
}

/* The child for one pattern segment; a {name} is noted in r. */
static enum rc
segment_make(struct routes *t, struct node **at, struct route *r,
    struct view seg, struct err *e)
{
	struct node *n = *at, *child;

	if (seg.len > 2 && seg.data[0] == '{' && seg.data[seg.len - 1] == '}') {
		if (r->n_params == ROUTE_PARAMS_MAX)
			return err_set(e, RC_INVALID,
			    "route %s: too many names", r->r.pattern);
		r->params[r->n_params] =
		    view_dup_str(view_of(seg.data + 1, seg.len - 2));
		if (r->params[r->n_params] == NULL)
			return err_set(e, RC_NOMEM, "route: out of memory");
		r->n_params++;
		if (n->param == NULL)
			n->param = node_new(t, view_str("{}"));
		child = n->param;
	} else {
		child = fixed_make(t, n, seg);
	}
	if (child == NULL)
		return err_set(e, RC_NOMEM, "route: out of memory");
	*at = child;
	return RC_OK;
}

/* Puts r into the method slots of a node. */
static enum rc
slots_take(struct route **slots, struct route *r, struct err *e)
{
	for (unsigned i = 0; i < METHODS; i++)
		if ((r->r.methods & 1U << i) != 0 && slots[i] != NULL)
			return err_set(e, RC_EXISTS, "route %s: given twice",
			    r->r.pattern);
	for (unsigned i = 0; i < METHODS; i++)
		if ((r->r.methods & 1U << i) != 0)
			slots[i] = r;
	return RC_OK;
}

static enum rc
route_insert(struct routes *t, struct route *r, struct err *e)
{
	struct node *at = t->root;
	const char *p = r->r.pattern;
	size_t depth = 0;
	bool star = false;

	if (*p != '/' || r->r.methods == 0 || r->r.methods >> METHODS != 0 ||
	    r->r.handler == NULL || (unsigned)r->r.cls >= HTTP_CLASSES)
		return err_set(e, RC_INVALID, "route %s: malformed", p);
	while (*p == '/' && !star) {
		size_t n = strcspn(++p, "/");
		enum rc rc;

		if (++depth > ROUTE_DEPTH_MAX - 1)
			return err_set(
			    e, RC_INVALID, "route %s: too deep", r->r.pattern);
		star = n == 1 && *p == '*';
		if (!star) {
			rc = segment_make(t, &at, r, view_of(p, n), e);
			if (rc != RC_OK)
				return rc;
		}
		p += n;
	}
	if (*p != '\0' || (star && r->n_params == ROUTE_PARAMS_MAX))
		return err_set(
		    e, RC_INVALID, "route %s: malformed", r->r.pattern);
	if (star) {
		r->params[r->n_params] = strdup("*");
		if (r->params[r->n_params] == NULL)
			return err_set(e, RC_NOMEM, "route: out of memory");
		r->n_params++;
	}
	return slots_take(star ? at->star : at->here, r, e);
}

enum rc
routes_add(
    struct routes *t, const struct http_route *r, void *arg, struct err *e)
{
	size_t n = strlen(r->pattern) + 1;
	struct route *own = calloc(1, sizeof(*own) + n);
	enum rc rc;

	if (own == NULL)
		return err_set(e, RC_NOMEM, "route: out of memory");
	own->r = *r;
	own->r.pattern = memcpy(own + 1, r->pattern, n);
	own->arg = arg;
	rc = route_insert(t, own, e);
	if (rc != RC_OK) {
		route_free(own);
		return rc;
	}
	own->next = t->list;
	t->list = own;
	return RC_OK;
}

void
routes_join(struct routes *t, struct routes *older)
{
	t->older = older;
}

static unsigned
method_index(enum http_method m)
{
	return (unsigned)__builtin_ctz((unsigned)m);
}

static const struct route *
slot(struct route *const *slots, enum http_method method, unsigned *allowed)
{
	for (unsigned i = 0; i < METHODS; i++)
		if (slots[i] != NULL)
			*allowed |= 1U << i;
	if (method == 0)
		return NULL;
	if (slots[method_index(method)] != NULL)
		return slots[method_index(method)];
	return method == HTTP_HEAD ? slots[method_index(HTTP_GET)] : NULL;
}

/* One step of the walk: a node, the path behind it without its slash, and what
 * has been tried already. */
struct frame {
	const struct node *n;
	struct view rest;
	bool ended; /* nothing behind it, not even a slash */
	bool is_param;
	struct view value; /* what a {name} took */
	int stage;
};

static void
take_match(struct route_match *out, const struct route *r,
    const struct frame *st, size_t depth, const struct view *star)
{
	size_t n = 0;

	out->route = r;
	for (size_t i = 0; i < depth && n < ROUTE_PARAMS_MAX; i++)
		if (st[i].is_param)
			out->values[n++] = st[i].value;
	if (star != NULL && n < ROUTE_PARAMS_MAX)
		out->values[n] = *star;
}

/* The first segment of v. */
static struct view
segment_of(struct view v)
{
	const uint8_t *slash = v.len > 0 ? memchr(v.data, '/', v.len) : NULL;

	return slash != NULL ? view_of(v.data, (size_t)(slash - v.data)) : v;
}

static struct frame
frame_below(const struct frame *f, const struct node *child, struct view seg)
{
	size_t used = seg.len < f->rest.len ? seg.len + 1 : seg.len;

	return (struct frame){ .n = child,
		.rest = view_of(f->rest.data + used, f->rest.len - used),
		.ended = used == seg.len,
		.is_param = child == f->n->param,
		.value = seg };
}

/* Walks depth-first, fixed before {name} before "*"; no recursion: the depth of
 * the trie bounds the stack. path is without its first slash. */
static void
walk(const struct routes *t, struct route_match *out, enum http_method method,
    struct view path)
{
	struct frame st[ROUTE_DEPTH_MAX + 1];
	size_t depth = 1;

	st[0] = (struct frame){ .n = t->root, .rest = path };
	while (depth > 0) {
		struct frame *f = &st[depth - 1];
		struct view seg = segment_of(f->rest);
		const struct node *child = NULL;
		const struct route *r = NULL;
		int stage = f->stage++;

		if (stage > 2 || (f->ended && stage > 0)) {
			depth--;
		} else if (f->ended) {
			r = slot(f->n->here, method, &out->allowed);
			if (r != NULL)
				take_match(out, r, st, depth, NULL);
		} else if (stage == 0) {
			child = fixed_find(f->n, seg);
		} else if (stage == 1) {
			child = seg.len > 0 ? f->n->param : NULL;
		} else {
			r = slot(f->n->star, method, &out->allowed);
			if (r != NULL)
				take_match(out, r, st, depth, &f->rest);
		}
		if (r != NULL)
			return;
		if (child != NULL && depth <= ROUTE_DEPTH_MAX)
			st[depth++] = frame_below(f, child, seg);
	}
}

void
routes_find(const struct routes *t, struct route_match *out,
    enum http_method method, const char *path)
{
	struct view v = view_str(path);

	*out = (struct route_match){ 0 };
	if (v.len == 0 || v.data[0] != '/')
		return;
	v = view_of(v.data + 1, v.len - 1);
	for (; t != NULL && out->allowed == 0; t = t->older) {
		walk(t, out, method, v);
		if (out->allowed == 0 && v.len > 0 && v.data[v.len - 1] == '/')
			walk(t, out, method, view_of(v.data, v.len - 1));
	}
}
