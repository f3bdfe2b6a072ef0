#include "hq_world.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <jansson.h>
#include <pthread.h>

#include "hq/base/hq_call.h"
#include "hq/base/hq_conf.h"
#include "hq/cmd/hq_import_file.h"
#include "hq/identity/hq_links.h"
#include "hq/identity/hq_profile.h"
#include "hq/serve/hq_act.h"
#include "hq/serve/hq_control.h"
#include "hq/serve/hq_status.h"
#include "store/db.h"

/* A running HQ's control socket, its loop in a thread; the test is the command line. */
struct running {
	struct world *w;
	struct hq_conf conf;
	struct event_base *base;
	struct event *stop;
	struct hq_control *control;
	pthread_t thread;
	int fds[2];
	int changes;
	char acted[200]; /* what the loop was asked to do */
	int up;          /* what it says of a batch */
};

static void changed(void *ctx)
{
	((struct running *)ctx)->changes++;
}

static json_t *act(void *ctx, const char *action, const char *store, const char *epoch, char *err,
                   size_t err_size)
{
	struct running *r = ctx;

	snprintf(r->acted, sizeof r->acted, "%s|%s|%s", action, store ? store : "-",
	         epoch ? epoch : "-");
	if (strcmp(action, "settle") == 0)
		return json_pack("{s:i}", "settled", 3);
	snprintf(err, err_size, "not today");
	return NULL;
}

static int up(void *ctx, const char *store, const uint8_t *payload, size_t len)
{
	struct running *r = ctx;

	snprintf(r->acted, sizeof r->acted, "%s|%.*s", store, (int)len, (const char *)payload);
	return r->up;
}

static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
	struct running *r = ctx;

	(void)fd;
	(void)what;
	event_base_loopbreak(r->base);
}

static void *loop(void *ctx)
{
	event_base_dispatch(((struct running *)ctx)->base);
	return NULL;
}

static void start(struct running *r)
{
	struct hq_control_params params = {.db = r->w->db,
	                                   .scope = &r->w->scope,
	                                   .path = r->conf.socket,
	                                   .changed = changed,
	                                   .act = act,
	                                   .up = up,
	                                   .ctx = r};
	char err[300];

	r->base = event_base_new();
	params.base = r->base;
	if (hq_control_open(&r->control, &params, err, sizeof err) != 0)
		fail_msg("%s", err);
	assert_int_equal(pipe(r->fds), 0);
	r->stop = event_new(r->base, r->fds[0], EV_READ, on_stop, r);
	event_add(r->stop, NULL);
	assert_int_equal(pthread_create(&r->thread, NULL, loop, r), 0);
}

static void halt(struct running *r)
{
	assert_int_equal(write(r->fds[1], "x", 1), 1);
	pthread_join(r->thread, NULL);
	hq_control_close(r->control);
	event_free(r->stop);
	event_base_free(r->base);
	close(r->fds[0]);
	close(r->fds[1]);
}

static int set_up(void **state)
{
	struct running *r = calloc(1, sizeof *r);

	r->w = world_new();
	text_copy(r->conf.data, sizeof r->conf.data, r->w->dir);
	snprintf(r->conf.socket, sizeof r->conf.socket, "%s/hq.sock", r->w->dir);
	text_copy(r->w->forms.region, sizeof r->w->forms.region, "DE");
	r->conf.rules = r->w->forms;
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct running *r = *state;

	world_free(r->w);
	free(r);
	return 0;
}

static void write_rows(struct running *r, int rows)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/c.csv", r->w->dir);
	f = fopen(path, "w");
	fprintf(f, "customer_id,email,first_name\r\n");
	for (int i = 0; i < rows; i++)
		fprintf(f, "K%d,a%d@example.com,Anna\r\n%s", i, i, i == 700 ? "\r\nbad\r\n" : "");
	fclose(f);
}

static int import(struct running *r, struct hq_import_sums *sums, char *said, size_t said_size,
                  char *err)
{
	char path[128];
	FILE *out = fmemopen(said, said_size, "w");
	int rc;

	snprintf(path, sizeof path, "%s/c.csv", r->w->dir);
	memset(sums, 0, sizeof *sums);
	rc = hq_import_file(&r->conf, path, out, sums, err, 300);
	fclose(out);
	return rc;
}

static void a_file_goes_through_the_running_hq_in_pieces(void **state)
{
	struct running *r = *state;
	struct hq_import_sums sums;
	char said[512] = "", err[300] = "";

	write_rows(r, 1300);
	start(r);
	assert_int_equal(import(r, &sums, said, sizeof said, err), 0);
	assert_int_equal(sums.made, 1300);
	assert_int_equal(sums.bad, 1);
	assert_string_equal(said, "line 704: 1 cells, expected 3 as in the header\n");
	assert_int_equal(import(r, &sums, said, sizeof said, err), 0);
	assert_int_equal(sums.same, 1300);
	halt(r);
	assert_int_equal(r->changes, 3);
	assert_int_equal(world_number(r->w, "SELECT count(*) FROM profile"), 1300);
}

static void a_file_goes_straight_in_when_no_hq_runs(void **state)
{
	struct running *r = *state;
	struct hq_import_sums sums;
	char said[512] = "", err[300] = "";

	write_rows(r, 1300);
	world_close(r->w);
	assert_int_equal(import(r, &sums, said, sizeof said, err), 0);
	world_open(r->w);
	assert_int_equal(sums.made, 1300);
	assert_string_equal(said, "line 704: 1 cells, expected 3 as in the header\n");
}

static void a_wrong_header_a_missing_file_and_a_silent_hq_are_said(void **state)
{
	struct running *r = *state;
	struct hq_import_sums sums;
	char said[512] = "", err[300] = "";

	assert_int_equal(import(r, &sums, said, sizeof said, err), -1);
	assert_non_null(strstr(err, "No such file"));
	write_rows(r, 1);
	assert_int_equal(import(r, &sums, said, sizeof said, err), -1);
	assert_non_null(strstr(err, "does not answer"));
	world_write_text(r->w, "c.csv", "name,shoe\nx,y\n", 0600);
	start(r);
	assert_int_equal(import(r, &sums, said, sizeof said, err), -1);
	assert_non_null(strstr(err, "column 2 is not known"));
	halt(r);
}

static void what_a_person_asks_for_reaches_the_running_hq_letter_by_letter(void **state)
{
	struct running *r = *state;
	char err[300] = "";
	json_t *answer;

	start(r);
	answer = hq_act_call(&r->conf, "settle", "a b&epoch=c%20", "00ff", err, sizeof err);
	assert_int_equal(json_integer_value(json_object_get(answer, "settled")), 3);
	json_decref(answer);
	assert_string_equal(r->acted, "settle|a b&epoch=c%20|00ff");
	assert_null(hq_act_call(&r->conf, "retry", NULL, NULL, err, sizeof err));
	assert_string_equal(r->acted, "retry|-|-");
	assert_string_equal(err, "not today");
	halt(r);
}

static void a_batch_is_kept_or_it_is_said_why_not(void **state)
{
	const struct hq_call_param s1[] = {{"store", "s1"}, {NULL, NULL}}, none[] = {{NULL, NULL}};
	struct running *r = *state;
	struct hq_call *call = hq_call_open(r->conf.socket);
	char err[300] = "";
	json_t *answer;

	start(r);
	answer = hq_call_post(call, "/v1/up", s1, "batch", 5, err, sizeof err);
	assert_non_null(answer);
	json_decref(answer);
	assert_string_equal(r->acted, "s1|batch");
	assert_null(hq_call_post(call, "/v1/up", none, "batch", 5, err, sizeof err));
	assert_non_null(strstr(err, "expected ?store="));
	r->up = -1;
	assert_null(hq_call_post(call, "/v1/up", s1, "batch", 5, err, sizeof err));
	assert_non_null(strstr(err, "could not keep"));
	halt(r);
	assert_null(hq_call_post(call, "/v1/up", s1, "batch", 5, err, sizeof err));
	assert_non_null(strstr(err, "does not answer"));
	hq_call_close(call);
}

static size_t take(char *p, size_t size, size_t n, void *ctx)
{
	buf_add(ctx, p, size * n);
	return size * n;
}

static json_t *get(struct running *r, const char *path)
{
	CURL *curl = curl_easy_init();
	struct buf answer = {0};
	char url[128];
	json_t *root;

	snprintf(url, sizeof url, "http://laneway-hq%s", path);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, r->conf.socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	curl_easy_cleanup(curl);
	root = json_loadb((char *)answer.data, answer.len, 0, NULL);
	assert_non_null(root);
	buf_free(&answer);
	return root;
}

static const char *text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static json_int_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void the_status_names_stores_epochs_gaps_and_what_is_wrong(void **state)
{
	struct running *r = *state;
	struct store *s = store_new(r->w, "s1", 0xab);
	json_t *status, *store, *epoch;

	store_chatter(s, 9);
	store_raw(s, "not json");
	store_send(s, 1, 4);
	store_send(s, 8, 11);
	world_up(r->w, "s1", "x", 1);
	start(r);
	status = get(r, "/v1/status");
	assert_string_equal(text(status, "generation"), hq_db_generation(r->w->db));
	assert_int_equal(number(status, "held"), 8);
	assert_int_equal(number(status, "unfolded"), 7);
	assert_int_equal(number(status, "quarantined"), 1);
	assert_int_equal(number(status, "unreadable"), 1);
	assert_int_equal(json_array_size(json_object_get(status, "raw")), 2);
	store = json_array_get(json_object_get(status, "stores"), 0);
	assert_string_equal(text(store, "store"), "s1");
	epoch = json_array_get(json_object_get(store, "epochs"), 0);
	assert_string_equal(text(epoch, "epoch"), "abababababababab");
	assert_string_equal(text(epoch, "device"), "d1");
	assert_int_equal(number(epoch, "through"), 4);
	assert_int_equal(number(json_array_get(json_object_get(epoch, "ranges"), 0), "first"), 8);
	json_decref(status);
	status = get(r, "/v1/other");
	assert_string_equal(text(json_object_get(status, "error"), "code"), "not_found");
	json_decref(status);
	status = get(r, "/v1/import");
	assert_string_equal(text(json_object_get(status, "error"), "code"), "bad_method");
	json_decref(status);
	halt(r);
	store_free(s);
}

static void a_reader_sees_the_status_and_a_profile_while_hq_runs(void **state)
{
	struct running *r = *state;
	struct sqlite3 *db;
	char path[128], err[200], said[64] = "";
	struct hq_import_sums sums;
	json_t *profile;

	write_rows(r, 1);
	start(r);
	assert_int_equal(import(r, &sums, said, sizeof said, err), 0);
	snprintf(path, sizeof path, "%s/hq.db", r->w->dir);
	assert_int_equal(db_open_reader(&db, path, err, sizeof err), 0);
	profile = hq_status_profile(db, "C000001");
	assert_string_equal(text(profile, "external"), "K0");
	assert_int_equal(number(profile, "visits"), 0);
	assert_int_equal(json_array_size(json_object_get(profile, "identifiers")), 1);
	json_decref(profile);
	assert_null(hq_status_profile(db, "C000002"));
	db_close_reader(db);
	halt(r);
}

static void only_the_owner_can_reach_the_socket(void **state)
{
	struct running *r = *state;
	struct stat st;

	start(r);
	assert_int_equal(stat(r->conf.socket, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	halt(r);
	assert_int_equal(stat(r->conf.socket, &st), -1);
}

static void links_are_said_through_the_running_hq_and_stores_are_told(void **state)
{
	struct running *r = *state;
	char err[400] = "";
	json_t *ask =
	           json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", "action", "link", "first", "C000001",
	                     "second", "C000002", "reason", "one person", "actor", "eva", "yes", 0),
	       *answer;

	assert_int_equal(hq_db_begin(r->w->db), 0);
	hq_profile_upsert(r->w->db, &(struct hq_person){.external = "K1"}, &(int64_t){0});
	hq_profile_upsert(r->w->db, &(struct hq_person){.external = "K2"}, &(int64_t){0});
	assert_int_equal(hq_persons_fold(r->w->db, &r->w->scope, 1, 0), 0);
	assert_int_equal(hq_db_commit(r->w->db), 0);
	start(r);
	answer = hq_links_call(&r->conf, ask, err, sizeof err);
	if (!answer)
		fail_msg("%s", err);
	assert_int_equal(json_array_size(json_object_get(answer, "changes")), 1);
	assert_true(json_is_false(json_object_get(answer, "done")));
	assert_int_equal(r->changes, 0);
	json_decref(answer);
	json_object_set_new(ask, "yes", json_true());
	answer = hq_links_call(&r->conf, ask, err, sizeof err);
	assert_true(json_is_true(json_object_get(answer, "done")));
	assert_int_equal(r->changes, 1);
	json_decref(answer);
	json_object_set_new(ask, "second", json_string("C000007"));
	assert_null(hq_links_call(&r->conf, ask, err, sizeof err));
	assert_non_null(strstr(err, "C000007 is not known"));
	json_decref(ask);
	halt(r);
	assert_int_equal(world_number(r->w, "SELECT person FROM profile WHERE n = 2"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(links_are_said_through_the_running_hq_and_stores_are_told),
	    TEST(a_file_goes_through_the_running_hq_in_pieces),
	    TEST(a_file_goes_straight_in_when_no_hq_runs),
	    TEST(a_wrong_header_a_missing_file_and_a_silent_hq_are_said),
	    TEST(what_a_person_asks_for_reaches_the_running_hq_letter_by_letter),
	    TEST(a_batch_is_kept_or_it_is_said_why_not),
	    TEST(the_status_names_stores_epochs_gaps_and_what_is_wrong),
	    TEST(a_reader_sees_the_status_and_a_profile_while_hq_runs),
	    TEST(only_the_owner_can_reach_the_socket),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
