/* A whole `serve` for tests. flow and the journal's reader are doubles: what the linker finds here
 * it does not take from the library. Included once per test program. */
#ifndef TESTS_UNIT_SERVE_WORLD_H
#define TESTS_UNIT_SERVE_WORLD_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <pthread.h>
#include <sys/stat.h>

#include "flow/flow.h"
#include "folder.h"
#include "serve/serve.h"
#include "serve/ui.h"
#include "serve_client.h"
#include "store/journal.h"

#define JSON_POST "Content-Type: application/json\r\n"

/* ---- doubles ---- */

struct flow {
	flow_lane_fn *lane;
	flow_kept_fn *kept;
	void *ctx;
	const char *view; /* of lane 1; of lane 2 it is "{}" */
	char question[65], choice[65], wrong[33];
	int choices;
	struct sale_error refuse; /* with a code: taps are refused */
	bool held;                /* taps are not answered: `tap` waits */
	struct flow_tap tap;
	enum flow_form_kind form;
	int forms, form_rc; /* form_rc: with `refuse` and `known`, unless 0 */
	struct flow_known known;
	int asks; /* answered with `shown`; form_rc as above */
	bool tool;
	const char *shown;
};

bool flow_lane_json(struct flow *f, const char *lane, struct buf *out)
{
	if (strcmp(lane, "1") != 0 && strcmp(lane, "2") != 0)
		return false;
	buf_str(out, strcmp(lane, "1") == 0 ? f->view : "{}");
	return true;
}

/* Answered at once, or, while the journal is held, by flow_world_kept. */
int flow_tap(struct flow *f, const struct flow_tap *tap, struct sale_error *err)
{
	if (tap->question) {
		f->choices++;
		snprintf(f->question, sizeof(f->question), "%s", tap->question);
		snprintf(f->choice, sizeof(f->choice), "%s", tap->choice);
	} else {
		snprintf(f->wrong, sizeof(f->wrong), "%s", tap->lane);
	}
	*err = f->refuse;
	if (err->code[0])
		return -1;
	f->tap = *tap;
	if (!f->held)
		tap->done(tap->ctx, NULL);
	return 0;
}

int flow_form(struct flow *f, const struct flow_form *form, struct flow_known *known,
              struct sale_error *err)
{
	f->forms++;
	f->form = form->kind;
	*err = f->refuse;
	*known = f->known;
	if (f->form_rc == 0)
		form->done(form->ctx, NULL);
	return f->form_rc;
}

int flow_details(struct flow *f, const struct flow_ask *ask, struct sale_error *err)
{
	struct buf json = {0};

	f->asks++;
	f->tool = ask->tool;
	*err = f->refuse;
	buf_str(&json, f->shown ? f->shown : "{}");
	if (f->form_rc == 0)
		ask->done(ask->ctx, err->code[0] ? err : NULL, err->code[0] ? NULL : &json);
	buf_free(&json);
	return f->form_rc;
}

int flow_search(struct flow *f, const struct flow_ask *ask, struct sale_error *err)
{
	return flow_details(f, ask, err);
}

int flow_block(struct flow *f, const struct flow_block *block, struct sale_error *err)
{
	*err = f->refuse;
	*block->at_hq = !block->block;
	if (!err->code[0])
		block->done(block->ctx, NULL);
	return err->code[0] ? -1 : 0;
}

void flow_review_json(struct flow *f, struct buf *out)
{
	(void)f;
	buf_str(out, "{\"identifiers\":[]}");
}

void flow_statements_json(struct flow *f, struct buf *out)
{
	(void)f;
	buf_str(out, "{\"blocked\":null,\"open_since\":\"2026-11-21\",\"statements\":[]}");
}

void flow_status_json(struct flow *f, struct buf *out)
{
	(void)f;
	buf_str(out, "{\"store\":\"s1\",\"uptime_s\":12,\"pending\":{\"events\":3,\"oldest_s\":"
	             "2592000,\"alarm\":true},\"journal\":{\"events\":41,\"bytes\":9,"
	             "\"cannot_keep\":true},\"sync\":{\"connected\":false,\"unsent\":7},"
	             "\"sources\":[{\"name\":\"sc\\\"an\",\"lane\":\"1\",\"up\":true}],"
	             "\"tills\":[{\"till\":\"T1\",\"lane\":\"1\",\"up\":false}]}");
}

int flow_profile_json(struct flow *f, const char *customer_id, struct buf *out)
{
	(void)f;
	if (strcmp(customer_id, "broken") == 0)
		return -1;
	if (strcmp(customer_id, "C000017") != 0)
		return 0;
	buf_str(out, "{\"customer_id\":\"C000017\"}");
	return 1;
}

int flow_profile_why(struct flow *f, const char *customer_id, struct buf *out)
{
	int rc = flow_profile_json(f, customer_id, out);

	buf_reset(out);
	buf_str(out, "tier: gold; hq\n");
	return rc;
}

void flow_watch(struct flow *f, flow_lane_fn *lane, flow_kept_fn *kept, void *ctx)
{
	f->lane = lane;
	f->kept = kept;
	f->ctx = ctx;
}

struct journal_reader {
	char path[200];
};

/* The double of the reader's work waits here until the test lets it go on. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

int journal_reader_open(struct journal_reader **out, const char *path, const char *store,
                        const struct vault *vault, char *err, size_t err_size)
{
	(void)vault;
	assert_string_equal(store, "s1");
	if (strcmp(path, "broken") == 0) {
		snprintf(err, err_size, "pack 7 is \"torn\"");
		return -1;
	}
	*out = calloc(1, sizeof(**out));
	snprintf((*out)->path, sizeof((*out)->path), "%s", path);
	return 0;
}

void journal_reader_free(struct journal_reader *r)
{
	free(r);
}

int journal_reader_verify(struct journal_reader *r, struct journal_verify *out,
                          bool (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                          char *err, size_t err_size)
{
	(void)err;
	(void)err_size;
	progress(ctx, 1, 3);
	while (strcmp(r->path, "endless") == 0)
		if (!progress(ctx, 2, 3))
			return -1;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	*out = (struct journal_verify){.epochs = 2, .packs = 3, .events = 40};
	return 0;
}

/* ---- the world ---- */

struct world {
	struct event_base *base;
	struct counters counters;
	struct flow flow;
	struct serve *serve;
	char dir[FOLDER_SIZE], socket[96];
	struct serve_params params;
};

static const char *const lanes[] = {"1", "2", NULL};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char err[300];

	signal(SIGPIPE, SIG_IGN);
	folder_make(w->dir, "serve");
	snprintf(w->socket, sizeof(w->socket), "%s/api.sock", w->dir);
	w->base = event_base_new();
	w->flow.view = "{\"lane\":\"1\",\"rev\":1}";
	w->params = (struct serve_params){.base = w->base,
	                                  .flow = &w->flow,
	                                  .counters = &w->counters,
	                                  .listen = "127.0.0.1",
	                                  .socket = w->socket,
	                                  .lanes = lanes,
	                                  .journal_path = "journal.db",
	                                  .store = "s1"};
	w->serve = serve_new(&w->params, err, sizeof(err));
	assert_non_null(w->serve);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	serve_free(w->serve);
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	event_base_free(w->base);
	folder_drop(w->dir);
	free(w);
	return 0;
}

static struct client loopback(struct world *w)
{
	return client_loopback(serve_port(w->serve));
}

/* One question and its answer on the loopback door. The answer is kept until the next call. */
static int ask(struct world *w, struct client *c, const char *method, const char *path,
               const char *headers, const char *body)
{
	if (c->in)
		client_close(c);
	*c = loopback(w);
	return client_ask(w->base, c, method, path, headers, body);
}

static const char *body_of(const struct client *c)
{
	const char *p = strstr(c->in, "\r\n\r\n");

	return p ? p + 4 : "";
}

static bool has_code(const struct client *c, const char *code)
{
	json_t *o = json_loads(body_of(c), JSON_DISABLE_EOF_CHECK, NULL);
	json_t *error = json_object_get(o, "error");
	const char *is = json_string_value(json_object_get(error, "code"));
	bool same =
	    is && strcmp(is, code) == 0 && json_is_string(json_object_get(error, "message"));

	json_decref(o);
	return same;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
