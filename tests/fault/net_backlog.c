/* net_backlog LINES KEYS DIR STORE EVENTS FLIGHT CUSTOMERS: a journal as days without a line leave
 * it.
 *
 * Takes the events of a recorded day (canonical lines, one a line) and keeps them again and again
 * in a new journal in DIR, until it holds EVENTS, at most FLIGHT on their way at a time (1: a pack
 * holds one event). Each pass gives baskets, orders and visits ids of their own; whoever is named
 * is one of the customers C000001 to CUSTOMERS. Prints how many packs there are. */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "store/journal.h"

#define TEMPLATES_MAX 20000

struct template
{
	enum event_kind kind;
	char *lane, *source, *visit_id, *basket_id, *date, *properties;
	struct lw_event_identity who;
	bool sealed;
};

struct day {
	struct template *list;
	size_t count;
	uint64_t customers;
};

static char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? strdup(s) : NULL;
}

/* false: not an event to be kept again. */
static bool read_template(struct template *t, const char *line)
{
	json_t *event = json_loads(line, 0, NULL);
	json_t *c = json_object_get(json_object_get(event, "context"), "laneway");
	json_t *who = json_object_get(c, "identity");
	const char *name = json_string_value(json_object_get(event, "event"));

	memset(t, 0, sizeof(*t));
	t->kind = name ? lw_event_kind_of(name) : EVENT_KIND_COUNT;
	bool ok = t->kind != EVENT_KIND_COUNT && json_object_get(c, "visit_id");
	if (ok) {
		t->lane = text_of(c, "lane");
		t->source = text_of(c, "source");
		t->visit_id = text_of(c, "visit_id");
		t->basket_id = text_of(c, "basket_id");
		t->date = text_of(c, "business_date");
		t->properties =
		    json_dumps(json_object_get(event, "properties"), JSON_SORT_KEYS | JSON_COMPACT);
		t->who = (struct lw_event_identity){
		    text_of(who, "profile_ref"), text_of(who, "rule"),   text_of(who, "ruleset"),
		    text_of(who, "confidence"),  text_of(who, "status"), NULL};
		t->sealed = json_object_get(c, "sealed") != NULL;
	}
	json_decref(event);
	return ok;
}

static size_t read_templates(const char *path, struct template *list)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t room = 0, n = 0;

	while (f && n < TEMPLATES_MAX && getline(&line, &room, f) > 0)
		n += read_template(&list[n], line);
	free(line);
	if (f)
		fclose(f);
	return n;
}

/* Every value of a member that ends in `_id` gets this pass's number at its end. */
static char *renamed(const char *json, uint64_t pass)
{
	static const char member[] = "_id\":\"";
	struct buf out = {0};

	for (const char *at; (at = strstr(json, member)) != NULL;) {
		const char *end = strchr(at + sizeof(member) - 1, '"');
		buf_add(&out, json, (size_t)(end - json));
		buf_printf(&out, "-%llu", (unsigned long long)pass);
		json = end;
	}
	buf_str(&out, json);
	buf_byte(&out, 0);
	return (char *)out.data;
}

static struct entry *make_entry(const struct day *day, uint64_t number)
{
	const struct template *t = &day->list[number % day->count];
	uint64_t pass = number / day->count;
	struct entry *e = entry_new();
	struct lw_event *ev = entry_add(e, t->kind);
	char *properties = renamed(t->properties, pass), text[128], visit[40];

	ev->mono_us = clock_mono_us(clock_system());
	ev->wall_us = clock_wall_us(clock_system());
	ev->business_date = t->date;
	ev->utc_offset_min = 60;
	ev->source = t->source;
	ev->lane = t->lane;
	snprintf(visit, sizeof(visit), "%.16s%06llx", t->visit_id, (unsigned long long)pass);
	ev->visit_id = entry_text(e, visit);
	if (t->basket_id) {
		snprintf(text, sizeof(text), "%s-%llu", t->basket_id, (unsigned long long)pass);
		ev->basket_id = entry_text(e, text);
	}
	ev->identity = t->who;
	ev->properties = entry_text(e, properties);
	if (t->sealed) {
		snprintf(text, sizeof(text), "{\"customer_id\":\"C%06llu\",\"ident_ref\":\"A\"}",
		         (unsigned long long)(number % day->customers + 1));
		ev->person = entry_text(e, text);
		vault_random(&ev->key, sizeof(ev->key));
	}
	free(properties);
	return e;
}

static bool pump(struct journal *j, const struct day *day, uint64_t total, uint64_t flight)
{
	struct pollfd wait = {.fd = journal_done_fd(j), .events = POLLIN};

	for (uint64_t put = 0, kept = 0; kept < total;) {
		while (put < total && put - kept < flight) {
			struct entry *e = make_entry(day, put);
			if (!journal_put(j, e)) {
				entry_free(e);
				break;
			}
			put++;
		}
		poll(&wait, 1, 5000);
		for (struct entry *e = journal_done(j); e; e = journal_done(j)) {
			if (e->status != ENTRY_KEPT)
				return false;
			kept++;
			entry_free(e);
		}
	}
	return true;
}

static struct journal *open_journal(char **argv, struct counters *counters,
                                    const struct vault *vault)
{
	static char path[400];
	char err[300];
	bool aside;
	struct journal *j;
	const struct journal_params params = {.path = path,
	                                      .store = argv[4],
	                                      .device = "box-1",
	                                      .vault = vault,
	                                      .clock = clock_system(),
	                                      .counters = counters,
	                                      .queue_max = 4096,
	                                      .quota_bytes = 16ULL << 30,
	                                      .retention_us = 7LL * 86400 * 1000000,
	                                      .resend_window_us = 72LL * 3600 * 1000000};

	snprintf(path, sizeof(path), "%s/journal.db", argv[3]);
	if (journal_open(&j, &params, &aside, err, sizeof(err)) || journal_start(j)) {
		fprintf(stderr, "%s\n", err);
		return NULL;
	}
	return j;
}

int main(int argc, char **argv)
{
	static struct template list[TEMPLATES_MAX];
	static struct counters counters;
	struct day day = {.list = list};
	struct vault *vault;
	char err[300];
	uint64_t events, flight;

	if (argc != 8 || !num_u64(argv[5], 1, UINT32_MAX, &events) ||
	    !num_u64(argv[6], 1, UINT32_MAX, &flight) ||
	    !num_u64(argv[7], 1, 999999, &day.customers)) {
		fputs("usage: net_backlog LINES KEYS DIR STORE EVENTS FLIGHT CUSTOMERS\n", stderr);
		return 2;
	}
	day.count = read_templates(argv[1], list);
	if (!day.count || vault_open(&vault, argv[2], true, err, sizeof(err)) < 0) {
		fprintf(stderr, "%s\n", day.count ? err : "no lines");
		return 1;
	}
	struct journal *j = open_journal(argv, &counters, vault);
	if (!j || !pump(j, &day, events, flight))
		return 1;
	printf("%llu packs\n", (unsigned long long)counter_get(&counters, COUNTER_PACKS));
	journal_stop(j);
	journal_free(j);
	vault_free(vault);
	return 0;
}
