/* Guards over restarts: one stream of baskets, served with the box being stopped or cut off at
 * places that a seed chooses, leads to the same as without. */
#include "flow_world.h"

#define BASKETS 18
#define CARDS 3
#define RUNS 2 /* cut at other places */

static const char *const card[CARDS] = {CARD, "2600000000187", "2600000000194"};

/* Two more customers, from before the run. */
static void two_more(struct world *w)
{
	static const char lines[] =
	    "{\"customer_id\":\"C000018\",\"first_name\":\"Ben\",\"identifiers\":[{\"kind\":"
	    "\"loyalty\",\"ref\":\"AQECAwQFBgcICQoLDA0ODw\",\"value\":\"2600000000187\","
	    "\"verified\":true}],\"includes\":{},\"name\":\"Ben Au\",\"points\":1,\"points_as_of\":"
	    "\"2026-11-20T00:00:00.000Z\",\"state\":\"active\",\"version\":813,\"visits\":1}\n"
	    "{\"customer_id\":\"C000019\",\"first_name\":\"Eva\",\"identifiers\":[{\"kind\":"
	    "\"loyalty\",\"ref\":\"AgECAwQFBgcICQoLDA0ODw\",\"value\":\"2600000000194\","
	    "\"verified\":true}],\"includes\":{},\"name\":\"Eva Au\",\"points\":1,\"points_as_of\":"
	    "\"2026-11-20T00:00:00.000Z\",\"state\":\"active\",\"version\":814,\"visits\":1}\n";
	const struct shard_mark mark = {.generation = "00000000000000aa", .version = 814};
	char path[96], err[256] = "";
	struct shard *s;
	bool made;
	snprintf(path, sizeof path, "%s/shard.db", w->p->dir);
	if (shard_open(&s, path, w->p->vault, &made, err, sizeof err) ||
	    shard_apply(s, lines, strlen(lines), &mark, true, err, sizeof err) != 2)
		fail_msg("%s", err);
	shard_free(s);
}

static void in_folder(struct world *w, const char *commands)
{
	char line[300];
	snprintf(line, sizeof line, "cd '%s' && %s", w->p->dir, commands);
	assert_int_equal(system(line), 0);
}

/* ---- the stream ---- */

struct stream {
	struct world *w;
	unsigned seed; /* 0: nothing happens in between */
	int message;
	struct buf log; /* what came of it */
};

static unsigned dice(struct stream *s)
{
	s->seed = s->seed * 1103515245 + 12345;
	return s->seed >> 16;
}

static void greet(struct world *w)
{
	till_connect(w, "T1", "1");
	pass(w, 3 * SECOND_US); /* it has nothing to say again */
	flow_tick(w->flow);
	WAIT_FOR(w, !flow_word_awaited(w->flow, "1"));
}

/* Cut: with the files as they were, not as an orderly end leaves them. */
static void again(struct stream *s, bool cut)
{
	struct world *w = s->w;
	if (cut)
		in_folder(w, "mkdir cut && cp -p journal.db* cut/");
	world_close(w);
	if (cut)
		in_folder(w, "rm -f journal.db* cut/*-shm && mv cut/* . && rmdir cut");
	world_open(w);
	keep(w);
	greet(w);
}

/* Every step takes as long, whatever happens to the box. */
static void step(struct stream *s)
{
	int64_t mono_us = s->w->mono_us, wall_us = s->w->p->wall_us;
	if (s->seed && dice(s) % 3 == 0)
		again(s, dice(s) & 1);
	pass(s->w, mono_us + 10 * SECOND_US - s->w->mono_us);
	assert_true(s->w->p->wall_us == wall_us + 10 * SECOND_US);
}

static void say(struct stream *s, const char *members)
{
	char line[400], id[16];
	size_t from = said_count(s->w);
	snprintf(id, sizeof id, "a:%d", ++s->message);
	snprintf(line, sizeof line, "{\"source_message_id\":\"%s\",%s}", id, members);
	till_say(s->w, line);
	WAIT_FOR(s->w, said(s->w, from, "kept", id) || said(s->w, from, "error", id));
	if (!said(s->w, from, "kept", id))
		fail_msg("%s: %s", line, json_dumps(said(s->w, from, "error", id), 0));
}

static void present(struct stream *s, int n)
{
	int presented = kept_times(s->w, "Identifier Presented");
	scan(s->w, card[n / 3 % CARDS]);
	WAIT_FOR(s->w, kept_times(s->w, "Identifier Presented") > presented);
}

static void basket(struct stream *s, int n)
{
	const char *staff = n / 6 == 1 ? ",\"staff_ref\":\"K1\"" : "";
	bool early = n % 3 == 0; /* the card before the basket */
	char line[300];
	if (early)
		present(s, n);
	step(s);
	snprintf(line, sizeof line, "\"type\":\"basket_opened\",\"basket\":\"B%d\"%s", n, staff);
	say(s, line);
	step(s);
	if (!early)
		present(s, n);
	step(s);
	if (n % 4 == 1) /* the same basket */
		present(s, n);
	snprintf(line, sizeof line, "\"type\":\"basket_voided\",\"basket\":\"B%d\"", n);
	say(s, line);
	step(s);
	pass(s->w, (n % 5 ? 4 : 20) * 60 * SECOND_US);
	buf_printf(&s->log, "%d: %d blocked\n", n, kept_times(s->w, "Identifier Blocked"));
}

/* From a fresh store to how many are on the manager's list. */
static void run(unsigned seed, struct buf *log)
{
	void *state = NULL;
	assert_int_equal(world_set_up(&state), 0);
	struct stream s = {.w = state, .seed = seed};
	world_close(s.w);
	two_more(s.w);
	world_open(s.w);
	keep(s.w);
	greet(s.w);
	for (int n = 0; n < BASKETS; n++)
		basket(&s, n);
	size_t at = 0, rows = 0;
	while (flow_guard_next(s.w->flow, &at))
		rows++;
	buf_printf(&s.log, "%d on the list", (int)rows);
	json_t *block;
	for (int i = 0; (block = kept(s.w, "Identifier Blocked", i)) != NULL;
	     json_decref(block), i++)
		buf_printf(&s.log, "\n%s", text_of(json_object_get(block, "properties"), "reason"));
	buf_byte(&s.log, '\0');
	assert_false(s.log.failed);
	*log = s.log;
	world_tear_down(&state);
}

static void guards_count_the_same_with_and_without_restarts(void **state)
{
	struct buf straight, cut;
	(void)state;
	run(0, &straight);
	assert_non_null(strstr((char *)straight.data, "day_baskets"));
	assert_non_null(strstr((char *)straight.data, "lane_baskets"));
	for (unsigned seed = 1; seed <= RUNS; seed++) {
		run(seed, &cut);
		if (strcmp((char *)straight.data, (char *)cut.data) != 0)
			fail_msg("seed %u:\n%s\ninstead of\n%s", seed, (char *)cut.data,
			         (char *)straight.data);
		buf_free(&cut);
	}
	buf_free(&straight);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(guards_count_the_same_with_and_without_restarts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
