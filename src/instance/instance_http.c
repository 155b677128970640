/* SPDX-License-Identifier: Apache-2.0 */
/* instance_http.c - pages of the instance, access log, error bodies.
 * Owns:    the access log's descriptor.
 * Trusts:  nothing of a call; it is escaped before it is logged.
 * Threads: handlers on network threads and workers; the log has a lock. */
#include "instance/instance_http.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <jansson.h>

#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "instance/health.h"
#include "instance/metrics.h"

enum {
	ACCESS_LINE_MAX = 2048,
	ACCESS_USER_MAX = 65,
	METRICS_MAX = 256 * 1024
};

struct instance_http {
	struct instance *instance;
	pthread_mutex_t lock; /* fd, day */
	int fd;
	int64_t day;
	int64_t started_ms;
	struct buf banner;
};

/* Opens the day's file when the day has changed. */
static bool
access_log_ready(struct instance_http *h, int64_t now)
{
	AUTO_BUF path = buf_empty(4096);
	struct civil c = civil_of(now);

	if (h->fd >= 0 && h->day == now / 86400)
		return true;
	fd_closep(&h->fd);
	buf_addf(&path, "%s/localhost_access_log.%04d-%02d-%02d.txt",
	    instance_paths(h->instance)->logs, c.year, c.month, c.day);
	h->fd = open(
	    buf_cstr(&path), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	h->day = now / 86400;
	return h->fd >= 0;
}

static const char *
method_name(enum http_method m)
{
	switch (m) {
	case HTTP_GET:
		return "GET";
	case HTTP_HEAD:
		return "HEAD";
	case HTTP_POST:
		return "POST";
	case HTTP_PUT:
		return "PUT";
	case HTTP_DELETE:
		return "DELETE";
	case HTTP_PATCH:
		return "PATCH";
	}
	return "-";
}

/* A user id as one word of the line. */
static const char *
access_user(char out[ACCESS_USER_MAX], const char *user)
{
	size_t n = 0;

	for (; user != NULL && *user != '\0' && n < ACCESS_USER_MAX - 1; user++)
		out[n++] =
		    *user > ' ' && *user <= '~' && *user != '"' ? *user : '_';
	if (n == 0)
		out[n++] = '-';
	out[n] = '\0';
	return out;
}

/* Common log format, which many programs read: nothing more on the line. Time
 * in UTC. */
static void
access_line(void *arg, const struct http_call *call, int64_t micros)
{
	static const char *const month[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct instance_http *h = arg;
	int64_t now = clock_now(instance_clock(h->instance));
	struct civil c = civil_of(now);
	char line[ACCESS_LINE_MAX], user[ACCESS_USER_MAX], size[24] = "-";
	int n;

	(void)micros;
	if (call->sent > 0)
		snprintf(size, sizeof(size), "%zu", call->sent);
	n = snprintf(line, sizeof(line),
	    "%s - %s [%02d/%s/%04d:%02d:%02d:%02d +0000] \"%s %.1024s "
	    "HTTP/1.1\" %d %s\n",
	    call->peer != NULL ? call->peer : "-",
	    access_user(user, call->user), c.day, month[c.month - 1], c.year,
	    c.hour, c.minute, c.second, method_name(call->method),
	    call->raw_path != NULL ? call->raw_path : "-", call->status, size);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(line))
		n = sizeof(line) - 1;
	LOCKED(&h->lock);
	if (!access_log_ready(h, now) ||
	    write(h->fd, line, (size_t)n) != (ssize_t)n)
		log_debug("http", "access log: line lost");
}

/* Class names that clients rebuild exceptions from (spec ca 1.4). */
static const char *
class_of(int status)
{
	switch (status) {
	case 400:
		return "com.netscape.certsrv.base.BadRequestException";
	case 401:
		return "com.netscape.certsrv.base.UnauthorizedException";
	case 403:
		return "com.netscape.certsrv.base.ForbiddenException";
	case 404:
		return "com.netscape.certsrv.base.ResourceNotFoundException";
	case 406:
		return "com.netscape.certsrv.base.RequestNotAcceptable";
	case 409:
		return "com.netscape.certsrv.base."
		       "ConflictingOperationException";
	case 410:
		return "com.netscape.certsrv.base.HTTPGoneException";
	case 415:
		return "com.netscape.certsrv.base.UnsupportedMediaType";
	case 503:
		return "com.netscape.certsrv.base.ServiceUnavailableException";
	default:
		return "com.netscape.certsrv.base.PKIException";
	}
}

void
instance_http_error(
    struct http_call *c, int status, const char *class_name, const char *text)
{
	instance_http_error_of(c, status, class_name, text, NULL, NULL);
}

void
instance_http_error_of(struct http_call *c, int status, const char *class_name,
    const char *text, const char *name, const char *value)
{
	json_t *attrs = name == NULL || value == NULL
	    ? json_array()
	    : json_pack("[{s:s,s:s}]", "name", name, "value", value);
	json_t *o =
	    json_pack("{s:{s:o},s:s,s:i,s:s}", "Attributes", "Attribute", attrs,
		"ClassName", class_name != NULL ? class_name : class_of(status),
		"Code", status, "Message", text);
	char *s = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;

	log_debug("http", "%s %.128s: status=%d %s", method_name(c->method),
	    c->raw_path != NULL ? c->raw_path : "-", status, text);
	if (status == 401)
		http_reply_header(c, "WWW-Authenticate",
		    "Basic realm=\"Certificate Authority\"");
	http_reply(
	    c, status, "application/json", view_str(s != NULL ? s : "{}"));
	free(s);
	json_decref(o);
}

void
instance_http_fail(struct http_call *c, enum rc rc, const struct err *e)
{
	int status = rc_http(rc);

	if (status >= 500)
		log_error("http", "%s %.128s: %s", method_name(c->method),
		    c->raw_path, e->text);
	instance_http_error(c, status, NULL, e->text);
}

static void
render_error(void *arg, struct http_call *c, int status, const char *text)
{
	(void)arg;
	if (status == 404 || status == 405) {
		/* as the model: routing misses have an empty body */
		http_reply(c, status, "text/plain", view_of(NULL, 0));
		return;
	}
	instance_http_error(c, status, NULL, text);
}

static void
reply_json(struct http_call *c, int status, json_t *o)
{
	char *s = json_dumps(o, JSON_COMPACT);

	http_reply(
	    c, status, "application/json", view_str(s != NULL ? s : "{}"));
	free(s);
	json_decref(o);
}

static void
get_info(struct http_call *c)
{
	struct instance_http *h = c->route_arg;
	json_t *o = json_pack("{s:{s:[]},s:s,s:s}", "Attributes", "Attribute",
	    "Name", "Signet Certificate System", "Version", PROTOCOL_VERSION);

	if (h->banner.len > 0)
		json_object_set_new(
		    o, "Banner", json_string(buf_cstr(&h->banner)));
	reply_json(c, 200, o);
}

static void
get_apps(struct http_call *c)
{
	struct instance_http *h = c->route_arg;
	json_t *list = json_array();
	struct subsystem *s;

	for (size_t k = 0; (s = instance_subsystem_at(h->instance, k)) != NULL;
	     k++)
		json_array_append_new(list,
		    json_pack("{s:s,s:s,s:o}", "id", s->name, "name", s->type,
			"path", json_sprintf("/%s", s->name)));
	reply_json(c, 200, list);
}

static void
post_login(struct http_call *c)
{
	http_reply(c, 204, NULL, view_of(NULL, 0));
}

static void
get_health(struct http_call *c)
{
	struct instance_http *h = c->route_arg;

	health_reply(h->instance, c);
}

static void
add_store_metrics(struct buf *b, struct subsystem *s)
{
	struct store_stats t;

	store_stats(s->store, &t);
	const struct {
		const char *name, *type, *help;
		uint64_t v;
	} all[] = {
		{ "pki_store_records", "gauge", "records in the store",
		    t.records },
		{ "pki_store_commits_total", "counter", "changes committed",
		    t.commits },
		{ "pki_store_groups_total", "counter",
		    "groups of changes made durable together", t.groups },
		{ "pki_effects_waiting", "gauge",
		    "audit lines and other effects not yet carried out",
		    store_effects_waiting(s->store) },
	};
	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
		metric_head(b, all[k].name, all[k].type, all[k].help);
		buf_addf(b, "%s{", all[k].name);
		metric_label(b, "subsystem", s->name);
		buf_addf(b, "} %llu\n", (unsigned long long)all[k].v);
	}
}

static void
get_metrics(struct http_call *c)
{
	struct instance_http *h = c->route_arg;
	AUTO_BUF b = buf_empty(METRICS_MAX);
	struct http_stats st;
	struct subsystem *s;

	http_server_stats(instance_http(h->instance), &st);
	metric_add(&b, "pki_http_requests_total", "counter",
	    "requests answered", st.requests);
	metric_add(&b, "pki_http_bytes_out_total", "counter", "body bytes sent",
	    st.bytes_out);
	metric_add(&b, "pki_http_connections", "gauge", "open connections",
	    st.connections);
	metric_add(&b, "pki_http_refused_total", "counter",
	    "connections refused by a cap", st.refused_connections);
	metric_add(&b, "pki_http_deadline_total", "counter",
	    "connections cut at a deadline", st.cut_deadline);
	metric_add(&b, "pki_tls_handshakes_total", "counter", "TLS handshakes",
	    st.tls_handshakes);
	metric_add(&b, "pki_tls_failures_total", "counter",
	    "failed TLS handshakes", st.tls_failures);
	metric_add(&b, "pki_uptime_seconds", "gauge", "seconds since start",
	    (uint64_t)((clock_mono_ms(instance_clock(h->instance)) -
			   h->started_ms) /
		1000));
	for (size_t k = 0; (s = instance_subsystem_at(h->instance, k)) != NULL;
	     k++) {
		if (!subsystem_is_open(s))
			continue;
		add_store_metrics(&b, s);
		if (s->cls->metrics != NULL && s->self != NULL)
			s->cls->metrics(s, &b);
	}
	http_reply(c, 200, "text/plain; version=0.0.4", buf_view(&b));
}

static void
get_root(struct http_call *c)
{
	static const char page[] =
	    "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<title>Certificate System</title></head><body>"
	    "<h1>Certificate System</h1><ul>"
	    "<li><a href=\"/ca/ee/ca/getCAChain?op=downloadBIN\">CA chain</a>"
	    "<li><a href=\"/ca/ee/ca/getCRL?op=getCRL&amp;crlIssuingPoint="
	    "MasterCRL\">Certificate revocation list</a>"
	    "<li><a href=\"/ca/v2/certs\">Certificates</a>"
	    "<li><a href=\"/health\">Health</a></ul></body></html>\n";

	http_reply(c, 200, "text/html; charset=utf-8", view_str(page));
}

static const struct http_route routes[] = {
	{ HTTP_GET, "/", get_root, HTTP_INLINE, 0, 0 },
	{ HTTP_GET, "/pki/v2/info", get_info, HTTP_INLINE, 0, 0 },
	{ HTTP_GET, "/pki/v1/info", get_info, HTTP_INLINE, 0, 0 },
	{ HTTP_GET, "/pki/rest/info", get_info, HTTP_INLINE, 0, 0 },
	{ HTTP_GET, "/pki/v2/apps", get_apps, HTTP_INLINE, 0, 0 },
	{ HTTP_POST, "/pki/v2/login", post_login, HTTP_INLINE, 0, 0 },
	{ HTTP_GET, "/health", get_health, HTTP_INLINE, 0, 0 },
	{ HTTP_GET, "/metrics", get_metrics, HTTP_INLINE, 0, 0 },
};

enum rc
instance_http_routes(struct instance_http *h, struct err *e)
{
	return http_server_add(instance_http(h->instance), routes,
	    sizeof(routes) / sizeof(routes[0]), h, e);
}

void
instance_http_hooks(struct instance_http *h, struct http_server_params *p)
{
	p->done = cfg_bool(instance_server_cfg(h->instance), "accesslog", true)
	    ? access_line
	    : NULL;
	p->done_arg = h;
	p->render_error = render_error;
	p->render_arg = h;
}

enum rc
instance_http_new(struct instance_http **out, struct instance *i, struct err *e)
{
	struct instance_http *h = calloc(1, sizeof(*h));
	AUTO_BUF path = buf_empty(4096);
	enum rc rc;

	if (h == NULL)
		return err_set(e, RC_NOMEM, "instance pages");
	h->instance = i;
	h->fd = -1;
	h->banner = buf_empty(65536);
	h->started_ms = clock_mono_ms(instance_clock(i));
	pthread_mutex_init(&h->lock, NULL);
	buf_addf(&path, "%s/banner.txt", instance_paths(i)->conf);
	rc = file_read(&h->banner, buf_cstr(&path), e);
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = file_mkdirs(instance_paths(i)->logs, 0770, e);
	if (rc != RC_OK) {
		instance_http_free(h);
		return rc;
	}
	if (!access_log_ready(h, clock_now(instance_clock(i))))
		log_warning("http", "access log cannot be opened, continuing");
	*out = h;
	return RC_OK;
}

void
instance_http_free(struct instance_http *h)
{
	if (h == NULL)
		return;
	fd_closep(&h->fd);
	buf_done(&h->banner);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
